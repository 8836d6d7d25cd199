"""Random calls of the public functions: no wrong answer, and no exception that does not name what is wrong.

    python analysis/robustness/fuzz.py --calls 10000

Answers are held against `tests/naive.py`, the mathematics once more; gradients against the readable backend; matrices
against dense ones. Wrong arguments must end in a TypeError or a ValueError that names the argument. The fast backend
and the readable one take turns. All kernels of the fast one are compiled, which takes minutes, unless `--kernels` says
how many, drawn by the seed. A run that was stopped goes on where it was; `--only NUMBER` repeats one call.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections import Counter
from itertools import product
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np

import spnkit
from analysis.common import arrays, record
from analysis.common.arrays import pick
from spnkit import affinity
from spnkit.propagation import scan_adjoint

sys.path.insert(0, str(record.ROOT / "tests"))
import naive
from tolerances import TOLERANCE, assert_close

SMALL = 0.1  # gates whose gradient, of the size of 1 / |g|, is mostly rounding: there is nothing to compare
EVERY = 100  # calls between two notes of how far a run has come

KERNELS = tuple(product(("float32", "float64"), (1, 3), arrays.RULES, arrays.INTEGRATIONS, (False, True)))
"""Kernels of the fast backend: dtype, connections, rule, integration, whether channels share gates."""


def main() -> None:
    options = _options()
    kernels = drawn(options.seed, options.kernels)
    if options.only is not None:
        KINDS[kind_of(options.seed, options.only)](chance(options.seed, options.only), kernels)
        return
    place = record.folder(options) / "fuzz-progress.json"
    done, found = _earlier(place, options)
    for number in range(done, options.calls):
        if problem := tried(options.seed, number, kernels):
            found.append(problem)
            print(problem)
        if (number + 1) % EVERY == 0:
            _note(place, options, number + 1, found)
    kinds = Counter(kind_of(options.seed, number) for number in range(options.calls))
    figures = {"calls": options.calls, "of each kind": kinds, "kernels": len(kernels), "found": found}
    record.write("fuzz", figures, seed=options.seed, out=record.folder(options))
    place.unlink(missing_ok=True)


def _options():
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--calls", type=int, help="how many (default 10000, small 200)")
    parser.add_argument("--kernels", type=int, help="how many kernels of the fast backend (default all, small 1)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this call alone, with its traceback")
    options = parser.parse_args()
    options.calls = options.calls or (200 if options.small else 10_000)
    options.kernels = (1 if options.small else len(KERNELS)) if options.kernels is None else options.kernels
    return options


def _earlier(place: Path, options) -> tuple[int, list]:
    """How far a run of the same seed and kernels has come."""
    try:
        note = json.loads(place.read_text())
    except (OSError, ValueError):
        return 0, []
    return (note["done"], note["found"]) if note["run"] == [options.seed, options.kernels] else (0, [])


def _note(place: Path, options, done: int, found: list) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"run": [options.seed, options.kernels], "done": done, "found": found}))


def chance(seed: int, number: int) -> np.random.Generator:
    """A call depends on its number alone."""
    return np.random.default_rng([seed, number])


def drawn(seed: int, count: int) -> list[tuple]:
    """Kernels that are compiled, some of `KERNELS`."""
    return [KERNELS[i] for i in np.random.default_rng(seed).choice(len(KERNELS), count, replace=False)]


def kind_of(seed: int, number: int) -> str:
    """What a call is about."""
    return pick(np.random.default_rng([seed, number, 1]), KINDS)


def tried(seed: int, number: int, kernels: list[tuple]) -> str | None:
    """What is wrong with a call, in a line; None if nothing is."""
    kind = kind_of(seed, number)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            KINDS[kind](chance(seed, number), kernels)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = " ".join(str(error).split())[:200]
        return f"{number} {kind}: {type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {said}"
    return None


def _setting(rng, kernels: list[tuple]) -> tuple:
    """A backend with the settings of one of its kernels."""
    if kernels and rng.integers(2):
        return ("cpu", *kernels[rng.integers(len(kernels))])
    shared = bool(rng.integers(2))
    return ("reference", pick(rng, arrays.DTYPES), pick(rng, (1, 3)), *map(pick, (rng,) * 2, CHOICES), shared)


CHOICES = (arrays.RULES, arrays.INTEGRATIONS)


def maps(rng, kernels) -> None:
    """`propagate`, and `scan` where there is one direction."""
    backend, dtype, connections, rule, integration, shared = _setting(rng, kernels)
    x, gates, names = arrays.call(rng, connections, shared, rule, dtype)
    lying = [arrays.laid_out(rng, array) for array in (x, gates)]
    options = {"normalization": rule, "backend": backend}
    y = spnkit.propagate(*lying, directions=names, integration=integration, **options)
    wide = [array.astype(np.float64) for array in (x, gates)]
    assert_close(y, naive.propagate(*wide, names, rule, integration), dtype)
    assert y.dtype == x.dtype
    if len(names) == 1 and integration == "sum":
        assert_close(spnkit.scan(lying[0], lying[1][:, 0], names[0], **options), y, dtype)


def gradients(rng, kernels) -> None:
    """Gradients through torch, of tensors that lie in any way."""
    import torch

    backend, dtype, connections, rule, integration, shared = _setting(rng, kernels)
    x, gates, names = arrays.call(rng, connections, shared, rule, "float64" if dtype == "float16" else dtype)
    gates[abs(gates) < SMALL] = 0
    answers = []
    for name, dtype in ((backend, x.dtype), ("reference", np.dtype(np.float64))):
        leaves = [torch.tensor(array.astype(dtype), requires_grad=True) for array in (x, gates)]
        lying = [leaf.transpose(-1, -2).contiguous().transpose(-1, -2) for leaf in leaves]
        options = {"normalization": rule, "integration": "sum" if integration == "max" else integration}
        y = spnkit.propagate(*lying, directions=names, backend=name, **options)
        y.square().sum().backward()
        answers.append([y.detach(), *(leaf.grad for leaf in leaves)])
    # By "always" gradients at gates are differences of terms as large as these, and with one gate nothing but rounding.
    terms = max(1.0, float(y.detach().abs().max()) ** 2 / SMALL) if rule == "always" else 1.0
    for ours, expected, size in zip(*answers, (1.0, 1.0, terms), strict=True):
        assert_close(ours.numpy() / size, expected.numpy() / size, str(x.dtype))


def adjoints(rng, kernels) -> None:
    """<scan(x), g> = <x, scan_adjoint(g)>."""
    x, gates, names = arrays.call(rng, pick(rng, (1, 3)), bool(rng.integers(2)), "none", "float64")
    g = arrays.values(rng, x.shape, "float64")
    rule = pick(rng, arrays.RULES)
    options = {"normalization": rule, "backend": "reference"}
    there = spnkit.scan(x, gates[:, 0], names[0], **options)
    back = scan_adjoint(arrays.laid_out(rng, g), gates[:, 0], names[0], **options)
    assert_close(np.vdot(there, g) / x.size, np.vdot(x, back) / x.size)


def rules(rng, kernels) -> None:
    """`normalize_gates` along any axis."""
    dtype, rule, axis = pick(rng, arrays.DTYPES), pick(rng, arrays.RULES), int(rng.integers(3))
    shape = [int(side) for side in rng.integers(1, 6, 3)]
    shape[axis] = pick(rng, (1, 3))
    gates = arrays.values(rng, tuple(shape), dtype)
    expected = np.moveaxis(naive.normalize(np.moveaxis(gates, axis, 0).astype(np.float64), rule), 0, axis)
    found = spnkit.normalize_gates(arrays.laid_out(rng, gates), rule, axis - 3 * int(rng.integers(2)))
    assert_close(found, expected, dtype)


def matrices(rng, kernels) -> None:
    """Operators, spectra and walks against dense matrices."""
    h, w = (int(side) for side in rng.integers(1, 6, 2))
    names = tuple(pick(rng, spnkit.DIRECTIONS) for _ in range(rng.integers(1, 4)))
    p = np.abs(arrays.values(rng, (len(names), pick(rng, (1, 3)), h, w), "float64"))
    p /= np.maximum(p.sum(axis=1, keepdims=True), 1)
    mix = affinity.MixedAffinityOperator(p, names, backend="reference")
    M, pixel = mix.tocsr().toarray(), (int(rng.integers(h)), int(rng.integers(w)))
    assert_close(mix.row(pixel).ravel(), M[pixel[0] * w + pixel[1]])
    assert 0 <= affinity.asymmetry(M - pick(rng, (0, 1)) * M.T / 2) <= 1 + TOLERANCE["float64"]
    k = max(1, h * w - 2)
    assert abs(affinity.spectrum(mix, k)[0] - 1) < 1e-7
    assert_close(affinity.diffuse(mix, np.ones((h, w))), np.ones((h, w)))
    try:
        pi = affinity.stationary_distribution(mix).ravel()
    except ValueError as error:
        if "several stationary distributions" not in str(error):
            raise
        assert np.linalg.svd(M - np.eye(h * w))[1][-2] < 1e-7
    else:
        assert_close(pi @ M, pi)


BAD: dict[str, list] = {
    "x": [None, 3, "x", [[1.0]], *map(np.ones, (3, (1, 1, 0, 2))), *(np.ones((1, 1, 2, 2), t) for t in (int, ">f8"))],
    "gates": [None, *map(np.ones, ((1, 4), (1, 4, 2, 1, 2, 2), (1, 3, 3, 1, 2, 2))), np.ones((1, 4, 3, 1, 2, 2), "f4")],
    "directions": [None, 7, (), ("up",), set(spnkit.DIRECTIONS), frozenset(spnkit.DIRECTIONS), [None] * 4, [[]] * 4],
    "normalization": [None, 1, "Clip", ["clip"], b"clip", float("nan")],
    "integration": [0, "min", ["max"], "none", b"max", {}],
    "backend": [None, "gpu", ["cpu"], "cpu ", 0, {}],
}


def refusals(rng, kernels) -> None:
    """One argument that is wrong, of a call that is right but for it."""
    arguments: dict = {"x": np.ones((1, 1, 2, 2)), "gates": np.ones((1, 4, 3, 1, 2, 2)), "backend": "reference"}
    name = pick(rng, BAD)
    wrong = pick(rng, BAD[name])
    try:
        spnkit.propagate(**arguments | {name: wrong})
    except (TypeError, ValueError) as error:
        if name not in str(error):
            raise AssertionError(f"{name} = {wrong!r} is not named: {error}") from error
    else:
        raise AssertionError(f"{name} = {wrong!r} was taken")


def extremes(rng, kernels) -> None:
    """What is not finite, or nearly, ends no call, and stays in its own map."""
    backend, dtype, connections, rule, integration, shared = _setting(rng, kernels)
    x, gates, names = arrays.call(rng, connections, shared, rule, dtype)
    x, gates = (np.repeat(array, 2, axis=0)[:2] for array in (x, gates))
    options = {"directions": names, "normalization": rule, "integration": integration, "backend": backend}
    before = spnkit.propagate(x, gates, **options)
    for array in (x, gates):
        if rng.integers(2):
            array[1].flat[rng.integers(array[1].size)] = pick(rng, (np.nan, np.inf, -np.inf, np.finfo(dtype).max))
    np.testing.assert_array_equal(spnkit.propagate(x, gates, **options)[0], before[0])


KINDS = {function.__name__: function for function in (maps, gradients, adjoints, rules, matrices, refusals, extremes)}

if __name__ == "__main__":
    main()
