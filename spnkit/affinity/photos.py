"""Photographs as they come, for weights that follow their edges: levels, channels, and how strong an edge is."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from spnkit.affinity.weights import as_real, check_finite

EDGES = 0.9
"""Perona and Malik take the strongest tenth of all differences for edges, after Canny."""
ALPHA = 4
"""Of so many channels the last says how opaque a pixel is."""
NOTHING = 1e-4
"""A weight that nobody sees."""


def as_channels(image) -> np.ndarray:
    """A photo or features as (channels, H, W) float64: whole levels of 8 or 16 bits in [0, 1], alpha left out."""
    given = as_real("image", image)
    if given.ndim not in (2, 3) or given.size == 0:
        raise ValueError(f"image must have shape (H, W) or (H, W, channels), got {given.shape}")
    check_finite("image", given)
    channels = np.moveaxis(np.atleast_3d(given), -1, 0)
    channels = channels[:3] if len(channels) == ALPHA else channels
    return in_unit(channels).astype(np.float64, copy=False)


def in_levels(image) -> bool:
    """Whether numbers are levels of a photo as files hold them, and not what somebody has computed."""
    return np.asarray(image).dtype in (np.uint8, np.uint16)


def in_unit(image: np.ndarray) -> np.ndarray:
    """Levels as numbers in [0, 1]; other numbers as they are."""
    return image / np.float64(np.iinfo(image.dtype).max) if in_levels(image) else image


def edge_scale(image: ArrayLike) -> float:
    r"""How large a difference between neighbours is an edge in this image: what nine differences of ten do not reach.

    The noise estimate of Canny that Perona and Malik set the scale of their diffusion by. It follows the contrast: of
    an image k times as strong it is k times as large, so that weights made with it are the same.

    Parameters
    ----------
    image : array_like (H, W) or (H, W, channels)
        As the makers of weights take it: of 8 or 16 bits, whose levels count from 0 to 1, or any real numbers.

    Returns
    -------
    float
        Positive. Where more than nine of ten neighbours are equal, as in a drawing, a third of what the others usually
        differ by; 1 where all are.

    Raises
    ------
    ValueError, TypeError
        If the image is not a finite map.

    References
    ----------
    Perona and Malik, "Scale-space and edge detection using anisotropic diffusion", PAMI 1990, section V.

    Examples
    --------
    >>> ramp = np.arange(6.0) * np.ones((4, 1))
    >>> edge_scale(ramp), edge_scale(ramp > 2)
    (1.0, 0.3333333333333333)
    """
    return scale_of(as_channels(image))


def scale_of(channels: np.ndarray) -> float:
    """The same of channels (channels, H, W)."""
    steps = np.sqrt(np.concatenate([squares(np.diff(channels, axis=axis)).ravel() for axis in (1, 2)]))
    if not steps.any():
        return 1.0
    scale = float(np.quantile(steps, EDGES, method="lower"))
    return scale if scale > 0 else float(np.median(steps[steps > 0])) / 3


def squares(differences: np.ndarray) -> np.ndarray:
    """Squared norms over the first axis, without an array of all squares: photos may be large."""
    return np.einsum("c...,c...->...", differences, differences)


def complain_of_scale(image, name: str, value: float, weights: np.ndarray, depth: int = 3) -> None:
    """Warn where a scale is of another unit than the image, so that no weight, or every one, follows an edge."""
    if in_levels(image) and 2 < value < np.inf:
        most = np.iinfo(np.asarray(image).dtype).max
        words = f"is beyond all differences: levels 0 to {most} count as 0 to 1 (divide {name} by {most})"
    elif weights.size and np.median(weights) < NOTHING:
        words = f"is too small for this image: hardly a pixel listens (its edge_scale is {edge_scale(image):.3g})"
    else:
        return
    warnings.warn(f"{name} = {value:g} {words}", UserWarning, stacklevel=depth)
