"""What experiments are about: one small description each. `spnkit.training` does the rest."""

from spnkit.extras import needs

with needs("spnkit.tasks", "train"):
    from spnkit.tasks.face_scores import FaceScores, scores_of
    from spnkit.tasks.faces import AlignedFaces, FaceExperiment, FaceOptions, Faces
    from spnkit.tasks.refinement import Refinement, RefinementOptions
    from spnkit.tasks.segmentation import Segmentation, SegmentationOptions
    from spnkit.tasks.voc import Voc, VocOptions, VocScores, within

__all__ = [
    "AlignedFaces",
    "FaceExperiment",
    "FaceOptions",
    "FaceScores",
    "Faces",
    "Refinement",
    "RefinementOptions",
    "Segmentation",
    "SegmentationOptions",
    "Voc",
    "VocOptions",
    "VocScores",
    "scores_of",
    "within",
]
