"""The same affinity without a matrix: forward by scans, backward by adjoint scans, at any map size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator

import spnkit
from spnkit.affinity.matrices import build_G
from spnkit.affinity.weights import along_scan, as_direction, as_pixel, as_weights, check_finite
from spnkit.directions import DIRECTIONS, ordered
from spnkit.plan import names_of
from spnkit.propagation import scan_adjoint


class MixedAffinityOperator(LinearOperator):
    r"""A weighted sum of scans, :math:`M = \sum_d c_d G_d`, as a linear operator on images.

    With the default shares it is the mean of the directions, the linear counterpart of the
    node-wise max of Section 4: each pixel listens in all directions at once, and where the weights are
    non-negative `M` is a random walk on the pixels. It is directed; nothing here makes it symmetric.

    Parameters
    ----------
    p : array_like (D, K, H, W)
        Normalised weights of each direction, K = 1 or 3.
    directions : sequence of str
        The D directions.
    shares : sequence of D floats, optional
        The :math:`c_d`; by default each is 1 / D.
    backend : str
        As in `spnkit.scan`.

    Attributes
    ----------
    map_shape : (int, int)
        Rows and columns (H, W); the operator has shape (H*W, H*W), pixels in row-major order.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or name, or is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> M = MixedAffinityOperator(np.full((4, 3, 5, 5), 0.3))
    >>> bool((M.row((2, 2)) > 0).all()), float(M.row((2, 2)).sum().round(12))
    (True, 1.0)
    """

    def __init__(
        self,
        p: ArrayLike,
        directions: Sequence[str] = DIRECTIONS,
        shares: Sequence[float] | None = None,
        *,
        backend: str = "auto",
    ):
        self.directions = names_of(directions)
        for direction in self.directions:
            as_direction(direction)
        given = np.asarray(p)
        if given.ndim != 4 or len(given) != len(self.directions) or len(given) == 0:
            raise ValueError(
                f"p must have shape (D, K, H, W), D = {len(self.directions)} directions, got {given.shape}"
            )
        self.p = np.stack([as_weights(each) for each in given])
        self.shares = _as_shares(shares, len(self.directions))
        self.backend = backend
        self.map_shape: tuple[int, int] = self.p.shape[-2:]
        pixels = self.map_shape[0] * self.map_shape[1]
        super().__init__(self.p.dtype, (pixels, pixels))

    def row(self, pixel: tuple[int, int]) -> np.ndarray:
        """What the pixel (image row, image column) listens to, as an (H, W) map: one adjoint scan."""
        return self.rmatvec(self._impulse(pixel)).reshape(self.map_shape)

    def column(self, pixel: tuple[int, int]) -> np.ndarray:
        """Who listens to the pixel (image row, image column), as an (H, W) map: one scan."""
        return self.matvec(self._impulse(pixel)).reshape(self.map_shape)

    def trace(self) -> float:
        """Return the sum of the eigenvalues: in each G_d they stand on the diagonal, as 1 - d."""
        degrees = (along_scan(p, as_direction(d)).sum() for p, d in zip(self.p, self.directions, strict=True))
        return float(sum(c * (self.shape[0] - d) for c, d in zip(self.shares, degrees, strict=True)))

    def tocsr(self) -> csr_array:
        """Return the same operator as an explicit matrix; MemoryError where it is too large to store."""
        matrices = (build_G(p, d, order="image") for p, d in zip(self.p, self.directions, strict=True))
        return sum(share * G for share, G in zip(self.shares, matrices, strict=True))

    def _impulse(self, pixel) -> np.ndarray:
        impulse = np.zeros(self.map_shape, self.dtype)
        impulse[as_pixel(pixel, self.map_shape)] = 1
        return impulse.ravel()

    def _matvec(self, x):
        return self._matmat(x.reshape(-1, 1))[:, 0]

    def _rmatvec(self, x):
        return self._rmatmat(x.reshape(-1, 1))[:, 0]

    def _matmat(self, X):
        return self._scans(spnkit.scan, X)

    def _rmatmat(self, X):
        return self._scans(scan_adjoint, X)

    def _scans(self, scan, X):
        """Columns of X (H*W, M) become the channels of one map (1, M, H, W), all with the same weights."""
        if np.iscomplexobj(X):
            return self._scans(scan, X.real) + 1j * self._scans(scan, X.imag)
        maps = np.ascontiguousarray(X.T, self.dtype).reshape(1, -1, *self.map_shape)
        options = {"normalization": "none", "backend": self.backend}
        mixed = np.zeros_like(maps)
        for p, direction, share in zip(self.p, self.directions, self.shares, strict=True):
            mixed += share * scan(maps, p[None, :, None], direction, **options)
        return mixed.reshape(-1, X.shape[0]).T


class AffinityOperator(MixedAffinityOperator):
    r"""One scan, :math:`G` of Eq. (3), as a linear operator on images: no matrix, any map size.

    `op @ x.ravel()` is a scan and `op.T @ g.ravel()` an adjoint scan, each as cheap as the recurrence. Works
    wherever SciPy takes a `LinearOperator`: `eigs`, `svds`, `lsmr`, `expm_multiply`.

    Parameters
    ----------
    p : array_like (K, H, W)
        Normalised weights, K = 1 or 3. The operator has their dtype.
    direction : str
        One of `spnkit.DIRECTIONS`.
    backend : str
        As in `spnkit.scan`.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or name, or `p` is not finite.

    Examples
    --------
    >>> op = AffinityOperator([[[0.0, 0.5, 0.5]]])
    >>> op.row((0, 2)), op.column((0, 0))
    (array([[0.25, 0.25, 0.5 ]]), array([[1.  , 0.5 , 0.25]]))
    """

    def __init__(self, p: ArrayLike, direction: str = "left_to_right", *, backend: str = "auto"):
        as_direction(direction)
        super().__init__(as_weights(p)[None], (direction,), (1.0,), backend=backend)


def as_operator(operator) -> MixedAffinityOperator:
    """Refuse what only looks like an operator, such as a matrix, which knows no map."""
    if not isinstance(operator, MixedAffinityOperator):
        raise TypeError(
            f"operator must be an AffinityOperator or a MixedAffinityOperator, got {type(operator).__name__}"
        )
    return operator


def _as_shares(shares: Sequence[float] | None, count: int) -> np.ndarray:
    given = np.full(count, 1 / count)
    if shares is not None:
        given = np.asarray(ordered("shares", shares, "one number per direction"), dtype=np.float64)
    if given.shape != (count,):
        raise ValueError(f"shares must hold one number per direction ({count}), got shape {given.shape}")
    check_finite("shares", given)
    return given
