"""The task that trains a refiner without classes."""

import numpy as np
import pytest
import torch
from rich.console import Console

from spnkit.data.scenes import make_scenes
from spnkit.nn import mask_refiner
from spnkit.tasks import Refinement, RefinementOptions
from spnkit.tasks.refinement import ROW, WEIGHTS, odds_of
from spnkit.training import StoredMaps, coarsened, fit, run_task
from spnkit.training.coarsened import MOST, Coarsened, renumbered

TINY = {"made": 6, "scene": 48, "patch": 24, "batch": 2, "steps": 4}
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def short_epochs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "STEPS_PER_EPOCH", 2)
        yield


@pytest.fixture(scope="module")
def run(short_epochs, tmp_path_factory):
    """A finished run on scenes that it made up, and its scores."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return out, run_task(Refinement(RefinementOptions(**TINY)), out, console=QUIET)


def test_a_run_leaves_weights_a_curve_a_table_and_pictures(run):
    out, scores = run
    assert list(scores) == ["coarse map", ROW]
    assert {"mean IoU", "boundary F"} < set(scores[ROW])
    for name in (WEIGHTS, "curve.png", "crops.png", "table.txt", "metrics.json", "spn.ckpt"):
        assert (out / name).stat().st_size > 0
    assert not (out / "listening.png").exists()  # there is no SPN in it
    steps = [step for step, _ in torch.load(out / "spn.ckpt", weights_only=True)["curve"]]
    assert steps == [2, 4]
    photo, coarse = torch.rand(1, 3, 20, 30), torch.rand(1, 7, 20, 30).softmax(1)
    assert mask_refiner(out / WEIGHTS)(photo, coarse).shape == coarse.shape


def test_a_run_that_was_stopped_ends_in_the_same_weights(run, tmp_path, monkeypatch):
    whole, _ = run
    task = Refinement(RefinementOptions(**TINY))
    with monkeypatch.context() as patch:
        patch.setattr(fit.ModelCheckpoint, "on_train_epoch_end", _after(fit.ModelCheckpoint.on_train_epoch_end))
        with pytest.raises(KeyboardInterrupt):
            run_task(task, tmp_path / "run", console=QUIET)
    assert not (tmp_path / "run" / WEIGHTS).exists()
    run_task(task, tmp_path / "run", resume=True, console=QUIET)
    found, expected = (torch.load(out / "spn.ckpt", weights_only=True) for out in (tmp_path / "run", whole))
    assert found["curve"] == expected["curve"]
    for name, value in expected["state_dict"].items():
        assert torch.equal(found["state_dict"][name], value), name


def _after(hook):
    """A hook after which somebody presses Ctrl-C."""

    def both(*arguments, **named):
        hook(*arguments, **named)
        raise KeyboardInterrupt

    return both


@pytest.fixture(scope="module")
def patches(tmp_path_factory):
    """Patches of scenes."""
    folder = make_scenes(tmp_path_factory.mktemp("data") / "scenes", train=4, val=1, test=1, size=64)
    photos = [(found.image, found.labels) for found in map(folder.load, folder.splits["train"])]
    return Coarsened(photos, folder.classes, 0, size=32)


def test_patches_are_a_function_of_epoch_and_index(patches):
    one, again, other = patches[0, 3], patches[0, 3], patches[1, 3]
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["image"], other["image"])


def test_patches_have_what_the_network_takes(patches):
    for index in range(12):
        found = patches[0, index]
        assert found["image"].shape == (3, 32, 32)
        assert found["coarse"].shape == (MOST, 32, 32)
        assert found["coarse"].dtype == found["image"].dtype == torch.float32
        total = found["coarse"].sum(0)
        assert torch.all(torch.isclose(total, torch.ones(())) | (total == 0))
        assert set(np.unique(found["labels"])) <= {*range(MOST), 255}


def stored_maps(folder, path):
    """What another model might have left of each photo: its labels upside down, at half the size."""
    maps = {}
    for name in (name for names in folder.splits.values() for name in names):
        labels = folder.load(name).labels[::-2, ::2]
        maps[name] = (np.arange(len(folder.classes))[:, None, None] == labels).astype(np.float32)
    np.savez(path, **maps)
    return path


def test_half_of_the_patches_have_the_map_that_another_model_made(tmp_path, monkeypatch):
    folder = make_scenes(tmp_path / "scenes", train=2, val=1, test=1, size=64)
    maps = StoredMaps(stored_maps(folder, tmp_path / "maps.npz"), len(folder.classes))
    names = folder.splits["train"]
    photos = [(folder.load(name).image, folder.load(name).labels) for name in names]
    stored = [maps.on(folder, name, photo) for name, (photo, _) in zip(names, photos, strict=True)]
    monkeypatch.setattr(coarsened, "FORGOTTEN", 0)
    monkeypatch.setattr(coarsened, "SCALES", (1.0,))
    patches = Coarsened(photos, folder.classes, 0, size=64, stored=stored)
    upside_down = 0
    for index in range(20):
        found = patches[0, index]
        likeliest, labels = found["coarse"].argmax(0), found["labels"]
        turned = max((likeliest == other).float().mean() for other in (labels.flip(0), labels.flip(1)))
        upside_down += bool(turned > 0.9)
    assert 4 <= upside_down <= 16  # photo, labels and map were turned alike


def test_maps_get_other_numbers_and_add_up_to_one():
    shares = np.array([0.2, 0.3, 0.1, 0.4], np.float32)[:, None, None]
    found = renumbered(shares, np.array([1, 255, 0, 1, 255], np.uint8))[:, 0, 0]
    np.testing.assert_allclose(found, [1 / 7, 6 / 7, 0, 0, 0], rtol=1e-6)


def test_a_refiner_learns_from_the_maps_of_a_model_and_is_scored_on_them(short_epochs, tmp_path):
    folder = make_scenes(tmp_path / "own", train=3, val=1, test=2, size=40)
    maps = stored_maps(folder, tmp_path / "maps.npz")
    options = RefinementOptions(**TINY | {"data": str(tmp_path / "own"), "maps": str(maps), "steps": 2})
    scores = run_task(Refinement(options), tmp_path / "run", console=QUIET)
    assert scores["coarse map"]["mean IoU"] < 60  # they are upside down


def test_maps_of_made_up_scenes_there_are_none(tmp_path):
    with pytest.raises(ValueError, match="maps: made-up scenes have none"):
        RefinementOptions(maps=str(tmp_path / "maps.npz"))
    with pytest.raises(FileNotFoundError, match=r"maps\.npz"):
        RefinementOptions(maps=str(tmp_path / "maps.npz"), data="photos")


def test_a_folder_of_any_classes_will_do(short_epochs, tmp_path):
    """Its names need not be parts of a face, and void stays out."""
    make_scenes(tmp_path / "own", train=3, val=1, test=2, size=40)
    lines = "".join(f"{i} {name}\n" for i, name in enumerate(("sky", "barn", "cow", "pond", "road", "hay")))
    (tmp_path / "own" / "classes.txt").write_text(lines)
    options = RefinementOptions(**TINY | {"data": str(tmp_path / "own"), "steps": 2})
    scores = run_task(Refinement(options), tmp_path / "run", console=QUIET)
    assert {"sky", "hay"} < set(scores[ROW])


def test_odds_are_said_by_kind():
    assert odds_of("") == {}
    assert odds_of("exact=0, drawn=2") == {"exact": 0, "drawn": 2}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("averaged", "expected KIND=ODDS, got 'averaged'"),
        ("averaged=much", "expected KIND=ODDS, got 'averaged=much'"),
        ("sketched=1", "no kind 'sketched'; there are averaged, exact, drawn, predicted, shifted"),
        ("exact=-1", "expected numbers from 0 on"),
        ("exact=nan", "expected numbers from 0 on"),
        ("averaged=0,exact=0,drawn=0,predicted=0,shifted=0", "some kind must be left"),
    ],
)
def test_odds_that_say_nothing_are_refused(text, told):
    with pytest.raises(ValueError, match=told):
        RefinementOptions(odds=text)
