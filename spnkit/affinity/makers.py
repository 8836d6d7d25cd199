"""Weights made from an image by hand: the affinities that the paper builds on, with no training.

Each maker returns weights (K, H, W) of one direction, already normalised: for `build_G`, `AffinityOperator`,
or `spnkit.scan(..., normalization="none")`. Stack one per direction for a mix or for `spnkit.propagate`.

A photo may come as it is: 8 or 16 bits, whose levels count from 0 to 1, grey, RGB or RGBA, whose alpha is left out.
Other numbers are taken as they are. Scales that are not given follow from the photo, by `edge_scale`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from spnkit.affinity.photos import as_channels, complain_of_scale, edge_scale, squares
from spnkit.affinity.weights import as_direction, neighbours
from spnkit.directions import CONNECTIONS, orient


def domain_transform_weights(
    image: ArrayLike,
    direction: str = "left_to_right",
    *,
    sigma_s: float = 60,
    sigma_r: float | None = None,
    iteration: int = 1,
    iterations: int = 1,
    connection: str = "one_way",
) -> np.ndarray:
    r"""Weights of the domain transform, recursive mode, which Chen et al. [4] propagate with.

    A step between two pixels has length :math:`d = 1 + \frac{\sigma_s}{\sigma_r} \sum_c |I_c - I'_c|`, and
    the weight is :math:`p = a^d` with :math:`a = \exp(-\sqrt 2 / \sigma_i)`. Iteration i of n, each a scan in
    all four directions one after the other, takes
    :math:`\sigma_i = \sigma_s \sqrt 3\, 2^{n-i} / \sqrt{4^n - 1}`.

    Parameters
    ----------
    image : array_like (H, W) or (H, W, channels)
        The guide: a photo as it comes, or any features.
    direction : str
        One of `spnkit.DIRECTIONS`.
    sigma_s, sigma_r : float
        Spatial and range scale, positive. By default 60 pixels, and three times `edge_scale(image)`, since differences
        add up along a way.
    iteration, iterations : int
        Which iteration, from 1, of how many.
    connection : {"one_way", "three_way"}
        The domain transform itself is one-way. Three neighbours share what one would have,
        :math:`p_o^2 / \sum p`, as in `color_similarity_weights`.

    Returns
    -------
    ndarray (K, H, W), float64
        In [0, 1): 0 where the scan begins.

    Raises
    ------
    ValueError, TypeError
        If the image is not a finite map, or a parameter is out of range.

    Warns
    -----
    UserWarning
        If `sigma_r` is of another unit than the image, so that no weight, or every one, follows an edge.

    References
    ----------
    Gastal and Oliveira, "Domain transform for edge-aware image and video processing", SIGGRAPH 2011.

    Examples
    --------
    >>> domain_transform_weights([[0.0, 0.0, 9.0]], sigma_s=10, sigma_r=1).round(3)
    array([[[0.   , 0.868, 0.   ]]])
    """
    sigma_r = 3 * edge_scale(image) if sigma_r is None else sigma_r
    _positive(sigma_s=sigma_s, sigma_r=sigma_r)
    if not 1 <= iteration <= iterations:
        raise ValueError(f"iteration must lie between 1 and iterations = {iterations}, got {iteration}")
    length = 1 + sigma_s / sigma_r * _distance(image, direction, connection, norm=1)
    sigma_i = sigma_s * np.sqrt(3) * 2.0 ** (iterations - iteration) / np.sqrt(4.0**iterations - 1)
    alone = np.exp(-np.sqrt(2) / sigma_i * length)
    complain_of_scale(image, "sigma_r", sigma_r, alone[np.isfinite(length)])
    return _shared_out(alone)


def recursive_filter_weights(
    image: ArrayLike,
    direction: str = "left_to_right",
    *,
    coefficient: float,
    sigma: float | None = np.inf,
    connection: str = "one_way",
) -> np.ndarray:
    r"""Weights of a first-order recursive filter, as in Liu et al. [19].

    A constant :math:`p = a` is the filter :math:`(1 - a) / (1 - a z^{-1})`: it smooths for :math:`a > 0` and
    enhances for :math:`a < 0`. Edges of the image switch it off,
    :math:`p = a \exp(-\|I - I'\|^2 / 2 \sigma^2)`.

    Parameters
    ----------
    image : array_like (H, W) or (H, W, channels)
        The guide: a photo as it comes, or any features.
    direction : str
        One of `spnkit.DIRECTIONS`.
    coefficient : float
        a, within (-1, 1).
    sigma : float or None
        How large a difference counts as an edge; by default none does, None is `edge_scale(image)`.
    connection : {"one_way", "three_way"}
        The filter itself is one-way. Three neighbours share what one would have, as in `color_similarity_weights`.

    Returns
    -------
    ndarray (K, H, W), float64
        In (-1, 1): 0 where the scan begins.

    Raises
    ------
    ValueError, TypeError
        If the image is not a finite map, or a parameter is out of range.

    Warns
    -----
    UserWarning
        If `sigma` is of another unit than the image, so that no weight, or every one, follows an edge.

    Examples
    --------
    >>> recursive_filter_weights([[0.0, 0.0, 1.0]], coefficient=-0.5, sigma=0.5).round(3)
    array([[[-0.   , -0.5  , -0.068]]])
    """
    if not -1 < coefficient < 1:
        raise ValueError(f"coefficient must lie within (-1, 1), got {coefficient}")
    return coefficient * _shared_out(_similarity(image, direction, connection, sigma))


def color_similarity_weights(
    image: ArrayLike,
    direction: str = "left_to_right",
    *,
    sigma: float | None = None,
    strength: float = 0.99,
    connection: str = "three_way",
) -> np.ndarray:
    r"""Weights that follow colour, :math:`p_o = s\, a_o^2 / \sum a` with :math:`a_o` a similarity.

    With :math:`a_o = \exp(-\|I - I_o\|^2 / 2 \sigma^2)` the three neighbours share out s among
    themselves by their similarity, and each share counts as far as its owner is similar. So in an even region a
    pixel takes s from its neighbours, along an edge it takes s from those on its own side, and across an
    edge it keeps to its own value.

    Parameters
    ----------
    image : array_like (H, W) or (H, W, channels)
        The guide: a photo as it comes, or any features.
    direction : str
        One of `spnkit.DIRECTIONS`.
    sigma : float, optional
        How large a difference counts as an edge; by default `edge_scale(image)`.
    strength : float
        s, within [0, 1].
    connection : {"one_way", "three_way"}
        One neighbour has :math:`s\,a`.

    Returns
    -------
    ndarray (K, H, W), float64
        Not negative, at most s in sum: 0 where the scan begins and where the neighbour lies outside.

    Raises
    ------
    ValueError, TypeError
        If the image is not a finite map, or a parameter is out of range.

    Warns
    -----
    UserWarning
        If `sigma` is of another unit than the image, so that no weight, or every one, follows an edge.

    Examples
    --------
    >>> color_similarity_weights(np.zeros((3, 2)), sigma=1, strength=0.75)[:, 1, 1]
    array([0.25, 0.25, 0.25])
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must lie within [0, 1], got {strength}")
    return strength * _shared_out(_similarity(image, direction, connection, sigma))


def _similarity(image, direction, connection, sigma):
    """How alike each neighbour one step back is, (K, H, W) in [0, 1]; 0 where it lies outside."""
    sigma = edge_scale(image) if sigma is None else sigma
    _positive(sigma=sigma)
    distance = _distance(image, direction, connection, norm=2)
    outside = np.isinf(distance)
    distance[outside] = 0  # inf / inf is no number when sigma is infinite
    alike = np.where(outside, 0, np.exp(-((distance / sigma) ** 2) / 2))
    complain_of_scale(image, "sigma", sigma, alike[~outside], depth=4)
    return alike


def _shared_out(alone: np.ndarray) -> np.ndarray:
    """Of weights that each of K neighbours would have alone, what it has beside the others; nobody shares with one."""
    if len(alone) == 1:
        return alone
    total = alone.sum(axis=0)
    return alone**2 / np.where(total > 0, total, 1)


def _distance(image, direction, connection, norm):
    """Colour distance (K, H, W) to each neighbour one step back; infinite where it lies outside."""
    channels, along = as_channels(image), as_direction(direction)
    if connection not in CONNECTIONS:
        raise ValueError(f"connection must be one of {', '.join(CONNECTIONS)}, got {connection!r}")
    distance = np.full((len(CONNECTIONS[connection]), *channels.shape[1:]), np.inf)
    color, into = orient(channels, along), orient(distance, along)
    for k, here, there in neighbours(len(distance), color.shape[2]):
        difference = color[:, 1:, here] - color[:, :-1, there]
        into[k, 1:, here] = np.abs(difference).sum(axis=0) if norm == 1 else np.sqrt(squares(difference))
    return distance


def _positive(**scales: float) -> None:
    for name, value in scales.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
