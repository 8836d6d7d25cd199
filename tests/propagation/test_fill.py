"""Normalised propagation: against dense matrices, what it promises, its derivatives, and what it refuses."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import TOLERANCE, assert_close

import spnkit
from spnkit.affinity import build_G

SHAPES = [(1, 1), (1, 7), (8, 1), (5, 6)]
RULES = ("clip", "always", "softmax", "sigmoid")


def problem(rng, shape=(5, 6), *, own_gates=False, own_confidence=False, connections=3, samples=2, known=0.5):
    """Values, a confidence that is 0 for about half of the pixels and 1 for some, and gates above 0."""
    values = rng.standard_normal((samples, 2, *shape))
    confidence = rng.random((samples, 2 if own_confidence else 1, *shape)).round(1)
    confidence[rng.random(confidence.shape) > known] = 0
    confidence[..., -1, -1] = 1  # somebody knows something
    gates = rng.random((samples, 4, connections, 2 if own_gates else 1, *shape)) + 0.05
    return values, confidence, gates


def dense(values, confidence, gates, rule="clip", units=1):
    """The quotient by `naive.py`: numerator and denominator of every channel, and NaN where there is none."""
    p = np.moveaxis(naive.normalize(np.moveaxis(gates, 2, 0), rule), 0, 2) * (1 - confidence[:, None, None])
    known = np.broadcast_to(confidence, values.shape)
    parts = known * np.where(known > 0, values, 0), known
    for _ in range(units):
        parts = [naive.propagate(part, p, spnkit.DIRECTIONS, "none", "mean") for part in parts]
    with np.errstate(invalid="ignore"):
        return parts[0] / np.where(parts[1] > 0, parts[1], np.nan)


def each(function):
    """Over random maps, with an oracle's speed."""
    draw = st.builds(
        lambda seed, h, w, connections, own_gates, own_confidence: problem(
            np.random.default_rng(seed),
            (h, w),
            connections=connections,
            own_gates=own_gates,
            own_confidence=own_confidence,
            samples=1,
        ),
        st.integers(0, 2**32),
        *[st.integers(1, 9)] * 2,
        st.sampled_from([1, 3]),
        *[st.booleans()] * 2,
    )
    return settings(max_examples=30, deadline=None)(given(draw)(function))


@pytest.mark.parametrize("own_confidence", [False, True], ids=["one confidence", "own confidence"])
@pytest.mark.parametrize("own_gates", [False, True], ids=["shared gates", "own gates"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rule", RULES)
def test_it_is_the_quotient_of_dense_matrices(rng, connections, shape, rule, own_gates, own_confidence):
    arrays = problem(rng, shape, own_gates=own_gates, own_confidence=own_confidence, connections=connections)
    y = spnkit.fill(*arrays, normalization=rule, empty="nan", backend="reference")
    assert_close(y, dense(*arrays, rule))


def test_one_direction_is_the_quotient_of_its_affinity(rng):
    values, confidence, gates = problem(rng, samples=1)
    p = spnkit.normalize_gates(gates)[0, 0, :, 0] * (1 - confidence[0])
    G = build_G(p, "left_to_right", order="image").toarray()
    c = confidence.ravel()
    expected = [G @ (c * v.ravel()) / np.where(G @ c > 0, G @ c, np.nan) for v in values[0]]
    y = spnkit.fill(values, confidence, gates[:, :1], directions="left_to_right", empty="nan", backend="reference")
    assert_close(y, np.reshape(expected, values.shape))


def test_backends_agree(rng, backend):
    arrays = problem(rng, (33, 20))
    assert_close(spnkit.fill(*arrays, backend=backend), dense(*arrays))


def test_several_gates_are_units_in_cascade(rng):
    values, confidence, gates = problem(rng)
    for units in ([gates] * 3, (gates,) * 3):
        y = spnkit.fill(values, confidence, units, backend="reference")
        assert_close(y, dense(values, confidence, gates, units=3))


def test_units_differ_in_their_gates_and_channels(rng):
    values, confidence, first = problem(rng, own_gates=True)
    second = problem(rng)[2]
    own = spnkit.fill(values, confidence, [first, second], backend="reference")
    for channel in range(2):
        one = [values[:, [channel]], confidence, [first[:, :, :, [channel]], second]]
        assert_close(own[:, [channel]], spnkit.fill(*one, backend="reference"))


@each
def test_sure_pixels_keep_their_value_to_the_bit(arrays):
    values, confidence, gates = (array.astype(np.float32) for array in arrays)
    sure = np.broadcast_to(confidence == 1, values.shape)
    for scale in (1, 1e37, 1e-37):
        for integration in ("mean", "sum"):
            scaled = np.float32(scale) * values
            filled = spnkit.fill(
                scaled,
                confidence,
                gates,
                integration=integration,
                empty="nan",
                backend="reference",
                normalization="softmax",
            )
            np.testing.assert_array_equal(filled[sure], scaled[sure])


@each
def test_it_is_a_mean_of_known_values(arrays):
    values, confidence, gates = arrays
    filled = spnkit.fill(values, confidence, gates, empty="nan", backend="reference")
    known = np.broadcast_to(confidence, values.shape) > 0
    slack = TOLERANCE["float64"]
    for channel in range(values.shape[1]):
        inside = values[:, channel][known[:, channel]]
        heard = filled[:, channel][~np.isnan(filled[:, channel])]
        assert heard.min() >= inside.min() - slack
        assert heard.max() <= inside.max() + slack


@each
def test_constants_stay(arrays):
    values, confidence, gates = arrays
    for constant in (0.1, 1.0, -3e7):
        filled = spnkit.fill(np.full_like(values, constant), confidence, gates, empty=constant, backend="reference")
        assert_close(filled / constant, np.ones_like(filled))


@each
def test_zeros_and_ones_stay_exact(arrays):
    """What is 0 or 1 wherever it is known: both parts are then the same numbers, or the one is 0."""
    values, confidence, gates = arrays
    for constant in (0.0, 1.0):
        filled = spnkit.fill(np.full_like(values, constant), confidence, gates, empty=constant, backend="reference")
        np.testing.assert_array_equal(filled, constant)


@each
def test_unknown_values_are_not_read(arrays):
    values, confidence, gates = arrays
    unknown = np.broadcast_to(confidence == 0, values.shape)
    clean = spnkit.fill(values, confidence, gates, empty=7.0, backend="reference")
    for poison in (np.nan, np.inf, -np.inf, np.finfo(float).max):
        poisoned = np.where(unknown, poison, values)
        np.testing.assert_array_equal(spnkit.fill(poisoned, confidence, gates, empty=7.0, backend="reference"), clean)


def test_integrations_have_the_same_quotient(rng):
    arrays = problem(rng)
    mean, total = (spnkit.fill(*arrays, integration=name, backend="reference") for name in ("mean", "sum"))
    np.testing.assert_array_equal(mean, total)


def test_a_sure_pixel_stands_between_its_neighbours():
    """Nothing is heard through it; of one that is half sure a half is."""
    values, gates = np.array([[[[5.0, 1.0, 0.0]]]]), np.ones((1, 1, 1, 1, 1, 3))
    for sure, expected in ((1.0, 1.0), (0.5, (0.25 * 1 + 0.5 * 5) / 0.75)):
        confidence = np.array([[[[1.0, sure, 0.0]]]])
        y = spnkit.fill(values, confidence, gates, directions="left_to_right", backend="reference")
        assert_close(y[0, 0, 0, 2], expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes(rng, dtype):
    arrays = problem(rng)
    y = spnkit.fill(*(array.astype(dtype) for array in arrays), backend="reference")
    assert y.dtype == dtype
    assert_close(y, dense(*arrays))


def test_a_half_hears_as_far_as_a_float32():
    """Its denominator would vanish after 24 steps of weight one half."""
    values, confidence = np.zeros((2, 1, 1, 1, 60), np.float16)
    values[..., 0], confidence[..., 0] = 2, 1
    gates = np.full((1, 1, 1, 1, 1, 60), 0.5, np.float16)
    np.testing.assert_array_equal(
        spnkit.fill(values, confidence, gates, directions="left_to_right"), np.full_like(values, 2)
    )


def test_views_of_any_strides(rng):
    arrays = problem(rng, (6, 6))
    turned = [np.asfortranarray(array)[..., ::-1, :].swapaxes(-1, -2) for array in arrays]
    copied = [np.ascontiguousarray(array) for array in turned]
    np.testing.assert_array_equal(spnkit.fill(*turned, backend="reference"), spnkit.fill(*copied, backend="reference"))


def far():
    """One known pixel in the upper left, and a scan to the right that reaches its row alone."""
    values, confidence = np.ones((1, 2, 2, 3)), np.zeros((1, 1, 2, 3))
    confidence[..., 0, 0] = 1
    return values, confidence, np.full((1, 1, 1, 1, 2, 3), 0.5)


def fill_far(**options):
    return spnkit.fill(*far(), directions="left_to_right", backend="reference", **options)


def test_where_nothing_is_heard_the_caller_says_what_stands():
    with pytest.raises(ValueError, match="empty got 'error', and 3 of 6 pixels hear no pixel"):
        fill_far()
    own = np.arange(12.0).reshape(1, 2, 2, 3)
    for empty, expected in (
        ("nan", np.nan),
        (-1, -1),
        (np.float32(2.5), 2.5),
        (own, own[:, :, 1]),
        (own[0, 0], own[0, 0, 1]),
    ):
        filled = fill_far(empty=empty)
        np.testing.assert_array_equal(filled[:, :, 0], 1)
        np.testing.assert_array_equal(filled[:, :, 1], np.broadcast_to(expected, (1, 2, 3)))


def test_a_denominator_that_loses_digits_is_none():
    values, confidence = np.full((1, 1, 1, 120), 3, np.float32), np.zeros((1, 1, 1, 120), np.float32)
    confidence[..., 0] = 1
    gates = np.full((1, 1, 1, 1, 1, 120), 0.5, np.float32)
    filled = spnkit.fill(values, confidence, gates, directions="left_to_right", empty="nan", backend="reference")
    np.testing.assert_array_equal(filled[0, 0, 0, :102], 3)
    assert np.isnan(filled[0, 0, 0, 104:]).all()


def test_a_denominator_below_zero_is_none():
    filled = spnkit.fill(*far()[:2], -far()[2], directions="left_to_right", empty="nan", backend="reference")
    np.testing.assert_array_equal(np.isnan(filled[0, 0]), [[False, True, False], [True, True, True]])


def test_gates_that_are_not_a_number_are_not_hidden():
    values, confidence, gates = far()
    gates[..., 0, 1] = np.nan
    filled = spnkit.fill(values, confidence, gates, directions="left_to_right", empty=5.0, backend="reference")
    np.testing.assert_array_equal(filled[0, 0], [[1, np.nan, np.nan], [5, 5, 5]])


V, C, P = np.zeros((1, 2, 4, 5)), np.ones((1, 1, 4, 5)), np.zeros((1, 4, 3, 1, 4, 5))


@pytest.mark.parametrize(
    ("error", "words", "arguments"),
    [
        (ValueError, ["values", "(2, 4, 5)", "(N, C, H, W)"], {"values": V[0]}),
        (ValueError, ["values", "(0, 2, 4, 5)", "empty"], {"values": V[:0]}),
        (TypeError, ["values", "int64", "float32"], {"values": V.astype(int)}),
        (TypeError, ["values", "list", "NumPy array"], {"values": V.tolist()}),
        (TypeError, ["values", "masked", "filled"], {"values": np.ma.masked_equal(V, 0)}),
        (ValueError, ["confidence", "(1, 3, 4, 5)", "1 or C", "(1, 2, 4, 5)"], {"confidence": np.ones((1, 3, 4, 5))}),
        (ValueError, ["confidence", "(4, 5)", "(N, 1 or C, H, W)"], {"confidence": C[0, 0]}),
        (TypeError, ["confidence", "bool", "float32"], {"confidence": C > 0}),
        (TypeError, ["confidence", "float32", "that of values, float64"], {"confidence": C.astype(np.float32)}),
        (TypeError, ["confidence", "list", "NumPy array"], {"confidence": C.tolist()}),
        (ValueError, ["confidence", "from 0 to 1.5", "expected from 0 to 1"], {"confidence": 1.5 * np.eye(4, 5) * C}),
        (ValueError, ["confidence", "from -1 to 1"], {"confidence": C - 2 * np.eye(4, 5)}),
        (ValueError, ["confidence", "nan"], {"confidence": np.nan * C}),
        (ValueError, ["gates", "(1, 3, 3, 1, 4, 5)", "4 directions", "values"], {"gates": P[:, :3]}),
        (ValueError, ["gates", "empty"], {"gates": []}),
        (ValueError, ["gates", "(1, 4, 2, 1, 4, 5)", "K = 1 or 3"], {"gates": [P, P[:, :, :2]]}),
        (ValueError, ["directions", "'leftwards'", "left_to_right"], {"directions": ["leftwards"] * 4}),
        (ValueError, ["normalization", "'clamp'", "softmax"], {"normalization": "clamp"}),
        (ValueError, ["integration", "'max'", "mean or sum", "same directions"], {"integration": "max"}),
        (ValueError, ["integration", "None", "mean or sum"], {"integration": None}),
        (ValueError, ["empty", "'zero'", "'nan'"], {"empty": "zero"}),
        (ValueError, ["empty", "(3, 1, 1)", "(1, 2, 4, 5)"], {"empty": np.zeros((3, 1, 1))}),
        (TypeError, ["empty", "int64", "float32"], {"empty": np.zeros(5, int)}),
        (ValueError, ["backend", "'gpu'", "reference"], {"backend": "gpu"}),
    ],
)
def test_message(error, words, arguments):
    with pytest.raises(error) as caught:
        spnkit.fill(**{"values": V, "confidence": C, "gates": P, **arguments})
    for word in words:
        assert word in str(caught.value)
