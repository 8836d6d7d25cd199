"""The paper's networks as ordinary `torch.nn` modules: the layer, guidance networks, parsers and the SPN."""

import spnkit.adapters.torch  # noqa: F401 - registers the operator, or torch.export.load would not know it
from spnkit.nn.guidance import UNetGuidance, VGGGuidance
from spnkit.nn.masks import soften
from spnkit.nn.parsers import FaceParser, HighResFaceParser
from spnkit.nn.plain import PlainRefinement
from spnkit.nn.pretrained import FaceRefiner, face_refiner
from spnkit.nn.propagation import SpatialPropagation
from spnkit.nn.spn import SPN

__all__ = [
    "SPN",
    "FaceParser",
    "FaceRefiner",
    "HighResFaceParser",
    "PlainRefinement",
    "SpatialPropagation",
    "UNetGuidance",
    "VGGGuidance",
    "face_refiner",
    "soften",
]
