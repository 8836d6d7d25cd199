"""Run what needs a GPU in a given time, unattended: parts in order of importance, each with a limit of its own.

No part stops the next. What each prints is also in FOLDER/NAME.log, from the first line on, and a line for each
comes last and into FOLDER/summary.txt. Only the standard library is needed to begin.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 12.0
LEAST = 15  # seconds: with less left, a part is not begun
GRACE = 20  # seconds of a script to load its libraries, and to draw
PYTEST = ("-m", "pytest", "-p", "no:cacheprovider", "-v", "--tb=short")
WORKERS = ("-n", "auto", "--maxprocesses", "8", "--dist", "worksteal")


@dataclass(frozen=True)
class Step:
    """A command, at most so many seconds of it, and at most this share of what time is left."""

    name: str
    command: tuple[str, ...]
    seconds: float
    share: float
    script: bool = False  # of the analysis: it is told its time and its folder


def python(*arguments):
    """With the interpreter that runs this."""
    return (sys.executable, *arguments)


def sanitizer(tool):
    """The smallest tests under a tool of compute-sanitizer."""
    command = ("compute-sanitizer", "--tool", tool, "--error-exitcode", "9")
    return (*command, *python(*PYTEST, "-m", "sanitize", "tests/cuda"))


PARTS = {
    "benchmark": (Step("benchmark", python("analysis/cuda/benchmark.py"), 330, 0.6, True),),
    "profiler": (Step("profiler", python("analysis/cuda/profiling.py"), 120, 0.6, True),),
    "tests": (Step("tests", python(*PYTEST, *WORKERS, "-m", "gpu", "tests/cuda"), 240, 0.7),),
    "sanitizer": (
        Step("compiled", python(*PYTEST, "-m", "sanitize", "tests/cuda"), 120, 0.4),
        Step("memcheck", sanitizer("memcheck"), 240, 0.6),
        Step("racecheck", sanitizer("racecheck"), 240, 1.0),
    ),
}


def limit(step, left, last):
    """Seconds for a step of those that are left; the last one may take them all."""
    return min(step.seconds, left) if last else min(step.seconds, step.share * left)


def planned(parts):
    """The steps of these parts, in the order of PARTS."""
    return [step for part, steps in PARTS.items() if part in parts for step in steps]


def command_of(step, seconds, out):
    """What is run; a script of the analysis ends by itself a little before it would be ended."""
    if not step.script:
        return list(step.command)
    given = max(seconds - GRACE, 1) / 60
    return [*step.command, "--minutes", f"{given:.3f}", *(("--out", str(out)) if out else ())]


def done(command, seconds, log):
    """Run a command for so long at most, its output in a file and on the screen; say how it ended."""
    try:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment(),
            start_new_session=True,
        )
    except OSError as error:
        return f"failed ({error.strerror}: {command[0]})"
    stopped = threading.Event()

    def stop():
        stopped.set()
        os.killpg(process.pid, signal.SIGKILL)  # and all that it has started

    timer = threading.Timer(seconds, stop)
    timer.start()
    with log.open("wb") as file:
        for line in process.stdout:
            for target in (file, sys.stdout.buffer):
                target.write(line)
                target.flush()
    status = process.wait()
    timer.cancel()
    return f"stopped after {seconds:.0f} s" if stopped.is_set() else "passed" if status == 0 else f"failed ({status})"


def environment():
    """Of every part: the sources of this tree, and other libraries that leave memory to the rest."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    tools = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/cuda/bin"])  # ncu, compute-sanitizer
    return os.environ | {
        "PATH": tools,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }


def run(steps, seconds, logs, out=None):
    """Run the steps in so many seconds; yield a line for each as it ends."""
    logs.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds
    for step in steps:
        left = end - time.monotonic()
        allowed = limit(step, left, step is steps[-1])
        if allowed < LEAST:
            yield f"{step.name}: not begun, {max(left, 0):.0f} s left"
            continue
        command = command_of(step, allowed, out)
        print(f"+ {' '.join(command)}  # at most {allowed:.0f} s", flush=True)
        yield f"{step.name}: {done(command, allowed, logs / f'{step.name}.log')}"


def main():
    """Run what was asked for; the exit status says whether all of it passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument(
        "--minutes", type=float, default=float(os.environ.get("MINUTES", MINUTES)), help="for all of it"
    )
    parser.add_argument("--out", type=Path, help="for results and logs (default analysis/cuda/results, build/on_a_gpu)")
    options = parser.parse_args()
    logs, lines = options.out or ROOT / "build" / "on_a_gpu", []
    out = options.out.resolve() if options.out else None
    for line in run(planned(options.parts or PARTS), 60 * options.minutes, logs, out):
        lines.append(line)
        (logs / "summary.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    sys.exit(not all(line.endswith("passed") for line in lines))


if __name__ == "__main__":
    main()
