"""Kill a small training run at random moments and resume it: it ends in the weights of a run that nobody killed.

SIGKILL, SIGTERM and SIGINT, to the run alone as `kill` sends them, each with one process and with two that train
together. After a kill no process may be left; after the resume every weight must be the same to the last bit.

    python analysis/kills.py            # 30 kills
    python analysis/kills.py --small    # 2
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _record
import numpy as np
import torch

SCRIPT = _record.ROOT / "examples" / "train_helen.py"
TINY = (
    *("--size", "64", "--patch", "32", "--width", "0.05", "--hidden", "2", "--made", "6"),
    *("--parser-batch", "4", "--batch", "2", "--parser-steps", "50", "--steps", "50"),
)
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
PATIENCE = 20
"""Seconds that processes may take to end."""


def begin(folder: Path, *arguments: str) -> subprocess.Popen:
    """A run, or what goes on with one, in a process group of its own."""
    path = os.pathsep.join([str(_record.ROOT), os.environ.get("PYTHONPATH", "")])
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


def undisturbed(folder: Path, *ways: str) -> tuple[dict[str, torch.Tensor], float]:
    """The weights of a run that nobody kills, and the seconds from its first file to its end."""
    process = begin(folder, *TINY, *ways)
    began = wait_for_first_file(process, folder)
    if err := ended(process):
        raise RuntimeError(err)
    return weights(folder), time.monotonic() - began


def wait_for_first_file(process: subprocess.Popen, folder: Path) -> float:
    """When a run wrote that it has begun; imports are over then."""
    while not (folder / "options.json").exists() and process.poll() is None:
        time.sleep(0.02)
    return time.monotonic()


def kill(folder: Path, number: signal.Signals, after: float, *ways: str) -> dict:
    """Kill a run some seconds after its first file, and resume it; how both ended."""
    process = begin(folder, *TINY, *ways)
    wait_for_first_file(process, folder)
    time.sleep(after)
    reached = sorted(path.name for path in folder.glob("*.ckpt"))
    process.send_signal(number)
    said = ended(process)
    told = {"signal": number.name, "ways": " ".join(ways), "after": round(after, 1), "reached": reached}
    told |= {"status": process.returncode, "lines": said.count("\n"), "processes left": left(process.pid)}
    if (folder / "table.txt").exists():
        return told | {"resumed": "it had ended"}
    again = begin(folder, "--resume")
    err = ended(again)
    return told | {"resumed": f"status {again.returncode}" + (f": {err.splitlines()[-1]}" if err else "")}


def campaign(count: int, seed: int, place: Path) -> dict:
    """Kills in turn over signals and ways, at moments drawn anew."""
    rng, kills, reference = np.random.default_rng(seed), [], {}
    for ways in ((), ("--devices", "2")):
        reference[ways] = undisturbed(place / f"whole-{len(ways)}", *ways)
    for index in range(count):
        ways = list(reference)[index % 2]
        whole, seconds = reference[ways]
        folder = place / f"killed-{index}"
        number = SIGNALS[index // 2 % len(SIGNALS)]
        told = kill(folder, number, float(rng.uniform(0, seconds)), *ways)
        told["same weights"] = (folder / "spn.ckpt").exists() and same(weights(folder), whole)
        print(told, flush=True)
        kills.append(told)
        shutil.rmtree(folder)
    return {
        "kills": len(kills),
        "resumed to the same weights": sum(told["same weights"] for told in kills),
        "processes left": sum(told["processes left"] for told in kills),
        "most lines of error": max(told["lines"] for told in kills),
        "each": kills,
    }


def main() -> None:
    """Kill, resume, compare, and write what came of it."""
    options = _record.parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="spnkit-kills-") as place:
        figures = campaign(2 if options.small else 30, options.seed, Path(place))
    _record.write("kills", figures, seed=options.seed, out=_record.folder(options))
    if figures["resumed to the same weights"] < figures["kills"] or figures["processes left"]:
        sys.exit("error: not every run was resumed to the same weights, or a process was left")


if __name__ == "__main__":
    main()
