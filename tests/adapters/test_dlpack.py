"""Arrays of other libraries come in by DLPack, and the result goes back to them."""

from types import SimpleNamespace

import numpy as np
import pytest
from tolerances import assert_close

import spnkit


class Stranger:
    """An array of a library that nobody knows."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __array_namespace__(self):
        return SimpleNamespace(from_dlpack=lambda other: Stranger(np.from_dlpack(other)))


class Hermit(Stranger):
    """Its library takes nothing back."""

    def __array_namespace__(self):
        return SimpleNamespace()


class Far(Stranger):
    """An array in the memory of a GPU."""

    def __dlpack__(self, **options):
        raise BufferError("not in host memory")

    def __dlpack_device__(self):
        return 2, 0


def problem(dtype=np.float32):
    rng = np.random.default_rng(0)
    return rng.normal(size=(1, 2, 5, 6)).astype(dtype), rng.normal(size=(1, 4, 3, 1, 5, 6)).astype(dtype)


def calls(x, gates):
    """Every public call."""
    yield spnkit.propagate(x, gates, integration="mean")
    yield spnkit.normalize_gates(gates, "softmax", axis=2)


def test_a_strangers_array_comes_back_as_one():
    x, gates = problem()
    for actual, expected in zip(calls(Stranger(x), Stranger(gates)), calls(x, gates), strict=True):
        assert isinstance(actual, Stranger)
        np.testing.assert_array_equal(actual.array, expected)
    h = spnkit.scan(Stranger(x), Stranger(gates[:, 1]), "top_to_bottom")
    np.testing.assert_array_equal(h.array, spnkit.scan(x, gates[:, 1], "top_to_bottom"))


def test_memory_of_a_gpu_is_viewed_by_torch(monkeypatch):
    torch = pytest.importorskip("torch")
    viewed = []
    monkeypatch.setattr(torch, "from_dlpack", lambda far: viewed.append(far) or torch.from_numpy(far.array))
    x, gates = map(Far, problem())
    y = spnkit.propagate(x, gates)
    assert viewed == [x, gates]
    np.testing.assert_array_equal(y.array, spnkit.propagate(x.array, gates.array))


def test_reversed_and_read_only_memory_is_viewed():
    x, gates = problem()
    expected = spnkit.propagate(x[..., ::-1].copy(), gates)
    gates.flags.writeable = False
    actual = spnkit.propagate(Stranger(x[..., ::-1]), Stranger(gates))
    np.testing.assert_array_equal(actual.array, expected)


def test_strangers_are_checked_like_everybody():
    x, gates = problem()
    with pytest.raises(ValueError, match="gates has shape"):
        spnkit.propagate(Stranger(x), Stranger(gates[:, :3]))
    with pytest.raises(TypeError, match="gates has dtype float32, expected that of x, float64"):
        spnkit.propagate(Stranger(x.astype(np.float64)), Stranger(gates))
    with pytest.raises(TypeError, match="gates is a list, expected an array with __dlpack__"):
        spnkit.propagate(Stranger(x), gates.tolist())
    with pytest.raises(TypeError, match="gates is a Stranger, expected the same kind as x, a ndarray"):
        spnkit.propagate(x, Stranger(gates))


def test_a_library_that_takes_nothing_back_is_named():
    x, gates = problem()
    with pytest.raises(TypeError, match=r"x is a Hermit, whose library has no from_dlpack .*numpy.from_dlpack\(x\)"):
        spnkit.propagate(Hermit(x), Hermit(gates))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_jax(dtype):
    jnp = pytest.importorskip("jax.numpy")
    x, gates = (jnp.asarray(array, dtype) for array in problem())
    y = spnkit.propagate(x, gates)
    assert type(y) is type(x)
    assert y.dtype == dtype
    assert_close(np.asarray(y, np.float64), spnkit.propagate(*(np.asarray(a, np.float64) for a in (x, gates))), dtype)
