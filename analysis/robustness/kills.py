"""Kill a small training run at random moments and resume it: it ends in the weights of a run that nobody killed.

SIGKILL, SIGTERM and SIGINT, to the run alone as `kill` sends them, each with one process and with two that train
together. After a kill no process may be left; after the resume every weight must be the same to the last bit.

    python analysis/robustness/kills.py            # 30 kills; a campaign that was stopped goes on
    python analysis/robustness/kills.py --small    # 2
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
import torch

from analysis.common import record

SCRIPT = record.ROOT / "examples" / "train_helen.py"
TINY = (
    *("--size", "64", "--patch", "32", "--width", "0.05", "--hidden", "2", "--made", "6"),
    *("--parser-batch", "4", "--batch", "2", "--parser-steps", "50", "--steps", "50", "--no-control"),
)
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STAGES = ("options.json", "parsers.ckpt", "spn.ckpt", "metrics.json")
"""What a run writes first, after 25 steps of each stage, and when it is done: a kill comes between two of them."""
PATIENCE = 20
"""Seconds that processes may take to end."""


def begin(folder: Path, *arguments: str) -> subprocess.Popen:
    """A run, or what goes on with one, in a process group of its own."""
    path = os.pathsep.join([str(record.ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), "--out", str(folder), *arguments],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What a script starts in its background ignores SIGINT, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def ended(process: subprocess.Popen) -> str:
    """What a run that came to its end said of errors."""
    _, err = process.communicate()
    return err


def left(group: int) -> int:
    """Processes of a group that are not yet gone, after a while."""
    deadline = time.monotonic() + PATIENCE
    while (alive := _members(group)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return len(alive)


def _members(group: int) -> list[Path]:
    """Processes of a session that still do something, as Linux tells."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, *numbers = path.read_text().rpartition(")")[2].split()
        except OSError:  # gone in between
            continue
        if int(numbers[2]) == group and state != "Z":
            found.append(path)
    return found


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """What a run has learned."""
    return torch.load(folder / "spn.ckpt", weights_only=True)["state_dict"]


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether all weights agree to the last bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def undisturbed(folder: Path, *ways: str) -> tuple[dict[str, torch.Tensor], list[float]]:
    """The weights of a run that nobody kills, and the seconds from each of its stages to the next."""
    process = begin(folder, *TINY, *ways)
    times = [wait_for(folder / name, process) for name in STAGES]
    if err := ended(process):
        raise RuntimeError(err)
    return weights(folder), np.diff(times).tolist()


def wait_for(path: Path, process: subprocess.Popen) -> float:
    """When a run wrote a file, or ended without it."""
    while not path.exists() and process.poll() is None:
        time.sleep(0.02)
    return time.monotonic()


def kill(folder: Path, number: signal.Signals, stage: str, after: float, *ways: str) -> dict:
    """Kill a run some seconds after it wrote a file, and resume it; how both ended."""
    process = begin(folder, *TINY, *ways)
    wait_for(folder / stage, process)
    time.sleep(after)
    told = {"signal": number.name, "ways": " ".join(ways), "after": f"{stage}, {after:.1f} s"}
    if process.poll() is None:
        process.send_signal(number)
    said = ended(process)
    told |= {"status": process.returncode, "lines": said.count("\n"), "processes left": left(process.pid)}
    again = begin(folder, "--resume")
    err = ended(again)
    return told | {"resumed": f"status {again.returncode}" + (f": {err.splitlines()[-1]}" if err else "")}


def campaign(count: int, seed: int, place: Path, kills: list[dict], late: int) -> Iterator[dict]:
    """Kills in turn over signals and ways, at moments drawn anew, after those there are; too late is no kill.

    What came of all so far is told after each: a campaign that is itself interrupted has not been for nothing.
    """
    reference = {}
    for ways in ((), ("--devices", "2")):
        reference[ways] = undisturbed(place / f"whole-{len(ways)}", *ways)
    while len(kills) < count:
        ways, number = list(reference)[len(kills) % 2], SIGNALS[len(kills) // 2 % len(SIGNALS)]
        rng = np.random.default_rng([seed, len(kills), late])
        (whole, seconds), stage = reference[ways], int(rng.integers(len(STAGES) - 1))
        folder = place / f"killed-{len(kills)}"
        told = kill(folder, number, STAGES[stage], float(rng.uniform(0, seconds[stage])), *ways)
        told["same weights"] = (folder / "spn.ckpt").exists() and same(weights(folder), whole)
        print(told, flush=True)
        shutil.rmtree(folder)
        late += told["status"] == 0
        kills += [told] * (told["status"] != 0)
        yield summary(kills, late, count)


def summary(kills: list[dict], late: int, count: int) -> dict:
    """What came of all kills. After SIGKILL Python's own watcher of shared memory may have something to say."""
    return {
        "asked for": count,
        "kills": len(kills),
        "too late, not counted": late,
        "resumed to the same weights": sum(told["same weights"] for told in kills),
        "processes left": sum(told["processes left"] for told in kills),
        "most lines of error, but for SIGKILL": max(
            (told["lines"] for told in kills if told["signal"] != "SIGKILL"), default=0
        ),
        "each": kills,
    }


def so_far(path: Path, seed: int) -> dict:
    """What came of a campaign of this seed that is not at its end yet, or nothing."""
    found = json.loads(path.read_text()) if path.exists() else {}
    there = found and found["seed"] == seed and found["figures"]["kills"] < found["figures"]["asked for"]
    return found["figures"] if there else summary([], 0, 0)


def main() -> None:
    """Kill, resume, compare, and write what came of it."""
    made = record.parser(__file__, __doc__)
    made.add_argument("--kills", type=int, default=30, help="how many (default 30; 2 with --small)")
    options = made.parse_args()
    figures = so_far(record.folder(options) / "kills.json", options.seed)
    kills, late = figures["each"], figures["too late, not counted"]
    with tempfile.TemporaryDirectory(prefix="spnkit-kills-") as place:
        for figures in campaign(2 if options.small else options.kills, options.seed, Path(place), kills, late):
            record.write("kills", figures, seed=options.seed, out=record.folder(options))
    if figures["resumed to the same weights"] < figures["kills"] or figures["processes left"]:
        sys.exit("error: not every run was resumed to the same weights, or a process was left")


if __name__ == "__main__":
    main()
