"""Weights made from an image by hand: the affinities that the paper builds on, with no training.

Each maker returns weights (K, H, W) of one direction, already normalised: for `build_G`, `AffinityOperator`,
or `spnkit.scan(..., normalization="none")`. Stack one per direction for a mix or for `spnkit.propagate`.
"""

from __future__ import annotations

import numpy as np

from spnkit.affinity.weights import as_direction, as_real, check_finite, neighbours
from spnkit.directions import orient


def domain_transform_weights(
    image,
    direction: str = "left_to_right",
    *,
    sigma_s: float,
    sigma_r: float,
    iteration: int = 1,
    iterations: int = 1,
) -> np.ndarray:
    r"""One-way weights of the domain transform, recursive mode, which Chen et al. [4] propagate with.

    A step between two pixels has length :math:`d = 1 + \frac{\sigma_s}{\sigma_r} \sum_c |I_c - I'_c|`, and
    the weight is :math:`p = a^d` with :math:`a = \exp(-\sqrt 2 / \sigma_i)`. Iteration i of n, each a scan in
    all four directions one after the other, takes
    :math:`\sigma_i = \sigma_s \sqrt 3\, 2^{n-i} / \sqrt{4^n - 1}`.

    Parameters
    ----------
    image : array_like (H, W) or (H, W, channels)
        The guide, in whatever unit `sigma_r` has.
    direction : str
        One of `spnkit.DIRECTIONS`.
    sigma_s, sigma_r : float
        Spatial and range scale, positive.
    iteration, iterations : int
        Which iteration, from 1, of how many.

    Returns
    -------
    ndarray (1, H, W), float64
        In [0, 1): 0 where the scan begins.

    Raises
    ------
    ValueError, TypeError
        If the image is not a finite map, or a parameter is out of range.

    References
    ----------
    Gastal and Oliveira, "Domain transform for edge-aware image and video processing", SIGGRAPH 2011.

    Examples
    --------
    >>> domain_transform_weights([[0.0, 0.0, 9.0]], sigma_s=10, sigma_r=1).round(3)
    array([[[0.   , 0.868, 0.   ]]])
    """
    _positive(sigma_s=sigma_s, sigma_r=sigma_r)
    if not 1 <= iteration <= iterations:
        raise ValueError(f"iteration must lie between 1 and iterations = {iterations}, got {iteration}")
    length = 1 + sigma_s / sigma_r * _distance(image, direction, connections=1, norm=1)
    sigma_i = sigma_s * np.sqrt(3) * 2.0 ** (iterations - iteration) / np.sqrt(4.0**iterations - 1)
    return np.exp(-np.sqrt(2) / sigma_i * length)


def recursive_filter_weights(
    image, direction: str = "left_to_right", *, coefficient: float, sigma: float = np.inf
) -> np.ndarray:
    r"""One-way weights of a first-order recursive filter, as in Liu et al. [19].

    A constant :math:`p = a` is the filter :math:`(1 - a) / (1 - a z^{-1})`: it smooths for :math:`a > 0` and
    enhances for :math:`a < 0`. Edges of the image switch it off,
    :math:`p = a \exp(-\|I - I'\|^2 / 2 \sigma^2)`.

    Parameters
    ----------
    image : array_like (H, W) or (H, W, channels)
        The guide, in the unit of `sigma`.
    direction : str
        One of `spnkit.DIRECTIONS`.
    coefficient : float
        a, within (-1, 1).
    sigma : float
        How large a difference counts as an edge; by default none does.

    Returns
    -------
    ndarray (1, H, W), float64
        In (-1, 1): 0 where the scan begins.

    Raises
    ------
    ValueError, TypeError
        If the image is not a finite map, or a parameter is out of range.

    Examples
    --------
    >>> recursive_filter_weights([[0.0, 0.0, 1.0]], coefficient=-0.5, sigma=0.5).round(3)
    array([[[-0.   , -0.5  , -0.068]]])
    """
    _positive(sigma=sigma)
    if not -1 < coefficient < 1:
        raise ValueError(f"coefficient must lie within (-1, 1), got {coefficient}")
    return coefficient * _similarity(image, direction, 1, sigma)


def color_similarity_weights(
    image, direction: str = "left_to_right", *, sigma: float, strength: float = 0.99
) -> np.ndarray:
    r"""Three-way weights that follow colour, :math:`p_o = s\, a_o^2 / \sum a` with :math:`a_o` a similarity.

    With :math:`a_o = \exp(-\|I - I_o\|^2 / 2 \sigma^2)` the three neighbours share out s among
    themselves by their similarity, and each share counts as far as its owner is similar. So in an even region a
    pixel takes s from its neighbours, along an edge it takes s from those on its own side, and across an
    edge it keeps to its own value.

    Parameters
    ----------
    image : array_like (H, W) or (H, W, channels)
        The guide, in the unit of `sigma`.
    direction : str
        One of `spnkit.DIRECTIONS`.
    sigma : float
        How large a difference counts as an edge.
    strength : float
        s, within [0, 1].

    Returns
    -------
    ndarray (3, H, W), float64
        Not negative, at most s in sum: 0 where the scan begins and where the neighbour lies outside.

    Raises
    ------
    ValueError, TypeError
        If the image is not a finite map, or a parameter is out of range.

    Examples
    --------
    >>> color_similarity_weights(np.zeros((3, 2)), sigma=1, strength=0.75)[:, 1, 1]
    array([0.25, 0.25, 0.25])
    """
    _positive(sigma=sigma)
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must lie within [0, 1], got {strength}")
    a = _similarity(image, direction, 3, sigma)
    total = a.sum(axis=0)
    return strength * a**2 / np.where(total > 0, total, 1)


def _similarity(image, direction, connections, sigma):
    distance = _distance(image, direction, connections, norm=2)
    outside = np.isinf(distance)
    distance[outside] = 0  # inf / inf is no number when sigma is infinite
    return np.where(outside, 0, np.exp(-((distance / sigma) ** 2) / 2))


def _distance(image, direction, connections, norm):
    """Colour distance (K, H, W) to each neighbour one step back; infinite where it lies outside."""
    channels, along = _as_channels(image), as_direction(direction)
    distance = np.full((connections, *channels.shape[1:]), np.inf)
    color, into = orient(channels, along), orient(distance, along)
    for connection, here, there in neighbours(connections, color.shape[2]):
        into[connection, 1:, here] = np.linalg.norm(color[:, 1:, here] - color[:, :-1, there], ord=norm, axis=0)
    return distance


def _as_channels(image) -> np.ndarray:
    given = as_real("image", image)
    if given.ndim not in (2, 3) or given.size == 0:
        raise ValueError(f"image must have shape (H, W) or (H, W, channels), got {given.shape}")
    check_finite("image", given)
    return np.moveaxis(np.atleast_3d(given).astype(np.float64), -1, 0)


def _positive(**scales: float) -> None:
    for name, value in scales.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
