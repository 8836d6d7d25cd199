"""From a photo to a coarse map, and from a coarse map to a refined one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spnkit.data import blend, shrink_image, tiles
from spnkit.nn.blocks import upsampled


def to_tensor(image: NDArray) -> Tensor:
    """A photo (H, W, 3) in [0, 1] as a float32 tensor (3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32))


def upsample(coarse: Tensor, factor: int) -> Tensor:
    """Bilinear upsampling of a map by an integer factor.

    Parameters
    ----------
    coarse : Tensor, (C, h, w)
        The map, of any floating type.
    factor : int
        How many times larger the result is.

    Returns
    -------
    Tensor, (C, factor * h, factor * w), float32
    """
    return upsampled(coarse.float()[None], factor)[0]


def upsample_part(coarse: Tensor, factor: int, rows: slice, columns: slice) -> Tensor:
    """`upsample(coarse, factor)[:, rows, columns]`, at the cost of that part alone.

    Examples
    --------
    >>> coarse, part = torch.rand(3, 9, 9), np.s_[5:20, 30:36]
    >>> bool((upsample_part(coarse, 4, *part) == upsample(coarse, 4)[:, part[0], part[1]]).all())
    True
    """
    first_row, first_column = (max(0, part.start // factor - 1) for part in (rows, columns))
    low = coarse[:, first_row : rows.stop // factor + 2, first_column : columns.stop // factor + 2]
    up = upsample(low, factor)[:, rows.start - first_row * factor :, columns.start - first_column * factor :]
    return up[:, : rows.stop - rows.start, : columns.stop - columns.start]


@torch.inference_mode()
def parse(parsers: Iterable[nn.Module], image: NDArray[np.uint8], factor: int, device: torch.device) -> Tensor:
    """Class probabilities of a photo (H, W, 3) at `factor` times lower resolution, averaged over parsers.

    Parameters
    ----------
    parsers : iterable of nn.Module
        `(N, 3, h, w) -> logits (N, num_classes, h, w)`.
    image : numpy.ndarray, (H, W, 3), uint8
        The photo.
    factor : int
        A divisor of H and W.
    device : torch.device
        Where the parsers are.

    Returns
    -------
    Tensor, (num_classes, H / factor, W / factor), float32, on the CPU

    Raises
    ------
    TypeError, ValueError
        If the photo is not uint8, or `factor` does not divide the sides.
    """
    if image.dtype != np.uint8:  # a photo in [0, 1] would be all but black
        raise TypeError(f"image: expected uint8, got {image.dtype}")
    small = to_tensor(shrink_image(image, factor) / np.float32(255))[None].to(device)
    return torch.stack([parser.eval()(small).softmax(1)[0] for parser in parsers]).mean(0).cpu()


@torch.inference_mode()
def refine(network: nn.Module, image: Tensor, coarse: Tensor, *, patch: int, overlap: int, batch: int = 8) -> Tensor:
    """Refine a whole photo tile by tile; the affinities were learned on patches of that size.

    Parameters
    ----------
    network : SPN
        `(image, coarse) -> logits`.
    image : Tensor, (3, H, W)
        RGB in [0, 1].
    coarse : Tensor, (num_classes, H, W)
        Probabilities.
    patch, overlap : int
        Side of a tile, and by how much neighbours overlap at least.
    batch : int
        Tiles at a time.

    Returns
    -------
    Tensor, (num_classes, H, W)
        Probabilities, blended where tiles overlap.
    """
    network.eval()
    height, width = image.shape[-2:]
    places = tiles(height, width, patch, overlap)
    pieces: list[NDArray] = []
    for start in range(0, len(places), batch):
        some = places[start : start + batch]
        logits = network(cut(image, some, patch), cut(coarse, some, patch))
        pieces.extend(logits.softmax(1).cpu().numpy())
    return torch.from_numpy(blend(pieces, places, height, width))


@torch.inference_mode()
def refine_whole(network: nn.Module, image: Tensor, coarse: Tensor) -> Tensor:
    """`refine` in one piece, in the time of its pixels."""
    return network.eval()(image[None], coarse[None])[0].softmax(0).cpu()


def cut(picture: Tensor, places: Sequence[tuple[int, int]], patch: int) -> Tensor:
    """Square patches of a picture (C, H, W) as a batch."""
    return torch.stack([picture[:, r : r + patch, c : c + patch] for r, c in places])
