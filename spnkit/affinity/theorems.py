"""Theorems 1 to 3, checked on given weights."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import eye_array

from spnkit.affinity.diffusion import observed_orders
from spnkit.affinity.matrices import build_A, build_D, build_G, build_L
from spnkit.affinity.operator import AffinityOperator
from spnkit.affinity.report import Check, Report
from spnkit.affinity.stability import dense_steps, growth_bound, spectral_bound, step_matrices, strength
from spnkit.affinity.weights import along_scan, as_scan, as_weights

CORNER = 6  # rational numbers grow with every product, so they are used on a corner of the map
EPS = float(np.finfo(np.float64).eps)


def verify(p: ArrayLike, direction: str = "left_to_right", *, seed: int = 0) -> Report:
    r"""Check Theorems 1 to 3 on the weights of one direction, number by number.

    Theorem 1: the rows of G sum to one, in floating point and, on a corner of the map, in rational numbers.
    Theorem 2: :math:`L = D - A` is :math:`I - G` with zero row sums, a scan by the kernels is one step
    :math:`I - L`, and shorter steps approach :math:`\exp(-t L)` to first order. Theorem 3: what follows from
    :math:`\sum |p| \le 1`, with the bounds that really hold (see `spectral_bound` and `growth_bound`).

    For weights that break the hypothesis of Theorem 3 its sum, the discs' farthest point and the max norm of
    :math:`w_t`, which are one number by three ways, fail; its eigenvalues, spectral norm and products may. All
    else holds for any weights and tests this code: Theorems 1 and 2, Gershgorin's discs, the bound on G. That
    a diffusion does not grow is not among it, as it takes weights that are not negative: see `diffuse`.

    Parameters
    ----------
    p : array_like (K, H, W)
        Normalised weights, K = 1 or 3, of a map small enough for `build_G`.
    direction : str
        One of `spnkit.DIRECTIONS`.
    seed : int
        For the map on which scans and matrices are compared.

    Returns
    -------
    Report
        Printable as a table; `report.passed`, `report[name].value` and so on for code.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or name, or `p` is not finite.
    MemoryError
        If G would be too large to store.

    Examples
    --------
    >>> report = verify([[[0.0, 0.5, 0.5]]])
    >>> report.passed, report["largest eigenvalue of w_t"].value
    (True, 0.5)
    """
    given = as_weights(p)
    weights, eps = given.astype(np.float64), float(np.finfo(given.dtype).eps)  # sums were rounded in their own dtype
    K, H, W = weights.shape
    kind = "one-way" if K == 1 else "three-way"
    G = build_G(weights, direction, order="image")
    size_of_G = float(abs(G).sum(axis=1).max())
    rounding = EPS * H * W * size_of_G
    checks = [
        *_theorem_1(weights, direction, G, rounding),
        *_theorem_2(weights, direction, G, size_of_G, rounding, seed),
        *_theorem_3(weights, direction, G, size_of_G, eps),
    ]
    return Report(f"{kind} weights, {H} x {W} map, {direction}", tuple(checks))


def exact_row_sums(p: ArrayLike, direction: str = "left_to_right") -> list[Fraction]:
    """Row sums of G in rational arithmetic, in scan order: Theorem 1 without rounding.

    Every floating-point weight is a rational number, and the block formula of Eq. (3) needs sums and products
    alone, so each sum is either one or not.

    Parameters
    ----------
    p : array_like (K, H, W)
        Weights; for tiny maps, since the fractions grow with every step.
    direction : str
        One of `spnkit.DIRECTIONS`.

    Examples
    --------
    >>> exact_row_sums([[[0.1, 0.2, 0.3]]])
    [Fraction(1, 1), Fraction(1, 1), Fraction(1, 1)]
    """
    inside = along_scan(*as_scan(p, direction))
    exact = np.vectorize(Fraction, otypes=[object])(inside)
    w = dense_steps(exact)
    block_row = np.zeros((inside.shape[2], 0), object)
    sums: list[Fraction] = []
    for t in range(inside.shape[1]):
        lambda_t = np.diag(1 - exact[:, t].sum(axis=0))
        block_row = np.hstack([w[t] @ block_row, lambda_t])
        sums += list(block_row.sum(axis=1))
    return sums


def _theorem_1(p, direction, G, rounding):
    corner = exact_row_sums(p[:, :CORNER, :CORNER], direction)
    yield Check(1, "rows of G, distance of the sum from 1", float(abs(G.sum(axis=1) - 1).max()), rounding)
    yield Check(1, "rows of G, sums not 1 in rationals", float(sum(total != 1 for total in corner)), 0)


def _theorem_2(p, direction, G, size_of_G, rounding, seed):
    A, D, L = (build(p, direction, "image") for build in (build_A, build_D, build_L))
    operator = AffinityOperator(p, direction)
    x = np.random.default_rng(seed).uniform(-1, 1, operator.map_shape)
    scanned, stepped = operator @ x.ravel(), x.ravel() - L @ x.ravel()
    yield Check(2, "D - A - (I - G), largest entry", float(abs(D - A - (eye_array(G.shape[0]) - G)).max()), rounding)
    yield Check(2, "rows of L, distance of the sum from 0", float(abs(L.sum(axis=1)).max()), rounding)
    yield Check(2, "scan - (I - L) x, largest entry", float(abs(scanned - stepped).max()), rounding)
    time = 1 / (1 + size_of_G)  # so short that a few steps tell the order, however large L
    order = observed_orders(operator, x, time, [16, 32])[-1]
    yield Check(2, "order of (I - tL/n)^n -> exp(-tL)", float(order), 0.9, ">=")


def _theorem_3(p, direction, G, size_of_G, eps):
    w, s = step_matrices(p, direction), strength(p, direction)
    steps, lanes = len(w) + 1, w.shape[1]
    slack = 1 + 8 * eps * lanes
    yield Check(3, "sum |p| of a pixel", s, slack)
    centers, radii = gershgorin_discs(p, direction)
    eigenvalues = np.linalg.eigvals(w)
    outside = abs(eigenvalues[:, :, None] - centers[:, None, :]) - radii[:, None, :]
    yield Check(3, "farthest point of a Gershgorin disc", _largest(abs(centers) + radii), slack)
    yield Check(3, "eigenvalues, distance from the discs", _largest(outside.min(axis=2)), slack - 1)
    yield Check(3, "largest eigenvalue of w_t", _largest(abs(eigenvalues)), slack)
    yield Check(3, "max norm of w_t", _largest(abs(w).sum(axis=2)), slack)
    bound = spectral_bound(len(p), lanes)
    yield Check(3, "spectral norm of w_t", _largest(np.linalg.norm(w, 2, axis=(1, 2))), bound * slack)
    product = reduce(lambda so_far, w_t: w_t @ so_far, w, np.eye(lanes))
    yield Check(3, "max norm of w_T ... w_2", _largest(abs(product).sum(axis=1)), slack ** len(w))
    yield Check(3, "max norm of G", size_of_G, growth_bound(s, steps) * slack**steps)
    if p.min() >= 0 and s <= slack:
        yield Check(3, "least entry of G (maximum principle)", float(G.min()), -eps * steps, ">=")


def gershgorin_discs(p: ArrayLike, direction: str = "left_to_right") -> tuple[np.ndarray, np.ndarray]:
    """Centres and radii, each (steps - 1, lanes), of the discs of Eq. (12) for w_2 ... w_T.

    Parameters and errors are those of `step_matrices`.

    Examples
    --------
    >>> centers, radii = gershgorin_discs([[[0.0, 0.5]], [[0.0, 0.2]], [[0.0, 0.3]]])
    >>> centers, radii
    (array([[0.2]]), array([[0.]]))
    """
    w = step_matrices(p, direction)
    centers = np.diagonal(w, axis1=1, axis2=2).copy()
    return centers, abs(w).sum(axis=2) - abs(centers)


def _largest(values: np.ndarray) -> float:
    """The maximum, 0 for a scan of a single step, which has no w_t."""
    return float(values.max(initial=0))
