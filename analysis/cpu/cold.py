"""How long a new environment waits for the compiler: first calls, README's programs, every kind of forward call.

Each is a fresh process with an empty folder for kernels. Beside the seconds that it took are those that it computed,
which are what it would take with a core of its own.

    python analysis/cpu/cold.py
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

from analysis.common import record

CALL = """
import itertools, json, resource, time
import numpy as np, spnkit
from spnkit.backends import backend
from spnkit.integration import Integration
from spnkit.normalization import Normalization
from spnkit.plan import plan

def now():
    return time.perf_counter(), time.process_time()

def call(rule="clip", how="max", k=3, dtype="float32", channels=4, back=False):
    x, gates = np.ones((1, 4, 8, 8), dtype), np.full((1, 4, k, channels, 8, 8), 0.3, dtype)
    resolved = plan(spnkit.DIRECTIONS, rule, None if how == "none" else how)
    y = np.empty((1, 4, 4, 8, 8) if how == "none" else x.shape, dtype)
    winner = np.empty(x.shape, np.uint8) if how == "max" else None
    backend("cpu").forward(x, gates, y, winner, resolved)
    if back:
        backend("cpu").backward(y, winner, x, gates, np.empty_like(x), np.empty_like(gates), resolved)

def timed(**options):
    begin = now()
    call(**options)
    return dict(zip(("seconds", "computed"), (b - a for a, b in zip(begin, now()))))
"""
FIRST = (
    CALL
    + """
calls = {
    "first forward": {},
    "its backward": {"back": True},
    "another rule": {"rule": "softmax"},
    "its backward, too": {"rule": "softmax", "back": True},
    "shared gates": {"channels": 1},
    "float64": {"dtype": "float64"},
}
found = {name: timed(**calls[name]) for name in list(calls)[:MOST]}
print(json.dumps(found))
"""
)
ALL = (
    CALL
    + """
rules, ways = list(Normalization.__members__), list(Integration.__members__)
table = list(itertools.product(rules, ways, (3, 1), ("float32", "float64"), (4, 1)))[:MOST]
begin = now()
for rule, how, k, dtype, channels in table:
    call(rule, how, k, dtype, channels)
print(json.dumps(dict(zip(("calls", "seconds", "computed"), (len(table), *(b - a for a, b in zip(begin, now())))))))
"""
)
PROGRAM = """
import json, time
begin = time.perf_counter()
exec(compile({block!r}, "README.md", "exec"), {{}})
print(json.dumps({{"seconds": time.perf_counter() - begin, "computed": time.process_time()}}))
"""


def fresh(program: str) -> dict:
    """What a program prints last, run in a new process that finds no kernels."""
    with tempfile.TemporaryDirectory() as place:
        environment = os.environ | {"NUMBA_CACHE_DIR": place, "MPLBACKEND": "agg", "SPNKIT_QUIET": "1"}
        environment["PYTHONPATH"] = str(record.ROOT)
        command = [sys.executable, "-W", "ignore", "-c", program]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure, a part after the other."""
    options = record.parser(__file__, __doc__).parse_args()
    blocks = re.findall(r"```python\n(.*?)```", (record.ROOT / "README.md").read_text(), re.DOTALL)
    names = ("layer", "matrix", "refiner", "training")
    figures = {
        "calls one after the other": fresh(f"MOST = {1 if options.small else None}\n{FIRST}"),
        "README": {
            name: fresh(PROGRAM.format(block=block))
            for name, block in zip(names, blocks[: 1 if options.small else None], strict=False)
        },
        "every kind of forward call": fresh(f"MOST = {2 if options.small else None}\n{ALL}"),
    }
    record.write("cold", figures, seed=options.seed, out=record.folder(options))


if __name__ == "__main__":
    main()
