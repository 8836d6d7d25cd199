r"""Rows of G as random walks, for weights that are not negative: a pixel listens to where a walk from it stops."""

from __future__ import annotations

from operator import index

import numpy as np
from numpy.typing import ArrayLike

import spnkit
from spnkit.affinity.matrices import build_W
from spnkit.affinity.stability import strength
from spnkit.affinity.weights import along_scan, as_pixel, as_scan, scan_order
from spnkit.directions import OFFSETS, Direction, orient


def as_chances(p, direction: str) -> tuple[np.ndarray, Direction]:
    """The weights and the direction of a scan, checked: weights are chances, not negative, of sum at most one."""
    weights, along = as_scan(p, direction)
    if weights.min() < 0 or strength(weights, direction) > 1 + 1e-6:
        raise ValueError("p must not be negative and sum to at most one: the rows of G are no shares otherwise")
    return weights, along


def sample_walks(
    p: ArrayLike, pixel: tuple[int, int], count: int, direction: str = "left_to_right", *, seed: int = 0
) -> list[np.ndarray]:
    r"""Walks back along the scan, whose stops have a row of G as their distribution.

    At pixel i a walk steps to neighbour k of the line before with chance :math:`p_k(i)`, and else stops. A neighbour
    outside the map has weight 0, so in the first line every walk stops. With N the chances to come by a pixel,
    :math:`N = I + W + W^2 + \dots = (I - W)^{-1}`, the chances to come by and stop are :math:`N \Lambda = G`, Eq. (3).

    Parameters
    ----------
    p : array_like (K, H, W)
        Normalised weights, not negative.
    pixel : (int, int)
        Image row and column where the walks begin.
    count : int
        How many.
    direction : str
        One of `spnkit.DIRECTIONS`, that of the scan: the walks run against it.
    seed : int
        Source of chance.

    Returns
    -------
    list of ndarray (steps + 1, 2)
        Image row and column of every pixel of a walk, from the first to the one where it stops.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or name, or weights are negative or sum to more than one.

    Examples
    --------
    >>> sample_walks([[[0.0, 1.0, 1.0]]], (0, 2), 1)[0].tolist()
    [[0, 2], [0, 1], [0, 0]]
    """
    chances, along = as_chances(p, direction)
    shape = chances.shape[1:]
    pixels = scan_order(shape, along).reshape(orient(chances[0], along).shape)
    ((step, lane),) = np.argwhere(pixels == np.ravel_multi_index(as_pixel(pixel, shape), shape))
    lanes = _lanes(along_scan(chances, along), step, lane, _as_count("count", count), np.random.default_rng(seed))
    steps = np.arange(step, -1, -1)
    return [
        np.stack(np.unravel_index(pixels[steps[: len(walk)], walk], shape), 1)
        for walk in (row[row >= 0] for row in lanes)
    ]


def survival(p: ArrayLike, steps: int, direction: str = "left_to_right") -> np.ndarray:
    r"""The chance that a walk from each pixel takes at least so many steps, :math:`W^n 1`.

    Summed over n = 1, 2, ... it is the expected length, `mean_reach`. For even one-way weights it is :math:`p^n` where
    the scan is that long: what is heard over n steps decays as gradients do, and its maximum is `gradient_norms`.

    Parameters
    ----------
    p : array_like (K, H, W)
        Normalised weights, not negative.
    steps : int
        The number n, from 0.
    direction : str
        One of `spnkit.DIRECTIONS`.

    Returns
    -------
    ndarray (H, W)

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or name, or weights are negative or sum to more than one.

    Examples
    --------
    >>> survival([[[0.0, 0.5, 0.5, 0.5]]], 2)
    array([[0.  , 0.  , 0.25, 0.25]])
    """
    chances, _ = as_chances(p, direction)
    W = build_W(chances, direction, order="image")
    walking = np.ones(W.shape[0], chances.dtype)
    for _ in range(_as_count("steps", steps)):
        walking = W @ walking
    return walking.reshape(chances.shape[1:])


def hitting_probability(p: ArrayLike, region: ArrayLike, direction: str = "left_to_right") -> np.ndarray:
    r"""The chance that a walk from each pixel comes by a region, by one scan.

    It is 1 in the region, and outside :math:`u_i = \sum_k p_k(i) u_k`: the scan of the region's indicator by weights
    that are 0 in the region, where a walk need not go on. With the complement as the region it is the chance to leave.
    In `spnkit.fill`, with confidences of 0 and 1, it is the denominator: the chance to meet a pixel that is known.

    Parameters
    ----------
    p : array_like (K, H, W)
        Normalised weights, not negative.
    region : array_like (H, W) of bool
        Where to.
    direction : str
        One of `spnkit.DIRECTIONS`.

    Returns
    -------
    ndarray (H, W)

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or name, or weights are negative or sum to more than one.

    Examples
    --------
    >>> hitting_probability([[[0.0, 0.5, 0.5, 0.5]]], [[False, True, False, False]])
    array([[0.  , 1.  , 0.5 , 0.25]])
    """
    (chances, _), inside = as_chances(p, direction), np.asarray(region)
    if inside.dtype != bool or inside.shape != chances.shape[1:]:
        raise ValueError(
            f"region must be booleans of shape {chances.shape[1:]}, got dtype {inside.dtype}, shape {inside.shape}"
        )
    x = inside.astype(chances.dtype)[None, None]
    return spnkit.scan(x, (chances * ~inside)[None, :, None], direction, normalization="none")[0, 0]


def _lanes(chances, step, lane, count, rng):
    """The lane of each walk (count, step + 1), line by line backwards, and -1 after its stop."""
    lanes = np.full((count, step + 1), -1)
    lanes[:, 0] = lane
    offsets, walking = np.array(OFFSETS[len(chances)]), np.arange(count)
    for taken in range(step):
        here = lanes[walking, taken]
        thresholds = chances[:, step - taken, here].cumsum(0)
        choice = (rng.random(len(here)) >= thresholds).sum(0)  # a connection, or one more: to stop
        goes = choice < len(chances)
        walking = walking[goes]
        lanes[walking, taken + 1] = here[goes] + offsets[choice[goes]]
    return lanes


def _as_count(name, number):
    """A number of things, from 0."""
    try:
        count = index(number)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {number!r}") from None
    if count < 0:
        raise ValueError(f"{name} must not be negative, got {count}")
    return count
