"""The SPN without its propagation: what a few more convolutions would do in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, relu

from spnkit.nn.blocks import WIDTHS, EncoderDecoder, fitted, upsampled_to
from spnkit.nn.checks import check_counts, check_pair
from spnkit.nn.spn import log_coarse, stride_of


class PlainRefinement(nn.Module):
    """Refine a coarse segmentation by convolutions of photo and coarse map, for comparison with `SPN`.

    The SPN's guidance network, but it reads the coarse map too and outputs features in place of weights; the
    SPN's last layer and its residual follow. It may do with the map whatever it likes, so it may also learn
    the habits of the one source of maps that it is trained on. With a `guidance` of its own, which reads photos
    alone, the map joins its features by two convolutions, one before the map is made smaller.

    Parameters
    ----------
    num_classes, hidden, size, residual
        As in `SPN`.
    guidance : callable, optional
        What makes a network of the photo when called with channels and `stride=`, such as `efficientnet_lite0`; an
        encoder-decoder of photo and map if not given.
    widths, batch_norm
        As in `UNetGuidance`, for that encoder-decoder.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import PlainRefinement
    >>> image, coarse = torch.rand(1, 3, 128, 128), torch.rand(1, 11, 128, 128).softmax(1)
    >>> PlainRefinement(11)(image, coarse).shape
    torch.Size([1, 11, 128, 128])
    """

    def __init__(
        self,
        num_classes: int,
        hidden: int = 32,
        size: int = 64,
        guidance: Callable[..., nn.Module] | None = None,
        *,
        widths: Sequence[int] = WIDTHS,
        batch_norm: bool = True,
        residual: bool = True,
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, hidden=hidden, size=size)
        self.num_classes, self.residual, self.stride = num_classes, residual, stride_of(size)
        if guidance is None:
            shape: dict[str, Any] = {"widths": widths, "stride": self.stride, "batch_norm": batch_norm}
            self.features: nn.Module = EncoderDecoder(3 + num_classes, hidden, **shape)
        else:
            self.features = guidance(hidden, stride=self.stride)
            self.before = nn.Conv2d(num_classes, hidden, 3, padding=1)
            self.joined = nn.Conv2d(2 * hidden, hidden, 3, padding=1)
        self.classify = nn.Conv2d(hidden, num_classes, 3, padding=1)

    def forward(self, image: Tensor, coarse: Tensor) -> Tensor:
        """Refined logits `(N, num_classes, H, W)` of an image and its coarse map, both as in `SPN`, with its checks."""
        check_pair(image, coarse, self.num_classes)
        height, width = image.shape[-2:]
        h = relu(
            self._joined(image, coarse) if hasattr(self, "joined") else self.features(torch.cat([image, coarse], 1))
        )
        logits = self.classify(upsampled_to(h, (height, width), self.stride))
        return logits + log_coarse(coarse) if self.residual else logits

    def _joined(self, image: Tensor, coarse: Tensor) -> Tensor:
        """Features of the photo and of the map, at the stride."""
        seen = relu(self.features(image))
        whole = fitted(coarse, [side * self.stride for side in seen.shape[-2:]])
        return self.joined(torch.cat([seen, avg_pool2d(self.before(whole), self.stride)], 1))
