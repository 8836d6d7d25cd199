"""Affinities as directed graphs: spectrum, stationary distribution, and export to graph libraries.

For SciPy nothing needs exporting: `build_G(..., order="image")`, `build_A` and `operator.tocsr()` are sparse arrays
that `scipy.sparse.csgraph` takes as they are (with `directed=True`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from scipy.sparse import csr_array, csr_matrix, issparse

from spnkit.affinity.classes import Walk, leading
from spnkit.affinity.operator import MixedAffinityOperator, as_operator
from spnkit.affinity.stability import strength
from spnkit.affinity.weights import as_shape, check_finite, check_real


def spectrum(operator: MixedAffinityOperator, k: int = 6) -> np.ndarray:
    r"""The k eigenvalues of largest modulus, complex: the graph is directed and stays so.

    Pixels that do not hear of each other are solved apart, each strongly connected class for itself. In one
    direction these are single pixels, and the eigenvalues the :math:`1 - d` on the diagonal (an iterative solver
    would lose them: they are many times defective); in a mix of two opposite directions, one-way, they are the
    rows. A large class goes to ARPACK, without a matrix.

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
    RuntimeError
        If more than 3000 pixels are connected so loosely that ARPACK does not end.

    Examples
    --------
    >>> from spnkit.affinity import AffinityOperator
    >>> spectrum(AffinityOperator([[[0.0, 0.5, 0.25, 0.75]]]), k=2)
    array([1.  +0.j, 0.75+0.j])
    """
    pixels = as_operator(operator).shape[0]
    if not 1 <= k <= max(1, pixels - 2):
        raise ValueError(f"k must lie between 1 and {max(1, pixels - 2)} for {pixels} pixels, got {k}")
    walk = Walk(operator)
    classes = walk.classes()
    alone = [members[0] for members in classes if len(members) == 1]
    values = [walk.diagonal()[alone].astype(complex)]
    values += [leading(operator, walk, members, k) for members in classes if len(members) > 1]
    found = np.concatenate(values)
    return found[np.argsort(-abs(found), kind="stable")][:k]


def stationary_distribution(operator: MixedAffinityOperator) -> np.ndarray:
    r"""Where a random walk along the affinity ends: the :math:`\pi` with :math:`\pi^T M = \pi^T`.

    A mix of non-negative weights is a transition matrix: from each pixel the walk goes to whom it
    listens to. In the long run the diffusion :math:`M^n x` is the constant map :math:`\pi^T x`, so
    :math:`\pi` says which pixels decide it; it is zero where no walk stays for ever. A single direction has no
    such distribution of its own: the walk ends anywhere in the first column. The affinity is not symmetric, and
    :math:`\pi` is not the degree.

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
    walk = Walk(operator)
    ends = walk.closed()
    if len(ends) > 1:
        raise ValueError(
            "operator has several stationary distributions: its scans do not connect all pixels, "
            f"{len(ends)} groups of them never hear of the others"
        )
    return walk.visits(ends[0]).reshape(operator.map_shape)


def asymmetry(matrix: Any) -> float:
    r"""How directed a matrix is: 0 symmetric, 1 all one way.

    .. math:: \Big(\frac{\|A - A^T\|_F^2}{2 \|A\|_F^2 + 2 \sum_{ij} \max(0, -A_{ij} A_{ji})}\Big)^{1/2}

    For A of a single direction it is 1. Without negative entries it is
    :math:`\|A - A^T\|_F / \sqrt 2 \|A\|_F` and says what symmetrising would throw away; the second sum
    makes a pair of opposite signs, which has nothing in common, count like two edges that are all one way.

    Parameters
    ----------
    matrix : array_like or sparse array (N, N)
        A, G or any other of real numbers.

    Returns
    -------
    float
        From 0 to 1; 0 for a matrix of zeros.

    Raises
    ------
    ValueError, TypeError
        If the matrix is not square, or not of finite real numbers.

    Examples
    --------
    >>> asymmetry([[0, 1], [0, 0]]), asymmetry([[0, 1], [1, 0]]), asymmetry([[0, 1], [-1, 0]])
    (1.0, 0.0, 1.0)
    """
    A = _real_and_square(matrix)
    largest = abs(A.data).max(initial=0)
    if largest == 0:
        return 0.0
    A.data /= largest  # squares of what is very large or small would be lost
    apart, opposite = (A - A.T).data, np.minimum(A.multiply(A.T).tocsr().data, 0)
    return float(np.sqrt((apart**2).sum() / (2 * (A.data**2).sum() - 2 * opposite.sum())))


def to_networkx(matrix: Any, shape: tuple[int, int]) -> Any:
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
    shape = as_shape(shape)
    graph = networkx.from_scipy_sparse_array(_nonzero(matrix, shape), create_using=networkx.DiGraph)
    return networkx.relabel_nodes(graph, dict(enumerate(np.ndindex(*shape))))


def to_pygsp(matrix: Any, shape: tuple[int, int]) -> Any:
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
    graphs, shape = _library("pygsp").graphs, as_shape(shape)
    rows, columns = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    return graphs.Graph(csr_matrix(_nonzero(matrix, shape)), coords=np.stack([columns, -rows], axis=1))


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


def _real_and_square(matrix) -> csr_array:
    """A copy in float64, each entry stored once: integers would overflow."""
    given = matrix if issparse(matrix) else np.asarray(matrix)
    check_real("matrix", given)
    if given.ndim != 2 or given.shape[0] != given.shape[1]:
        raise ValueError(f"matrix must be square, got shape {given.shape}")
    A = csr_array(given, dtype=np.float64, copy=True)
    A.sum_duplicates()
    check_finite("matrix", A.data)
    return A


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
