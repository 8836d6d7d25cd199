"""examples/train_helen.py, called as from the command line."""

import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "train_helen.py"
TINY = (
    *("--size", "64", "--patch", "32", "--width", "0.05", "--hidden", "2", "--made", "6"),
    *("--parser-batch", "4", "--batch", "2", "--parser-steps", "2"),
)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the script in an empty folder; returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(call):
    """Run the script; returns the one line in which it refuses."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            call(*arguments)
        message = ended.value.code
        assert message.startswith("error: ")
        assert "\n" not in message
        return message

    return run


def test_a_run_without_a_folder_takes_the_next_free_one_and_can_be_scored_again(call, tmp_path):
    for folder in ("helen", "helen-2"):
        assert "SPN, blank photo" in call(*TINY, "--steps", 2)
        assert (tmp_path / "runs" / folder / "table.txt").is_file()
    again = call("--evaluate", "runs/helen/spn.ckpt", "--data", "runs/helen/faces")
    assert (tmp_path / "runs" / "helen" / "table.txt").read_text().split() == again.split()


def test_failures_are_one_line(refused, faces):
    assert "missing" in refused("--data", "missing", "--out", "run")
    assert not Path("run").exists()
    assert "evaluate: needs --data" in refused("--evaluate", "x.ckpt")
    assert "x.ckpt: no such checkpoint" in refused("--evaluate", "x.ckpt", "--data", faces.root)
    assert "steps: expected at least 1" in refused("--steps", 0)
    assert "no run to resume" in refused("--out", "none", "--resume")
    assert "people: expected a regular expression" in refused("--people", "(")


def test_a_bad_test_face_is_named_before_training(refused, tmp_path, faces):
    """A truncated photo, then labels of another size, in the split that is read last."""
    broken = tmp_path / "faces"
    shutil.copytree(faces.root, broken)
    photo = broken / "images" / f"{faces.splits['test'][-1]}.jpg"
    whole = photo.read_bytes()
    photo.write_bytes(whole[: len(whole) // 2])
    assert photo.name in refused(*TINY, "--data", broken, "--out", "one")
    photo.write_bytes(whole)
    for mask in (broken / "labels" / photo.stem).iterdir():
        Image.fromarray(np.zeros((9, 7), np.uint8)).save(mask)
    assert photo.stem in refused(*TINY, "--data", broken, "--out", "two")
    assert not list(tmp_path.glob("*/*.ckpt"))


@pytest.mark.slow
def test_ctrl_c_and_resume(tmp_path, call):
    arguments = (*TINY, "--out", "run", "--steps", "200")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run as a background job, SIGINT is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 200
    while not Path("run/spn.ckpt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 1
    assert err == "interrupted; --resume --out run goes on from the last checkpoint\n"
    assert not list(Path("run").glob(".*"))
    printed = call("--out", "run", "--resume")  # as it was begun
    assert "step 200 of 200" in printed
    assert "spn: step 25 of 200" not in printed
