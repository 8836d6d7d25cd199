"""Errors of other processes are those of this one, and none outlives the run."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import lightning
import numpy as np
import pytest
from rich.console import Console

from spnkit.training import Experiment
from spnkit.training.modules import ParserTraining
from spnkit.training.together import lost_workers

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "train_helen.py"
TINY = (
    *("--size", "64", "--patch", "32", "--width", "0.05", "--hidden", "2", "--made", "6"),
    *("--parser-batch", "4", "--batch", "2"),
)
ALIVE = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux who is alive")


@pytest.fixture
def refine(tiny, faces, tmp_path):
    """Train what refines the maps of parsers before training; the first face may be spoiled."""

    def run(spoiled, **change):
        run = Experiment(replace(tiny, **change), tmp_path, Console(quiet=True))
        data = run.aligned(faces, "train")
        if spoiled:
            for path in data.paths:
                np.save(path, np.zeros((64, 64, 4), np.uint8))
        lightning.seed_everything(0, verbose=False)
        return run.refinement(ParserTraining(faces.classes, run.options), data)

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    # `test_a_loss_that_is_no_number_is_one_line_with_two_devices` has an error of these processes.
    [{"workers": 1}, pytest.param({"devices": 2}, marks=pytest.mark.campaign)],
    ids=str,
)
def test_a_bad_face_is_one_line_whoever_reads_it(refine, capfd, change):
    with pytest.raises(ValueError, match=r"^training photo train_\d+: labels: no window .* more than one class$"):
        refine(spoiled=True, **change)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_a_loss_that_is_no_number_is_one_line_with_two_devices(refine, capfd):
    with pytest.raises(ValueError, match=r"^spn: the loss is (nan|inf) at step \d+; a lower rate may help$"):
        refine(spoiled=False, devices=2, parsing=1e38)
    assert "Traceback" not in capfd.readouterr().err


def descendants(pid):
    """All processes below one, as Linux tells."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(child) for child in children] + [one for child in children for one in descendants(child)]


def spawned(pids):
    """Those that train or prepare samples."""
    return [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def alive(pids):
    """Those that still do something."""
    states = [(pid, Path(f"/proc/{pid}/stat")) for pid in pids]
    return [pid for pid, path in states if path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z"]


def gone(pids):
    """Whether all have ended, after a while."""
    deadline = time.monotonic() + 30
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not alive(pids)


@pytest.fixture
def begin(tmp_path):
    """Begin a run; what is left of it when the test ends is killed."""
    begun = []

    def begin(*arguments, ignored=False):
        begun.append(begun_run(tmp_path, *arguments, ignored=ignored))
        return begun[-1]

    yield begin
    for process, others in begun:
        process.kill()
        for pid in alive(others):
            os.kill(pid, signal.SIGKILL)


def begun_run(folder, *arguments, ignored):
    """A run in a process of its own that has written its first checkpoint, and all processes that it consists of."""
    command = [sys.executable, str(SCRIPT), *TINY, "--parser-steps", "4000", "--out", "run", *arguments]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A script that starts a job in its background has it ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL),
    )
    deadline = time.monotonic() + 200
    while not (folder / "run/parsers.ckpt").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return process, descendants(process.pid)


@ALIVE
@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "ignored", "ways"),
    [
        # `test_ctrl_c_and_resume` has this signal, and the next one these processes.
        pytest.param(signal.SIGINT, False, ("--devices", "2"), marks=pytest.mark.campaign),
        (signal.SIGTERM, True, ("--devices", "2")),
        (signal.SIGKILL, True, ("--devices", "2")),
        # `test_a_process_that_was_killed_is_told_in_one_line` has these.
        pytest.param(signal.SIGTERM, True, ("--workers", "1"), marks=pytest.mark.campaign),
    ],
    ids=["SIGINT", "SIGTERM in the background", "SIGKILL", "with a worker"],
)
def test_no_process_outlives_the_run(begin, number, ignored, ways):
    """The signal is sent to the run alone, as `kill` does."""
    process, others = begin(*ways, ignored=ignored)
    assert spawned(others)
    process.send_signal(number)
    _, err = process.communicate(timeout=100)
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 1
        assert err == "interrupted; --resume --out run goes on from the last checkpoint\n"
    assert gone(others)


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError(104, "Connection reset by peer"), EOFError(), RuntimeError("DataLoader worker (pid 7)")],
)
def test_a_worker_that_ends_is_told_as_such_whatever_it_was_doing(error):
    with pytest.raises(ChildProcessError, match=r"^workers: "), lost_workers():
        raise error


@ALIVE
@pytest.mark.slow
@pytest.mark.parametrize(("ways", "who"), [(("--devices", "2"), "devices"), (("--workers", "1"), "workers")])
def test_a_process_that_was_killed_is_told_in_one_line(begin, ways, who):
    process, others = begin(*ways)
    os.kill(spawned(others)[-1], signal.SIGKILL)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 1
    assert err.startswith(f"error: {who}: ")
    assert err.count("\n") == 1
    assert gone(others)


@pytest.mark.slow
def test_a_folder_that_the_terminal_cannot_write(tmp_path):
    """Japanese, and an output of western characters."""
    folder = tmp_path / "実験"
    folder.mkdir()
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), *TINY, "--parser-steps", "1", "--steps", "1", "--out", folder / "走る"],
        env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "cp1252", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    assert b"All results are in" in ended.stdout
    assert (folder / "走る" / "table.txt").exists()
