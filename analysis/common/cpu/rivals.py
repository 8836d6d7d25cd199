"""The part of the measurement that sets the kernels beside their rivals."""

from __future__ import annotations

import ctypes
import gc
import importlib.metadata
from functools import partial

import numpy as np
import torch

import spnkit
from analysis.common.cpu.parts import Session, named, report
from analysis.common.rivals import FLAGS, column, compiler, cpp_calls, jax_calls, torch_gradients, torch_loop

CLOSE, FLIPPED = 1e-4, 1e-3
"""Largest difference from our result, relative to its largest value; and how many gradients may differ by more: those
behind a tie of the maximum or a kink of the clip that rounding decides."""
LARGEST = {"torch loop": 256, "torch.compile, each step": 64}
"""Sides beyond which the slowest are left out, the second since it is compiled anew, for a minute, for every size."""
OURS = ("forward, torch call", "both, torch call", "forward, kernel", "both, kernel")
KERNEL_LIKE = "C++ loop"  # writes into memory that is there, as our kernels do; the others allocate, as our calls do


def rivals(session: Session, library: ctypes.CDLL | None) -> dict:
    """Everyone on the same arrays, in turn, after a check that they compute the same."""
    found = {"how": _versions(library)}
    for planes, side in session.sizes(64, 256, 512):
        found[named(planes, side)] = _one_size(session, library, planes, side)
        torch.compiler.reset()
        gc.collect()
    return found


def _one_size(session, library, planes, side):
    unit = session.unit(planes, side)
    x, gates = torch.tensor(unit.x), torch.tensor(unit.gates)
    ours = partial(spnkit.propagate, x, gates), torch_gradients(spnkit.propagate, x, gates, x)
    expected = ours[0](), ours[1]()
    contestants = dict(zip(OURS, (*ours, unit.forward, unit.both), strict=True))
    notes, differences = {}, {}
    for name, make in _makers(session, library, unit, x, gates).items():
        try:
            forward, both = make()
            differences[name] = _checked(forward(), both(), expected)
        except Exception as error:  # whatever keeps one of them out must not keep out the others
            notes[name] = f"left out: {error or type(error).__name__}"
            continue
        contestants |= {f"forward, {name}": forward, f"both, {name}": both}
    seconds, copy = session.compare(contestants)
    moved = {what: unit.forward_bytes if what.startswith("forward") else unit.both_bytes for what in contestants}
    return {
        "planes": planes,
        "side": side,
        **report(seconds, moved, copy),
        "times ours": {what: seconds[what] / seconds[_ours(what)] for what in contestants if what not in OURS},
        "largest difference": differences,
        "left out": notes,
    }


def _ours(what):
    """What a rival is held against: like with like."""
    step, name = what.split(", ", 1)
    return f"{step}, {'kernel' if name == KERNEL_LIKE else 'torch call'}"


def _makers(session, library, unit, x, gates):
    """Functions that make (forward, both) of each rival."""

    def loop(step=column):
        unit_of = partial(torch_loop, step=step)
        return partial(unit_of, x, gates), torch_gradients(unit_of, x, gates, x)

    def compiled():
        if session.small:
            raise RuntimeError("a quick check does not wait for its compiler")
        return loop(torch.compile(column, fullgraph=True, dynamic=False))

    def cpp():
        if library is None:
            raise RuntimeError("no C++ compiler")
        return cpp_calls(library, unit.x, unit.gates, unit.x)

    makers = {"torch loop": loop, "torch.compile, each step": compiled}
    makers |= {"jax lax.scan": partial(jax_calls, unit.x, unit.gates, unit.x), KERNEL_LIKE: cpp}
    return {name: make for name, make in makers.items() if unit.x.shape[-1] <= LARGEST.get(name, np.inf)}


def _checked(y, gradients, expected):
    """The largest relative difference of the map; an error unless map and gradients are those of the same unit."""
    difference = _differences(y, expected[0]).max()
    if not difference < CLOSE:
        raise ValueError(f"its map is wrong by {difference:.2g}")
    for name, found, wanted in zip(("map", "dx", "dgates"), gradients, expected[1], strict=True):
        share = (_differences(found, wanted) >= CLOSE).mean()
        if not share < FLIPPED:
            raise ValueError(f"{share:.2g} of its {name} is wrong")
    return difference


def _differences(found, wanted):
    found, wanted = np.asarray(found), np.asarray(wanted)
    return np.abs(found - wanted) / np.abs(wanted).max()


def _versions(library):
    """What the rivals were made with."""
    made = {"C++": f"{compiler()}, {' '.join(FLAGS)}" if library else "no compiler"}
    try:
        return made | {"jax": importlib.metadata.version("jax")}
    except importlib.metadata.PackageNotFoundError:
        return made | {"jax": "not installed"}
