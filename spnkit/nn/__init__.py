"""The paper's networks as ordinary `torch.nn` modules: the layer, guidance networks, parsers and the SPN."""

from spnkit.extras import needs

with needs("spnkit.nn", "torch"):
    import spnkit.adapters.torch  # noqa: F401 - registers the operator, or torch.export.load would not know it
    from spnkit.nn.backbones import efficientnet_lite0
    from spnkit.nn.guidance import UNetGuidance, VGGGuidance
    from spnkit.nn.masks import soften
    from spnkit.nn.parsers import FaceParser, HighResFaceParser
    from spnkit.nn.plain import PlainRefinement
    from spnkit.nn.pretrained import FaceRefiner, face_refiner
    from spnkit.nn.propagation import SpatialPropagation
    from spnkit.nn.pyramid import PyramidGuidance
    from spnkit.nn.refine import refine
    from spnkit.nn.refined import RefinedModel
    from spnkit.nn.refiner import MaskRefiner, mask_refiner
    from spnkit.nn.spn import SPN

__all__ = [
    "SPN",
    "FaceParser",
    "FaceRefiner",
    "HighResFaceParser",
    "MaskRefiner",
    "PlainRefinement",
    "PyramidGuidance",
    "RefinedModel",
    "SpatialPropagation",
    "UNetGuidance",
    "VGGGuidance",
    "efficientnet_lite0",
    "face_refiner",
    "mask_refiner",
    "refine",
    "soften",
]
