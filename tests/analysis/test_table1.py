"""The face experiment, so small that it learns nothing: what is done is kept, and the numbers are whole."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning")
pytest.importorskip("cv2")

FACES = Path(__file__).parents[2] / "analysis/faces"
USED, SHIFTED = "the baseline it was trained on", "the baseline's map, shifted"


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Run the script small; returns its result."""

    def run(*arguments, script="table1", result="made-up"):
        common = ["--small", "--out", str(tmp_path), "--runs", str(tmp_path / "runs")]
        monkeypatch.setattr(sys, "argv", [str(FACES / f"{script}.py"), *common, *arguments])
        runpy.run_path(str(FACES / f"{script}.py"), run_name="__main__")
        return json.loads((tmp_path / f"{result}.json").read_text())["figures"]

    return run


@pytest.mark.usefixtures("one_thread")
def test_rows_are_added_and_nothing_is_done_twice(call, tmp_path):
    arguments = ("--set", "units=1", "--split", "test", "--seeds", "1", "--groups", "headline", "--methods")
    arguments += ("--one-way", "restraint=1.0", "--sources", USED)
    first = call(*arguments)["sources"][USED]["rows"]
    assert list(first) == ["baseline CNN", "SPN, three-way", "SPN, one-way", "plain convolutions"]
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.npz")}
    second = call(*arguments, SHIFTED)
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert list(second["sources"]) == [USED, SHIFTED]
    assert second["sources"][USED]["rows"] == first
    assert second["changes"]["SPN, one-way"] == {"restraint": 1.0, "connection": "one_way"}
    assert second["options"]["units"] == 1
    times = json.loads((tmp_path / "made-up-times.json").read_text())["figures"]["milliseconds"]
    assert list(times) == list(second["sources"][USED]["rows"])

    with pytest.raises(ValueError, match=r"restraint: the run in .*spn-one-way-0\.ckpt has 1\.0, got 0\.5"):
        call(*arguments, "--one-way", "restraint=0.5")
    fewer = call(*arguments, "--without", "plain convolutions")["sources"][USED]["rows"]
    assert list(fewer) == ["baseline CNN", "SPN, three-way", "SPN, one-way"]
    clipped = call("made-up", script="clipping", result="clipping")["made-up"]
    assert list(clipped) == ["SPN, three-way", "SPN, one-way"]
    assert all(0 <= of["share clipped"] <= 1 and of["median sum"] > 0 for of in clipped.values())
    maps = call("made-up", script="coarse_maps", result="coarse-maps")["made-up"]
    on_val = call("--set", "units=1", "--groups", "--methods", "--sources", USED, result="made-up-val")
    assert [maps["val"]] == on_val["sources"][USED]["rows"]["baseline CNN"]["overall by seed"]
    assert 0 < maps["train"] < 100


def test_what_is_chosen_from_is_never_scored_on_test(call, capsys):
    with pytest.raises(SystemExit):
        call("--split", "test", "--groups", "headline", "trials")
    assert "--groups trials: what is chosen from is scored on val, got --split test" in capsys.readouterr().err


def test_every_row_is_a_network_of_its_own():
    from analysis.common.faces.rows import ROWS
    from analysis.faces.table1 import slug
    from spnkit.training import Options

    options = {row: Options(**change) for row, change in ROWS.items()}
    assert len(set(options.values())) == len({slug(row) for row in ROWS}) == len(ROWS)


def test_the_truth_at_low_resolution_is_the_truth_where_nothing_changes():
    from types import SimpleNamespace

    from analysis.common.faces.sources import SOURCES, TRUTH

    labels = np.zeros((16, 16), np.uint8)
    labels[:, 8:], labels[0, 0] = 1, 255
    experiment = SimpleNamespace(options=SimpleNamespace(factor=8), classes=("background", "nose"))
    (found,) = SOURCES[TRUTH](experiment, [(None, labels)])
    assert np.array_equal(found.argmax(0), labels == 1)
    assert found.sum(0).numpy() == pytest.approx(np.ones((16, 16)))


def test_the_interval_is_of_the_same_score():
    from analysis.common.faces.tally import Tally, pooled, resampled

    classes, rng = ("background", "nose", "mouth", "hair"), np.random.default_rng(0)
    tally = Tally(rng.integers(1, 50, (5, 4, 4)), np.ones((5, 4, 4), int))
    found, sizes = pooled(tally.pixels, classes)
    assert 200 * found.sum() / sizes.sum() == pytest.approx(tally.scores(classes)["overall"])
    samples = resampled([tally, tally], classes, 0, range(len(tally.pixels)))
    assert samples.min() < tally.scores(classes)["overall"] < samples.max()
    assert np.array_equal(samples, resampled([tally], classes, 0, range(len(tally.pixels))))


def test_photos_of_one_person_are_drawn_together():
    from analysis.common.faces.tally import Tally, resampled

    classes, rng = ("background", "nose", "mouth", "hair"), np.random.default_rng(0)
    pixels = rng.integers(1, 50, (3, 4, 4))
    once = Tally(pixels, np.ones((3, 4, 4), int))
    twice = Tally(pixels.repeat(2, axis=0), np.ones((6, 4, 4), int))
    people = [0, 0, 1, 1, 2, 2]
    assert np.array_equal(resampled([twice], classes, 0, people), resampled([once], classes, 0, range(3)))


@pytest.mark.parametrize("name", ["guided filter", "domain transform", "dense CRF"])
def test_what_needs_no_training_leaves_a_constant_map_alone(name):
    from analysis.common.faces.classical import METHODS

    if name == "dense CRF":
        pytest.importorskip("pydensecrf")
    photo = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    coarse = np.full((4, 16, 16), 1 / 4, np.float32)
    method, choices = METHODS[name]
    assert method(photo, coarse, **choices[0]) == pytest.approx(coarse, abs=1e-3)
