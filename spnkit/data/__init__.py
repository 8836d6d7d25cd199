"""Photos with labels to train on: folder layouts, faces and their alignment, patches and tiles, made-up faces."""

from spnkit.data.classes import HELEN_CLASSES, IGNORE, OVERALL_GROUPS, score_groups
from spnkit.data.patches import blend, mixed_windows, sample_windows, tiles
from spnkit.data.shrink import shrink_image, shrink_labels

try:  # these need Pillow or scikit-image; what is above does not
    from spnkit.data.align import align, frame_keypoints
    from spnkit.data.faces import Face, FaceFolder, open_faces
    from spnkit.data.folder import LabelledFolder, LabelledImage, open_images
    from spnkit.data.layouts import LAYOUTS, SPLITS, Layout
    from spnkit.data.madeup import make_face, make_faces
except ModuleNotFoundError as error:
    _missing = (error.name or "").split(".")[0]

    def __getattr__(name):
        if name in __all__:
            message = f"spnkit.data.{name} needs {_missing}: pip install 'spnkit[train]'"
            raise ModuleNotFoundError(message, name=_missing) from None
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "HELEN_CLASSES",
    "IGNORE",
    "LAYOUTS",
    "OVERALL_GROUPS",
    "SPLITS",
    "Face",
    "FaceFolder",
    "LabelledFolder",
    "LabelledImage",
    "Layout",
    "align",
    "blend",
    "frame_keypoints",
    "make_face",
    "make_faces",
    "mixed_windows",
    "open_faces",
    "open_images",
    "sample_windows",
    "score_groups",
    "shrink_image",
    "shrink_labels",
    "tiles",
]
