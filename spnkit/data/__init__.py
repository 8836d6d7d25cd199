"""Faces to train on: folder layouts, alignment, patches and tiles, and made-up faces with exact labels."""

from spnkit.data.align import align, frame_keypoints
from spnkit.data.classes import HELEN_CLASSES, IGNORE, OVERALL_GROUPS, score_groups
from spnkit.data.folder import SPLITS, Face, FaceFolder
from spnkit.data.layouts import open_faces
from spnkit.data.madeup import make_face, make_faces
from spnkit.data.patches import blend, mixed_windows, sample_windows, tiles
from spnkit.data.shrink import shrink_image, shrink_labels

__all__ = [
    "HELEN_CLASSES",
    "IGNORE",
    "OVERALL_GROUPS",
    "SPLITS",
    "Face",
    "FaceFolder",
    "align",
    "blend",
    "frame_keypoints",
    "make_face",
    "make_faces",
    "mixed_windows",
    "open_faces",
    "sample_windows",
    "score_groups",
    "shrink_image",
    "shrink_labels",
    "tiles",
]
