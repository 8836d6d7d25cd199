"""The two face parsers of Section 5 that the SPN is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from spnkit.nn.blocks import WIDTHS, EncoderDecoder
from spnkit.nn.checks import check_counts, check_image


class FaceParser(EncoderDecoder):
    """The paper's baseline parser (Section 5): a symmetric network on the 8x downsampled face.

    Five conv + ReLU + max-pool levels of 32 to 512 channels, 4 x 4 x 512 at the bottleneck of a 128 x 128
    image, skips summed, bilinear upsampling. Without `batch_norm` it has 3,138,955 weights: its 12 MB.

    Parameters
    ----------
    num_classes : int
        Output channels; 11 for HELEN.
    widths : sequence of int
        Channels of each level.
    batch_norm : bool
        Normalise every convolution but the last. The paper does not, but has 40 epochs of 2000 faces to train
        on; 400 steps on 96 made-up faces reach a mean IoU of 58 without and 75 with it (new faces, one seed).
    edge : bool
        One output more, for the multi-objective loss of Liu et al. (2015): whether the pixel lies at an edge
        between classes. `with_edge` returns it; the parser itself does not.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import FaceParser
    >>> FaceParser(11)(torch.rand(2, 3, 128, 128)).shape
    torch.Size([2, 11, 128, 128])
    """

    def __init__(
        self,
        num_classes: int = 11,
        *,
        widths: Sequence[int] = WIDTHS,
        batch_norm: bool = True,
        edge: bool = False,
    ) -> None:
        check_counts(num_classes=num_classes)
        super().__init__(3, num_classes + edge, widths=widths, batch_norm=batch_norm)
        self.num_classes = num_classes

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the classes at every pixel.

        Parameters
        ----------
        image : Tensor, (N, 3, H, W), floating
            RGB in [0, 1], of any size.

        Returns
        -------
        Tensor, (N, num_classes, H, W)

        Raises
        ------
        TypeError, ValueError
            If `image` is not a finite floating tensor of that shape.

        Warns
        -----
        UserWarning
            If it has values that no photo in [0, 1] has.
        """
        check_image(image)
        return super().forward(image)[:, : self.num_classes]

    def with_edge(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the classes `(N, num_classes, H, W)` and of the edge `(N, H, W)`; needs `edge=True`."""
        check_image(image)
        both = super().forward(image)
        if both.shape[1] == self.num_classes:
            raise ValueError("with_edge needs a parser made with edge=True")
        return both[:, :-1], both[:, -1]


class HighResFaceParser(FaceParser):
    """The paper's Highres-CNN (Section 5): the baseline with three more 16-channel levels at each end.

    A 1024 x 1024 face goes in and comes out; the bottleneck is again 4 x 4 x 512.

    Parameters
    ----------
    num_classes : int
        Output channels; 11 for HELEN.
    levels : int
        Levels of 16 channels at each end: the face is `2**levels` times larger than the baseline's.
    widths, batch_norm, edge
        As in `FaceParser`.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import HighResFaceParser
    >>> HighResFaceParser(11)(torch.rand(1, 3, 256, 256)).shape
    torch.Size([1, 11, 256, 256])
    """

    def __init__(
        self,
        num_classes: int = 11,
        *,
        levels: int = 3,
        widths: Sequence[int] = WIDTHS,
        batch_norm: bool = True,
        edge: bool = False,
    ) -> None:
        super().__init__(num_classes, widths=(*[16] * levels, *widths), batch_norm=batch_norm, edge=edge)
