"""Segmentation of photos of any size, whose classes are not parts of a face."""

import json
import os
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from scenes import make_scenes

from spnkit.data import IGNORE, open_images
from spnkit.tasks import Segmentation, SegmentationOptions
from spnkit.training import Padded, Prepared, RefinementTraining, Run, fit, run_task, score_checkpoint

SCRIPT = Path(__file__).parents[2] / "examples" / "train_segmentation.py"
DATA = Path(os.environ.get("SPNKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))
TINY = {"size": 64, "patch": 32, "width": 0.05, "hidden": 2, "parser_steps": 2, "steps": 4, "parser_batch": 4}
SILENT = Console(quiet=True)


@pytest.fixture(scope="module", autouse=True)
def _one_thread(one_thread):
    """In every test of training."""


@pytest.fixture(scope="module", autouse=True)
def _short_epochs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "STEPS_PER_EPOCH", 2)
        yield


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_scenes(tmp_path_factory.mktemp("scenes") / "photos")


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory):
    """A finished run: its folder, options and scores."""
    out, options = tmp_path_factory.mktemp("runs") / "whole", SegmentationOptions(data=str(photos), **TINY)
    return out, options, run_task(Segmentation(options), out, console=SILENT)


def test_it_ends_as_the_face_run_does(run):
    out, options, scores = run
    left = {path.name for path in out.iterdir()}
    assert left == {
        *("metrics.json", "table.txt", "table.md", "crops.png", "listening.png", "options.json"),
        *("parsers.ckpt", "spn.ckpt"),
    }
    assert list(scores) == ["baseline, upsampled", "SPN", "SPN, blank photo"]
    assert list(scores["SPN"]) == ["accuracy", "mean IoU", "boundary F", "ground", "thing"]
    assert json.loads((out / "metrics.json").read_text())["options"] == options.as_dict()


def test_a_killed_run_resumes_to_the_same_weights(run, tmp_path, monkeypatch):
    out, options, scores = run
    original = RefinementTraining.training_step

    def dies(self, batch, index):
        if self.global_step == 3:
            raise KeyboardInterrupt
        return original(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(RefinementTraining, "training_step", dies)
        with pytest.raises(KeyboardInterrupt):
            run_task(Segmentation(options), tmp_path / "killed", console=SILENT)
    again = run_task(Segmentation(options), tmp_path / "killed", resume=True, console=SILENT)
    assert json.dumps(again) == json.dumps(scores)
    whole, resumed = (torch.load(at / "spn.ckpt", weights_only=True) for at in (out, tmp_path / "killed"))
    assert all(torch.equal(value, resumed["state_dict"][name]) for name, value in whole["state_dict"].items())


def test_a_checkpoint_is_scored_again(run, photos):
    out, _, scores = run
    assert json.dumps(score_checkpoint(Segmentation, out / "spn.ckpt", str(photos), console=SILENT)) == json.dumps(
        scores
    )


def test_the_example_refuses_in_one_line(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for arguments, message in (((), "data: expected a folder of photos"), (("--data", "none"), "no such folder")):
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
        with pytest.raises(SystemExit, match=f"^error: .*{message}[^\n]*$"):
            runpy.run_path(str(SCRIPT), run_name="__main__")
    assert not list(tmp_path.iterdir())


def test_padding_is_unknown_and_repeats_the_border(photos, tmp_path):
    folder = open_images(photos)
    prepared = Prepared(folder, folder.splits["train"], Padded(32, 4), tmp_path)
    for name, (photo, labels) in zip(prepared.names, prepared, strict=True):
        found = folder.load(name)
        height, width = found.labels.shape
        assert all(side >= 32 and side % 4 == 0 for side in labels.shape)
        assert np.array_equal(labels[:height, :width], found.labels)
        assert (labels[height:] == IGNORE).all()
        assert (labels[:, width:] == IGNORE).all()
        assert (photo[height:, :width] == found.image[-1]).all()


def test_photos_of_one_class_teach_nothing(photos, run, tmp_path, monkeypatch):
    root = make_scenes(tmp_path / "photos")
    Image.fromarray(np.zeros((40, 56), np.uint8)).save(root / "labels" / "train0.png")
    options = replace(run[1], data=str(root))
    task = Segmentation(options)
    experiment, folder = Run(task, tmp_path / "run", SILENT), task.open(str(root))
    drawn = []
    monkeypatch.setattr(Run, "fit", lambda _self, _module, samples, *_: drawn.append(samples))
    learned = experiment.prepared(folder, "train")
    experiment.refine(folder.classes, learned, [torch.rand(2, 20, 20)] * 6, factor=4)
    assert drawn[0].members == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("name", "classes"), [("camvid", 11), ("voc2012", 21)])
def test_real_folders(name, classes, tmp_path):
    """A few photos of each: framed, learned from for a step, scored."""
    if not (DATA / name).is_dir():
        pytest.skip(f"no folder {name} in {DATA} (set SPNKIT_DATA)")
    options = SegmentationOptions(data=str(DATA / name), **TINY | {"steps": 1, "parser_steps": 1})
    task = Segmentation(options)
    folder = task.open(options.data)
    assert len(folder.classes) == classes
    folder.splits = {split: names[:4] if split == "train" else names[:1] for split, names in folder.splits.items()}
    task.open = lambda _data: folder
    scores = run_task(task, tmp_path / "run", console=SILENT)
    assert set(folder.classes) <= set(scores["SPN"])
