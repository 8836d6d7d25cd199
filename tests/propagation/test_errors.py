"""Bad input: the error names the argument, what came and what was expected."""

import numpy as np
import pytest

import spnkit
from spnkit.propagation import scan_adjoint

X = np.zeros((1, 2, 4, 5))
GATES = np.zeros((1, 4, 3, 2, 4, 5))


def propagate(x=X, gates=GATES, **options):
    return spnkit.propagate(x, gates, **options)


@pytest.mark.parametrize(
    ("error", "words", "arguments"),
    [
        (ValueError, ["x", "(2, 4, 5)", "(N, C, H, W)"], {"x": X[0]}),
        (ValueError, ["x", "(1, 2, 0, 5)", "empty"], {"x": X[:, :, :0]}),
        (ValueError, ["gates", "(1, 4, 3, 2, 4, 4)", "(1, 2, 4, 5)"], {"gates": GATES[..., :-1]}),
        (ValueError, ["gates", "(1, 3, 3, 2, 4, 5)", "4 directions"], {"gates": GATES[:, :3]}),
        (ValueError, ["gates", "(1, 4, 2, 2, 4, 5)", "K = 1 or 3"], {"gates": GATES[:, :, :2]}),
        (ValueError, ["gates", "(1, 4, 3, 3, 4, 5)", "C or 1"], {"gates": np.zeros((1, 4, 3, 3, 4, 5))}),
        (ValueError, ["gates", "(4, 3, 2, 4, 5)"], {"gates": GATES[0]}),
        (TypeError, ["gates", "float32", "float64"], {"gates": GATES.astype(np.float32)}),
        (TypeError, ["x", "int64", "float32"], {"x": X.astype(int)}),
        (TypeError, ["x", "complex128", "float64"], {"x": X.astype(complex)}),
        (TypeError, ["x", "list", "NumPy array"], {"x": X.tolist()}),
        (ValueError, ["directions", "'leftwards'", "left_to_right"], {"directions": ["leftwards"] * 4}),
        (ValueError, ["directions", "empty"], {"directions": [], "gates": GATES[:, :0]}),
        (ValueError, ["normalization", "'clamp'", "softmax"], {"normalization": "clamp"}),
        (ValueError, ["integration", "'min'", "mean"], {"integration": "min"}),
        (ValueError, ["backend", "'gpu'", "reference"], {"backend": "gpu"}),
        (ValueError, ["normalization", "['clip']"], {"normalization": ["clip"]}),
        (ValueError, ["integration", "['max']"], {"integration": ["max"]}),
        (ValueError, ["backend", "['cpu']"], {"backend": ["cpu"]}),
        (ValueError, ["directions", "['left_to_right']"], {"directions": [["left_to_right"]] * 4}),
        (TypeError, ["directions", "None", "left_to_right"], {"directions": None}),
        (TypeError, ["directions", "set", "no order"], {"directions": set(spnkit.DIRECTIONS)}),
        (TypeError, ["directions", "frozenset", "no order"], {"directions": frozenset(spnkit.DIRECTIONS)}),
        (TypeError, ["x", "masked", "filled"], {"x": np.ma.masked_equal(X, 0)}),
    ],
)
def test_message(error, words, arguments):
    with pytest.raises(error) as caught:
        propagate(**arguments)
    for word in words:
        assert word in str(caught.value)


def test_a_set_is_refused_wherever_an_order_matters():
    """Its order is another in every process: the same call would mean another thing each time."""
    from spnkit import affinity
    from spnkit.affinity import MixedAffinityOperator, build_A, effective_affinity, observed_orders, to_networkx

    mix, names = MixedAffinityOperator(GATES[0, :, :, 0]), set(spnkit.DIRECTIONS)
    for call in (
        lambda: MixedAffinityOperator(GATES[0, :, :, 0], names),
        lambda: MixedAffinityOperator(GATES[0, :2, :, 0], spnkit.DIRECTIONS[:2], shares={0.25, 0.75}),
        lambda: effective_affinity(X, GATES, (0, 1), directions=names),
        lambda: effective_affinity(X, GATES, {0, 1}),
        lambda: observed_orders(mix, X[0, 0], 1.0, {2, 4}),
        lambda: mix.row({0, 1}),
        lambda: affinity.stored_entries("G", {4, 5}, 3),
        lambda: to_networkx(build_A(GATES[0, 0, :, 0], order="image"), {4, 5}),
    ):
        with pytest.raises(TypeError, match=r"no order|must be a pair"):
            call()


def test_what_has_an_order_is_taken():
    expected = propagate()
    for directions in (list(spnkit.DIRECTIONS), iter(spnkit.DIRECTIONS), dict.fromkeys(spnkit.DIRECTIONS).keys()):
        np.testing.assert_array_equal(propagate(directions=directions), expected)


def test_networks_refuse_sets():
    nn = pytest.importorskip("spnkit.nn")
    with pytest.raises(TypeError, match="directions got a set"):
        nn.SpatialPropagation(set(spnkit.DIRECTIONS))
    with pytest.raises(TypeError, match="widths got a set"):
        nn.UNetGuidance(widths={8, 16})


def test_scan_speaks_of_its_own_shape():
    with pytest.raises(ValueError, match=r"expected \(N, K, C or 1, H, W\)"):
        spnkit.scan(X, GATES, "left_to_right")
    with pytest.raises(ValueError, match="grad has shape"):
        scan_adjoint(X[0], GATES[:, 0], "left_to_right")
    for call in (spnkit.scan, scan_adjoint):
        with pytest.raises(ValueError, match="direction got 'ltr', expected one of left_to_right"):
            call(X, GATES[:, 0], "ltr")


def test_normalize_gates_names_the_axis():
    with pytest.raises(ValueError, match="axis got 7"):
        spnkit.normalize_gates(GATES, axis=7)
    with pytest.raises(TypeError, match="axis got None, expected an integer"):
        spnkit.normalize_gates(GATES, axis=None)
    with pytest.raises(TypeError, match="gates has dtype int64"):
        spnkit.normalize_gates(GATES.astype(int))
    with pytest.raises(ValueError, match="normalization got None"):
        spnkit.normalize_gates(GATES, None)


def test_kinds_are_not_mixed():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="gates is a Tensor, expected the same kind as x, a ndarray"):
        spnkit.propagate(X, torch.tensor(GATES))
