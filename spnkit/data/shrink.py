"""Photo and labels at the resolution of the baseline parser (8x downsampled in section 5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spnkit.data.classes import IGNORE
from spnkit.data.masks import whole_labels


def shrink_image(image: NDArray, factor: int) -> NDArray:
    """Average blocks of `factor` x `factor` pixels: shrinking without aliasing.

    Parameters
    ----------
    image : numpy.ndarray
        Photo, or maps with channels last (H, W, C), any real type.
    factor : int
        A divisor of H and W.

    Returns
    -------
    numpy.ndarray
        (H / factor, W / factor, 3) in the type of `image`; integers are rounded.

    Raises
    ------
    ValueError
        If `factor` does not divide the size.

    Examples
    --------
    >>> shrink_image(np.full((16, 8, 3), 7, np.uint8), 8)[:, :, 0].tolist()
    [[7], [7]]
    """
    mean = _blocks(image, factor).mean(axis=(1, 3))
    return (np.rint(mean) if np.issubdtype(image.dtype, np.integer) else mean).astype(image.dtype)


def shrink_labels(labels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """The commonest class of each block of `factor` x `factor` pixels, the lower index on a tie.

    Parameters
    ----------
    labels : numpy.ndarray
        Class indices, whole numbers 0..255 (H, W), or a boolean mask; 255 is unknown.
    factor : int
        A divisor of H and W.

    Returns
    -------
    numpy.ndarray
        uint8 (H / factor, W / factor); 255 where a block holds nothing else.

    Raises
    ------
    ValueError
        If `factor` does not divide the size, or labels are not whole numbers 0..255.

    Examples
    --------
    >>> shrink_labels(np.array([[3, 3], [255, 2]], np.uint8), 2).tolist()
    [[3]]
    """
    labels = whole_labels("labels", labels)
    blocks = _blocks(labels, factor)
    present = np.setdiff1d(labels, IGNORE)
    if not present.size:
        return np.full(blocks.shape[::2], IGNORE, np.uint8)
    votes = np.stack([(blocks == index).sum(axis=(1, 3)) for index in present])
    return np.where(votes.any(axis=0), present[votes.argmax(axis=0)], IGNORE).astype(np.uint8)


def _blocks(array: NDArray, factor: int) -> NDArray:
    height, width = array.shape[:2]
    if factor < 1 or height % factor or width % factor:
        raise ValueError(f"factor: expected a divisor of the {width} x {height} pixels, got {factor}")
    return array.reshape(height // factor, factor, width // factor, factor, *array.shape[2:])
