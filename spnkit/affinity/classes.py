r"""Pixels that hear of each other: the strongly connected classes of a mix, found without its matrix.

Sorted by classes a mix is block triangular, so its eigenvalues are those of its diagonal blocks, and a random walk ends
in the classes that nobody leaves. A solver that is given all of it at once sees one eigenvalue several times, and loses
some of them or does not end.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.sparse import block_array, csr_array, diags_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackError, LinearOperator, eigs, spsolve

from spnkit.affinity.matrices import build_D, build_W
from spnkit.affinity.operator import MixedAffinityOperator

DENSE_PIXELS = 100  # ARPACK is for more than that
LARGEST_DENSE = 3000  # pixels of which a matrix is made where ARPACK does not end
SUBSPACE = 40  # vectors that ARPACK keeps at least: leading eigenvalues of a diffusion lie close together
SETTLING = 100  # steps after which a walk knows roughly where it is often


class Walk:
    r"""The mix as a walk of single steps: from a pixel into a direction, along it, and out of it again.

    With :math:`G_d = (I - W_d)^{-1} (I - D_d)` an entry of M is the sum over all ways from one pixel to another
    that walk in one direction, a step of weight p at a time, and end with what is left of the weight, 1 - d. The nodes
    are the N pixels and, for each direction, N places of the walk: sparse at any map size, where M is not.

    Parameters
    ----------
    operator : MixedAffinityOperator
        Of any weights and shares.
    """

    def __init__(self, operator: MixedAffinityOperator) -> None:
        scans = list(zip(operator.p.astype(np.float64), operator.directions, strict=True))
        self.shares, self.pixels = operator.shares, operator.shape[0]
        self.steps = [build_W(p, direction, "image") for p, direction in scans]
        self.ends = [1 - build_D(p, direction, "image").diagonal() for p, direction in scans]
        self.rounding = 8 * float(np.finfo(operator.dtype).eps)

    @cached_property
    def transitions(self) -> csr_array:
        """Who is reached from whom in a single step, ((1 + D) N, (1 + D) N)."""
        ends = [np.where(abs(end) > self.rounding, end, 0) for end in self.ends]
        rows: list[list] = [[None, *(share * eye_array(self.pixels) for share in self.shares)]]
        for d, (step, end) in enumerate(zip(self.steps, ends, strict=True)):
            rows.append([diags_array(end), *(step if d == column else None for column in range(len(ends)))])
        graph = csr_array(block_array(rows))
        graph.eliminate_zeros()
        return graph

    @cached_property
    def labels(self) -> np.ndarray:
        """The class of each node (1 + D, N); the first row are the pixels."""
        _, labels = connected_components(self.transitions, directed=True, connection="strong")
        return labels.reshape(-1, self.pixels)

    def classes(self) -> list[np.ndarray]:
        """The pixels of each class."""
        order = np.argsort(self.labels[0], kind="stable")
        bounds = np.flatnonzero(np.diff(self.labels[0][order])) + 1
        return np.split(order, bounds)

    def closed(self) -> list[int]:
        """The labels of the classes that no walk leaves."""
        edges, labels = self.transitions.tocoo(), self.labels.ravel()
        rows, columns = edges.coords
        leaving = labels[rows][labels[rows] != labels[columns]]
        return sorted(set(labels.tolist()) - set(leaving.tolist()))

    def diagonal(self) -> np.ndarray:
        """The diagonal of M: who walks in one direction comes back only by not setting out."""
        return np.sum([share * end for share, end in zip(self.shares, self.ends, strict=True)], axis=0)

    def block(self, members: np.ndarray) -> np.ndarray:
        """The entries of M between the pixels of one class, dense: a walk between two of them never leaves it."""
        found, place = np.zeros((len(members), len(members))), np.full(self.pixels, -1)
        place[members] = np.arange(len(members))
        for labels, share, step, end in zip(self.labels[1:], self.shares, self.steps, self.ends, strict=True):
            walked = np.flatnonzero(labels == self.labels[0, members[0]])
            if len(walked) == 0:
                continue
            ways = (eye_array(len(walked)) - step[walked][:, walked]).tocsc()
            inside = np.flatnonzero(place[walked] >= 0)
            ended = np.zeros((len(walked), len(inside)))
            ended[inside, np.arange(len(inside))] = end[walked[inside]]
            at = place[walked[inside]]
            found[np.ix_(at, at)] += share * spsolve(ways, ended).reshape(ended.shape)[inside]
        return found

    def visits(self, label: int) -> np.ndarray:
        """How often a walk in a closed class is at each pixel, (N,), one in sum."""
        nodes = np.flatnonzero(self.labels.ravel() == label)
        inside = self.transitions[nodes][:, nodes]
        chain = (diags_array(1 / inside.sum(axis=1)) @ inside).T.tocsc()
        often = _balanced(chain, start=int(np.argmax(_settled(chain) * (nodes < self.pixels))))
        pi = np.zeros(self.pixels)
        pi[nodes[nodes < self.pixels]] = often[nodes < self.pixels]
        return pi / pi.sum()


def leading(operator: MixedAffinityOperator, walk: Walk, members: np.ndarray, k: int) -> np.ndarray:
    """The k eigenvalues of largest modulus of the block of a class, or all of a small one."""
    size = len(members)
    if size <= DENSE_PIXELS or k > size - 2:
        return np.linalg.eigvals(walk.block(members))
    try:
        return _iterated(operator, members, k)
    except ArpackError as error:
        if size > LARGEST_DENSE:
            raise RuntimeError(
                f"the {k} leading eigenvalues of operator were not found: {size} of its pixels are connected so "
                f"loosely that the solver does not end ({error})"
            ) from error
        return np.linalg.eigvals(walk.block(members))


def _iterated(operator: MixedAffinityOperator, members: np.ndarray, k: int) -> np.ndarray:
    """Eigenvalues of a block by scans of the whole map, without a matrix."""

    def matvec(x):
        state = np.zeros(operator.shape[0], x.dtype)
        state[members] = x.ravel()
        return (operator @ state)[members]

    size = len(members)
    block = LinearOperator((size, size), matvec=matvec, dtype=operator.dtype)
    start = np.random.default_rng(0).random(size)  # a map with a symmetry would never meet what breaks it
    width = min(size, max(2 * k + 1, SUBSPACE))
    return eigs(block, k=k, v0=start.astype(operator.dtype), ncv=width, return_eigenvectors=False)


def _settled(chain) -> np.ndarray:
    """Where a walk from anywhere is after some steps; half of them stay, or it would alternate for ever."""
    state = np.full(chain.shape[0], 1 / chain.shape[0])
    for _ in range(SETTLING):
        state = (state + chain @ state) / 2
    return state


def _balanced(chain, start: int) -> np.ndarray:
    """The flow that each node receives as much of as it gives, with 1 at `start`, a node of some importance."""
    others = np.delete(np.arange(chain.shape[0]), start)
    flow = np.ones(chain.shape[0])
    if len(others):
        system = (eye_array(len(others)) - chain[others][:, others]).tocsc()
        flow[others] = spsolve(system, chain[others][:, [start]].toarray().ravel())
    return np.maximum(flow, 0)
