"""Any segmentation model and an SPN on top of its last layer, as one module (Section 5, its first option)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from spnkit.nn.checks import check_image
from spnkit.nn.spn import SPN


class RefinedModel(nn.Module):
    """Refine what a model says of a photo.

    Parameters
    ----------
    model : nn.Module
        `image -> logits (N, C, h, w)` at any stride, or a mapping that has them as `"out"`, as torchvision's
        segmentation models return.
    refiner : nn.Module
        `(image, probabilities) -> logits`, both of the photo's size: an `SPN` with as many classes.
    joint : bool
        Whether the model learns too. If not, it stays as it is, in eval mode, and costs no gradients.
    prepare : callable, optional
        What the model wants of RGB in [0, 1], such as torchvision's normalisation; the refiner sees the photo itself.

    Raises
    ------
    TypeError
        If `model` or `refiner` is no module.
    ValueError
        When called, if the logits are not (N, C, h, w), or of another number of classes than the SPN's.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import SPN, RefinedModel
    >>> coarse = torch.nn.Conv2d(3, 5, 3, stride=8, padding=1)
    >>> RefinedModel(coarse, SPN(5, hidden=4))(torch.rand(1, 3, 60, 84)).shape
    torch.Size([1, 5, 60, 84])
    """

    def __init__(
        self,
        model: nn.Module,
        refiner: nn.Module,
        *,
        joint: bool = True,
        prepare: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        for name, module in (("model", model), ("refiner", refiner)):
            if not isinstance(module, nn.Module):
                raise TypeError(f"{name} must be a module, got {type(module).__name__}")
        self.model, self.refiner, self.joint, self.prepare = model, refiner, joint, prepare
        model.requires_grad_(joint)
        self.train()

    def train(self, mode: bool = True) -> RefinedModel:
        """Training mode, but for a model that does not learn."""
        super().train(mode)
        if not self.joint:
            self.model.eval()
        return self

    def coarse(self, image: Tensor) -> Tensor:
        """The model's probabilities, at the size of the photo."""
        check_image(image)
        with torch.set_grad_enabled(self.joint and torch.is_grad_enabled()):
            logits = logits_of(self.model(self.prepare(image) if self.prepare else image))
            classes = self.refiner.num_classes if isinstance(self.refiner, SPN) else logits.shape[1]
            if logits.shape[:2] != (len(image), classes):
                raise ValueError(f"model must give ({len(image)}, {classes}, h, w), got {tuple(logits.shape)}")
            return interpolate(logits, image.shape[-2:], mode="bilinear", align_corners=False).softmax(1)

    def forward(self, image: Tensor) -> Tensor:
        """Refined logits `(N, C, H, W)` of RGB in [0, 1]."""
        return self.refiner(image, self.coarse(image))


def logits_of(said: Any) -> Tensor:
    """What a model returns, or holds as `"out"`."""
    found = said.get("out") if isinstance(said, Mapping) else said
    if not isinstance(found, Tensor) or found.ndim != 4:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(said).__name__
        raise ValueError(f"model must give (N, C, h, w), or a mapping with them as 'out', got {shape}")
    return found
