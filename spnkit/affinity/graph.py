"""Affinities as directed graphs: spectrum, stationary distribution, and export to graph libraries.

For SciPy nothing needs exporting: `build_G(..., order="image")`, `build_A` and `operator.tocsr()` are sparse arrays
that `scipy.sparse.csgraph` takes as they are (with `directed=True`).
"""

from __future__ import annotations

from importlib import import_module

import numpy as np
from scipy.sparse import csr_array, csr_matrix, issparse
from scipy.sparse.linalg import LinearOperator, eigs

from spnkit.affinity.operator import MixedAffinityOperator, as_operator
from spnkit.affinity.stability import strength
from spnkit.affinity.weights import along_scan, as_direction

DENSE_PIXELS = 100  # ARPACK is for more than that


def spectrum(operator: MixedAffinityOperator, k: int = 6) -> np.ndarray:
    r"""The k eigenvalues of largest modulus, complex: the graph is directed and stays so.

    One direction is block triangular, so its eigenvalues are the :math:`1 - d` on its diagonal and are
    read off (an iterative solver would lose them: they are many times defective). A mix has no such form
    and goes to ARPACK, without a matrix.

    Parameters
    ----------
    operator : AffinityOperator or MixedAffinityOperator
        Of N pixels.
    k : int
        How many, from 1 to N - 2.

    Returns
    -------
    ndarray (k,), complex
        Largest modulus first.

    Raises
    ------
    ValueError, TypeError
        If `k` is out of range, or `operator` none of the two.

    Examples
    --------
    >>> from spnkit.affinity import AffinityOperator
    >>> spectrum(AffinityOperator([[[0.0, 0.5, 0.25, 0.75]]]), k=2)
    array([1.  +0.j, 0.75+0.j])
    """
    pixels = as_operator(operator).shape[0]
    if not 1 <= k <= max(1, pixels - 2):
        raise ValueError(f"k must lie between 1 and {max(1, pixels - 2)} for {pixels} pixels, got {k}")
    if len(operator.directions) == 1:
        inside = along_scan(operator.p[0], as_direction(operator.directions[0]))
        values = operator.shares[0] * (1 - inside.sum(axis=0).ravel()).astype(complex)
    else:
        values, _ = _leading(operator, k)
    return values[np.argsort(-abs(values), kind="stable")][:k]


def stationary_distribution(operator: MixedAffinityOperator) -> np.ndarray:
    r"""Where a random walk along the affinity ends: the :math:`\pi` with :math:`\pi^T M = \pi^T`.

    A mix of non-negative weights is a transition matrix: from each pixel the walk goes to whom it
    listens to. In the long run the diffusion :math:`M^n x` is the constant map :math:`\pi^T x`, so
    :math:`\pi` says which pixels decide it. A single direction has no such distribution of its own: the walk
    ends anywhere in the first column. The affinity is not symmetric, and :math:`\pi` is not the degree.

    Parameters
    ----------
    operator : MixedAffinityOperator
        Weights not negative and at most one in sum, shares not negative and one in sum.

    Returns
    -------
    ndarray (H, W)
        Not negative, one in sum.

    Raises
    ------
    ValueError, TypeError
        If M is no transition matrix or no such operator, or there is more than one distribution.

    Examples
    --------
    Pixels that listen to others less are listened to more:

    >>> p = np.full((2, 1, 1, 3), 0.5); p[:, :, 0, 1] = 0.1
    >>> M = MixedAffinityOperator(p, ("left_to_right", "right_to_left"))
    >>> stationary_distribution(M).round(3)
    array([[0.154, 0.692, 0.154]])
    """
    _check_transition_matrix(operator)
    values, vectors = _leading(operator.T, 2)
    values, vectors = values[np.argsort(-abs(values))], vectors[:, np.argsort(-abs(values))]
    if len(values) > 1 and abs(values[1] - 1) < max(1e-9, 100 * float(np.finfo(operator.dtype).eps)):
        raise ValueError("operator has several stationary distributions: its scans do not connect all pixels")
    pi = vectors[:, 0].real / vectors[:, 0].real.sum()
    return np.maximum(pi, 0).reshape(operator.map_shape)


def asymmetry(matrix) -> float:
    r"""How directed a matrix is, :math:`\|A - A^T\|_F / \sqrt 2 \|A\|_F`: 0 symmetric, 1 all one way.

    For A of a single direction it is 1. For any matrix it says what symmetrising would throw away.

    Parameters
    ----------
    matrix : array_like or sparse array (N, N)
        A, G or any other.

    Returns
    -------
    float
        From 0 to 1; 0 for a matrix of zeros.

    Examples
    --------
    >>> asymmetry([[0, 1], [0, 0]]), asymmetry([[0, 1], [1, 0]])
    (1.0, 0.0)
    """
    A = csr_array(matrix)
    difference = A - A.T
    total = 2 * (A.data**2).sum()
    return float(np.sqrt((difference.data**2).sum() / total)) if total else 0.0


def to_networkx(matrix, shape: tuple[int, int]):
    """A networkx.DiGraph whose nodes are pixels (row, column): an edge leads to whom a pixel listens to.

    Parameters
    ----------
    matrix : sparse array (H*W, H*W)
        In image order, as from `build_A(..., order="image")` or `operator.tocsr()`; zeros are left out.
    shape : (int, int)
        Rows and columns (H, W).

    Returns
    -------
    networkx.DiGraph
        With the entries as edge attribute "weight".

    Raises
    ------
    ModuleNotFoundError
        If networkx is not installed.
    ValueError, TypeError
        If the matrix is not sparse or does not fit the shape.

    Examples
    --------
    >>> from spnkit.affinity import build_A
    >>> graph = to_networkx(build_A([[[0.0, 0.5, 0.5]]], order="image"), (1, 3))
    >>> list(graph.edges(data="weight"))
    [((0, 1), (0, 0), 0.5), ((0, 2), (0, 0), 0.25), ((0, 2), (0, 1), 0.25)]
    """
    networkx = _library("networkx")
    graph = networkx.from_scipy_sparse_array(_nonzero(matrix, shape), create_using=networkx.DiGraph)
    return networkx.relabel_nodes(graph, dict(enumerate(np.ndindex(*shape))))


def to_pygsp(matrix, shape: tuple[int, int]):
    """A directed pygsp.graphs.Graph with pixels at their places in the image.

    `graph.is_directed()` holds, and `graph.W` is the matrix. Note that PyGSP itself symmetrises when it makes
    a Laplacian of a directed graph; the directed one is `build_L`. Parameters and errors are those of
    `to_networkx`.

    Returns
    -------
    pygsp.graphs.Graph

    Examples
    --------
    >>> from spnkit.affinity import build_A
    >>> to_pygsp(build_A([[[0.0, 0.5, 0.5]]], order="image"), (1, 3)).is_directed()
    True
    """
    graphs = _library("pygsp").graphs
    rows, columns = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    return graphs.Graph(csr_matrix(_nonzero(matrix, shape)), coords=np.stack([columns, -rows], axis=1))


def _leading(operator: LinearOperator, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k eigenpairs of largest modulus, or all of a small operator."""
    pixels = operator.shape[0]
    if pixels <= DENSE_PIXELS:
        return np.linalg.eig(operator @ np.eye(pixels))
    start = np.random.default_rng(0).random(pixels)  # a map with a symmetry would never meet what breaks it
    return eigs(operator, k=k, v0=start.astype(operator.dtype))


def _check_transition_matrix(operator: MixedAffinityOperator) -> None:
    weights_fit = as_operator(operator).p.min() >= 0 and all(
        strength(p, d) <= 1 + 1e-6 for p, d in zip(operator.p, operator.directions, strict=True)
    )
    shares_fit = operator.shares.min() >= 0 and abs(operator.shares.sum() - 1) < 1e-9
    if not (weights_fit and shares_fit):
        raise ValueError(
            "operator must be a transition matrix: weights not negative and at most one in sum, "
            "shares not negative and one in sum"
        )


def _nonzero(matrix, shape: tuple[int, int]) -> csr_array:
    if not issparse(matrix):
        raise TypeError(f"matrix must be a SciPy sparse array, got {type(matrix).__name__}")
    pixels = shape[0] * shape[1]
    if matrix.shape != (pixels, pixels):
        raise ValueError(f"matrix must have shape {(pixels, pixels)} for a map {shape}, got {matrix.shape}")
    kept = csr_array(matrix, copy=True)
    kept.eliminate_zeros()
    return kept


def _library(name: str):
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"this export needs {name}, which is not installed", name=name) from error
