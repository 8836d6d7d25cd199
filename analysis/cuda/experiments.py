"""What the CUDA backend would gain by other choices: each is made in a process of its own, compiled afresh and timed.

The choices are geometries of the streams of warps: turns of a chunk, lanes of a ring, what a copy asks the L2 cache
for. The floor is that of `benchmark.py`, and so are the cases.

    python analysis/cuda/experiments.py
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import torch

from analysis.common import record
from analysis.common.cuda import timing
from analysis.common.cuda.cases import BOTH, FUSED, ONE, SMALL_FACTOR, both, forward, one_direction, unit
from analysis.common.cuda.jobs import row
from analysis.cuda.benchmark import judged
from spnkit.backends.cuda import streams


def along(axis, **other):
    """Streams along an axis, forward or back, with another ring, chunk or request to the L2 cache."""
    back = other.get("back")
    name, key = ("BACK", axis) if back else ("GEOMETRIES", (axis, 3, 4))
    table = getattr(streams, name)
    return {f"streams.{name}": table | {key: replace(table[key], **other)}}


ACROSS, DOWN = True, False
EXPERIMENTS = {
    "as it is": {},
    "across: 16 turns": along(ACROSS, turns=16),
    "across: 16 turns, 128 bytes": along(ACROSS, turns=16, ahead=128),
    "across: 128 bytes": along(ACROSS, ahead=128),
    "across: ring of 88": along(ACROSS, ring=88),
    "down: 16 turns": along(DOWN, turns=16),
    "down: 16 turns, 128 bytes": along(DOWN, turns=16, ahead=128),
    "down: 8 turns, ring of 64": along(DOWN, turns=8, ring=64),
    "back across: 16 turns": along(ACROSS, back=True, turns=16),
    "back across: as much as is asked": along(ACROSS, back=True, ahead=0),
    "back down: 16 turns": along(DOWN, back=True, turns=16),
    "back down: 128 bytes": along(DOWN, back=True, ahead=128),
}
CASES = {
    "left_to_right": lambda shrink: forward(one_direction("left_to_right", shrink), ONE),
    "top_to_bottom": lambda shrink: forward(one_direction("top_to_bottom", shrink), ONE),
    "forward": lambda shrink: forward(unit(shrink), FUSED),
    "forward and backward": lambda shrink: both(unit(shrink), BOTH),
}
SECONDS = 120  # that a choice may take


def found(name):
    """The module of the backend that has a constant, and its name there."""
    module, constant = name.rsplit(".", 1)
    module = importlib.import_module(f"spnkit.backends.cuda.{module}")
    if not hasattr(module, constant):
        raise AttributeError(f"{name}: the backend has no such constant")
    return module, constant


def choose(changes):
    """Change constants of the backend."""
    for name, value in changes.items():
        setattr(*found(name), value)


def one(name, shrink):
    """Check and time one choice; its rows go to standard output."""
    choose(EXPERIMENTS[name])
    speed = timing.bandwidth()
    print(json.dumps({case: judged(row(make(shrink)), speed) for case, make in CASES.items()}))


def measured(name, small):
    """The rows of one choice from a fresh process, whose kernels are kept apart from all others."""
    with TemporaryDirectory() as kept:
        command = [sys.executable, __file__, "--one", name, *["--small"] * small]
        environment = os.environ | {"NUMBA_CACHE_DIR": kept}
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=SECONDS, check=True)
        except subprocess.SubprocessError as error:
            return {"failed": f"{error}: {error.stderr or ''}"[-300:]}
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Time every choice; the table comes last."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--one", choices=EXPERIMENTS, help="time this choice alone, and write nothing")
    options = parser.parse_args()
    if options.one:
        one(options.one, SMALL_FACTOR if options.small else 1)
        return
    if not torch.cuda.is_available():
        sys.exit("experiments.py needs an NVIDIA GPU, and torch finds none")
    figures = {}
    for name in EXPERIMENTS:
        figures[name] = measured(name, options.small)
        record.write("experiments", figures, seed=options.seed, out=record.folder(options))
    print(f"{'choice':40}" + "".join(f"{case:>22}" for case in CASES))
    for name, rows in figures.items():
        floors = (f"{rows[case]['floors']:.2f}" if "floors" in rows.get(case, {}) else "failed" for case in CASES)
        print(f"{name:40}" + "".join(f"{text:>22}" for text in floors))


if __name__ == "__main__":
    main()
