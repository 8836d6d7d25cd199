"""Does one GPU job after the other in a process of its own, and prints each result as a line of JSON.

A kernel that crashes leaves its process without a GPU, and one that hangs cannot be stopped from within: so the
process that asks (`results`) ends the one that works, and starts another for what is left.
"""

from __future__ import annotations

import argparse
import gc
import json
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[3])  # the root, in place of this folder


MARK = "result: "  # begins a line that is one
COMMAND = (sys.executable, "-u", __file__)
START = 45  # seconds a process may take to begin
JOB = 75  # and a job, its kernels compiled
SLOW = {"rival: torch.compile": 150, "rival: Triton, forward": 120}  # compile more
LOST = "the GPU is lost"
NO_TIME = {"absent": "no time left"}


def results(jobs, seed, shrink, deadline):
    """Yield each (kind, name) with its result; what took too long or ended its process has "failed" instead."""
    jobs = list(jobs)
    while jobs:
        if time.monotonic() >= deadline:
            yield from ((job, NO_TIME) for job in jobs)
            return
        worker = _Worker(jobs, seed, shrink)
        try:
            for result in worker.answers(jobs, deadline):
                yield jobs.pop(0), result
        finally:
            worker.end()


class _Worker:
    """The other process, and a thread that listens to it."""

    def __init__(self, jobs, seed, shrink):
        command = [*COMMAND, "--jobs", json.dumps(jobs), "--seed", str(seed), "--shrink", str(shrink)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._last = ""

    def _listen(self):
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def answers(self, jobs, deadline):
        """Results as they come, until one had to be made up or no more can come."""
        more = START
        for _, name in tuple(jobs):
            seconds = min(SLOW.get(name, JOB) + more, max(deadline - time.monotonic(), 1))
            answer = self._next(time.monotonic() + seconds)
            more = 0
            if answer == LOST:
                return
            if answer is not None:
                yield answer
                continue
            ended = self._process.poll() is not None
            why = f"its process ended: {self._last}" if ended else f"took more than {seconds:.0f} s"
            yield {"failed": why[:300]}
            return

    def _next(self, until):
        """The next result; None if the process ends first, or it is too late."""
        while True:
            try:
                line = self._lines.get(timeout=max(until - time.monotonic(), 0.01))
            except queue.Empty:
                return None
            if line is None:
                self._process.wait()
                return None
            if line.startswith(MARK):
                return json.loads(line.removeprefix(MARK))
            self._last = line.strip() or self._last
            print(line, end="", flush=True)

    def end(self):
        """Whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def work(jobs, seed, shrink):
    """Do all jobs; end at once where the GPU is lost."""
    import torch

    from analysis.common.cuda.jobs import JOBS

    for kind, name in jobs:
        torch.manual_seed(seed)
        try:
            result = JOBS[kind](name, shrink)
        except ModuleNotFoundError as error:
            result = {"absent": f"no {error.name}"}
        except Exception as error:  # whatever it is, the other jobs go on
            result = {"failed": f"{type(error).__name__}: {error}"[:300]}
        print(MARK + json.dumps(result), flush=True)
        gc.collect()
        try:
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
        except RuntimeError:  # an error that stays, until the process ends
            print(MARK + json.dumps(LOST), flush=True)
            return


def main(arguments=None):
    """Work through the jobs of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=json.loads)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--shrink", type=int)
    options = parser.parse_args(arguments)
    work(options.jobs, options.seed, options.shrink)


if __name__ == "__main__":
    main()
