"""The coarse models of Section 5 on PASCAL VOC: photo in, logits at a lower resolution out."""

from spnkit.nn.segmenters.context import CONTEXT, context_module
from spnkit.nn.segmenters.resnet import ResNetFeatures, deeplab_resnet101, torchvision_resnet101
from spnkit.nn.segmenters.vgg import FCN8s, VGGSegmenter, deeplab_vgg, front_end

__all__ = [
    "CONTEXT",
    "FCN8s",
    "ResNetFeatures",
    "VGGSegmenter",
    "context_module",
    "deeplab_resnet101",
    "deeplab_vgg",
    "front_end",
    "torchvision_resnet101",
]
