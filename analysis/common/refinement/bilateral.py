"""The fast bilateral solver (Barron and Poole, 2016), which OpenCV's wheels are built without.

Pixels that are near in place and colour share a vertex of a grid. What is solved for is smooth over neighbouring
vertices and, where it is trusted, near to what was given:

    minimise over y   strength * sum_ij W_ij (y_i - y_j)^2 + sum_i c_i (y_i - t_i)^2,

W being the blur of the grid, scaled until each row adds up to the number of its vertex' pixels.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import cg

ROUNDS = 20
"""Of scaling the blur."""
TO_YUV = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def vertices(photo, reach, luma, chroma):
    """Which vertex each pixel has, as a matrix (V, pixels) of ones, and the vertices' places (V, 5)."""
    y, x = np.indices(photo.shape[:2])
    colour = photo.reshape(-1, 3) @ TO_YUV.T
    places = np.column_stack([x.ravel() / reach, y.ravel() / reach, colour / (luma, chroma, chroma)])
    cells, owner = np.unique(np.floor(places).astype(np.int64), axis=0, return_inverse=True)
    return sparse.csr_matrix((np.ones(owner.size), (owner.ravel(), np.arange(owner.size)))), cells


def blur(cells):
    """Each vertex beside itself and its neighbours in all axes, as (1 2 1) in each."""
    low, span = cells.min(0) - 1, np.ptp(cells, 0) + 3
    strides = np.cumprod([1, *span[:-1]])
    keys = (cells - low) @ strides
    order = np.argsort(keys)
    total = 2.0 * len(span) * sparse.identity(len(keys), format="csr")
    for stride in strides:
        there = np.minimum(np.searchsorted(keys, keys + stride, sorter=order), len(keys) - 1)
        found = keys[order[there]] == keys + stride
        one = sparse.csr_matrix((np.ones(found.sum()), (np.flatnonzero(found), order[there[found]])), total.shape)
        total = total + one + one.T
    return total.tocsr()


def bilateral_solver(photo, coarse, *, reach, colour, strength=128.0):
    """Every class's probability (K, H, W), smooth in the bilateral space of a photo, trusted where it is sure."""
    splat, cells = vertices(photo, reach, colour, colour)
    neighbours, mass = blur(cells), splat @ np.ones(splat.shape[1])
    scale = np.ones(len(mass))
    for _ in range(ROUNDS):
        scale = np.sqrt(scale * mass / (neighbours @ scale))
    weights = sparse.diags(scale) @ neighbours @ sparse.diags(scale)
    sure = coarse.max(0).ravel()
    trust = splat @ sure
    system = strength * (sparse.diags(np.asarray(weights.sum(1)).ravel()) - weights) + sparse.diags(trust)
    quick = sparse.diags(1 / system.diagonal())
    found = [cg(system, splat @ (sure * one.ravel()), M=quick, rtol=1e-4, maxiter=200)[0] for one in coarse]
    return np.stack([(splat.T @ one).reshape(coarse.shape[1:]) for one in found])
