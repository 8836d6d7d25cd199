"""The kernels against two oracles that share no code with them: dense matrices, and build_G."""

import naive
import numpy as np
import pytest
from naive import RULES
from tolerances import assert_close

import spnkit
from spnkit.affinity import build_G

SHAPES = [(5, 7), (1, 1), (1, 9), (20, 1), (17, 33), (40, 16), (2, 67)]


def random(rng, shape, connections, channels=2, scale=1.0, dtype=np.float64):
    """x and gates for all four directions; `channels` of the gates is 2 or, shared, 1."""
    x = rng.standard_normal((2, 2, *shape)).astype(dtype)
    gates = scale * rng.standard_normal((2, 4, connections, channels, *shape)).astype(dtype)
    return x, gates.astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [2, 1], ids=["per-channel", "shared"])
def test_unit_is_the_paper_s(rng, backend, connections, channels, dtype, shape):
    if backend == "reference" and np.prod(shape) > 200:
        pytest.skip("the reference is slow; other shapes cover it")
    x, gates = random(rng, shape, connections, channels, dtype=dtype)
    expected = naive.propagate(x, gates, spnkit.DIRECTIONS, "clip", "max")
    y = spnkit.propagate(x, gates, backend=backend)
    assert y.dtype == dtype
    assert_close(y, expected)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("direction", spnkit.DIRECTIONS)
def test_scan_with_every_rule(rng, backend, connections, rule, direction):
    x, gates = random(rng, (6, 9), connections, scale=0.3 if rule == "none" else 2.0)
    h = spnkit.scan(x, gates[:, 0], direction, normalization=rule, backend=backend)
    assert_close(h, naive.propagate(x, gates[:, :1], [direction], rule, "sum"))


@pytest.mark.parametrize("integration", ["max", "mean", "sum", None])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_integrations_and_subsets(rng, backend, integration, count):
    directions = ("bottom_to_top", "left_to_right", "bottom_to_top")[:count]
    x, gates = random(rng, (6, 9), 3)
    gates = gates[:, :count]
    y = spnkit.propagate(x, gates, directions=directions, integration=integration, backend=backend)
    assert_close(y, naive.propagate(x, gates, directions, "clip", integration))


@pytest.mark.parametrize("direction", spnkit.DIRECTIONS)
def test_scan_is_G_times_the_vectorised_map(rng, backend, connections, direction):
    x, gates = random(rng, (7, 5), connections)
    p = spnkit.normalize_gates(gates[:, 0])
    h = spnkit.scan(x, p, direction, normalization="none", backend=backend)
    G = build_G(p[0, :, 0], direction, order="image")
    assert_close(h[0, 0].ravel(), G @ x[0, 0].ravel())
    G = build_G(p[0, :, 0], direction, order="scan")
    turn = naive.TO_LEFT_RIGHT[direction][0]
    assert_close(turn(h[0, 0]).ravel(order="F"), G @ turn(x[0, 0]).ravel(order="F"))


@pytest.mark.parametrize("rule", RULES)
def test_normalize_gates_is_the_literature_s(rng, connections, rule):
    gates = 2 * rng.standard_normal((2, connections, 3, 4, 5))
    expected = naive.normalize(gates.swapaxes(0, 1), rule).swapaxes(0, 1)
    assert_close(spnkit.normalize_gates(gates, rule), expected)


@pytest.mark.parametrize("rule", ["always", "clip", "sigmoid"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_to_divide_by(backend, rule, dtype):
    gates = np.full((1, 4, 3, 1, 4, 4), -1000 if rule == "sigmoid" else 0, dtype)
    x = np.arange(16, dtype=dtype).reshape(1, 1, 4, 4)
    with np.errstate(all="ignore"):
        assert_close(spnkit.propagate(x, gates, normalization=rule, integration="sum", backend=backend), 4 * x)


@pytest.mark.parametrize("dtype", [np.float16])
def test_half_precision_is_computed_in_float32(rng, backend, dtype):
    x, gates = random(rng, (9, 12), 3, dtype=dtype)
    wide = spnkit.propagate(x.astype(np.float32), gates.astype(np.float32), backend=backend)
    y = spnkit.propagate(x, gates, backend=backend)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, wide.astype(dtype))
