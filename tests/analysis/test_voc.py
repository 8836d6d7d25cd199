"""The tables of PASCAL VOC, on scenes in place of photographs and two made-up models."""

import importlib
import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from scenes import make_scenes

pytest.importorskip("lightning")
from analysis.common.voc.tally import Tally, count, summary


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A thing of class 6, found by two models too small, and with a place where nobody knows."""
    root = tmp_path_factory.mktemp("data")
    photos = make_scenes(root / "voc2012")
    (root / "voc2012_coarse").mkdir()
    for model, share in (("deeplab_mnv2_257", 0.8), ("other", 0.6)):
        found = {}
        for label in sorted((photos / "labels").iterdir()):
            thing = (np.asarray(Image.open(label)) == 1).astype(np.float32)[::4, ::4]
            found[label.stem] = np.stack([1 - share * thing, share * thing])
        np.savez(root / "voc2012_coarse" / f"{model}.npz", **found)
    return root


def test_the_tables_are_filled_and_not_filled_again(data, tmp_path, monkeypatch):
    pytest.importorskip("pydensecrf")
    tables = importlib.import_module("analysis.voc.tables")
    monkeypatch.setattr(tables, "CHOICES", tables.CHOICES[:1])
    arguments = [
        "--small",
        "--data",
        str(data),
        "--runs",
        str(tmp_path / "runs"),
        "--out",
        str(tmp_path),
        "--split",
        "test",
    ]
    monkeypatch.setattr(sys, "argv", [tables.__file__, *arguments])
    tables.main()
    kept = sorted(path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.npz"))
    found = json.loads((tmp_path / "tables.json").read_text())["figures"]
    assert set(found["sources"]) == {"deeplab_mnv2_257", "other"}
    rows = found["sources"]["other"]
    assert set(rows) == {
        *("coarse", "dense CRF", "SPN, three-way, then dense CRF", "dense CRF, tuned for this model"),
        *("SPN, three-way", "SPN, one-way", "plain convolutions", "SPN, three-way, blank photo"),
        "refiner without classes, as it ships",
    }
    assert rows["coarse"]["gain"] == 0
    assert len(rows["SPN, one-way"]["mean IoU by seed"]) == 2
    assert str(tmp_path) not in json.dumps(found)
    tables.main()
    assert kept == sorted(path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.npz"))


def test_what_a_refinement_could_put_right_is_told_from_what_it_could_not():
    """Beside the void band and of a class that is on the map; not far from it, not of another class."""
    truth = np.zeros((1, 60), np.uint8)
    truth[:, 6:10], truth[:, 10:30], truth[:, 50:] = 255, 6, 7
    coarse = torch.zeros(8, 1, 60)
    coarse[0], coarse[6, :, 20:25] = 0.5, 0.6
    right = torch.nn.functional.one_hot(torch.from_numpy(truth % 255).long(), 8).permute(2, 0, 1).float()
    pixels, band, reachable, changed = count(right, coarse, truth)
    assert reachable == 15  # of 20 true ones 5 were found; class 7 is not on the map
    assert changed == [15, 15]
    assert np.trace(pixels[0]) == 46  # of 56 known; restricted, class 7 cannot be said
    assert np.trace(pixels[1]) == 56
    assert band[0].sum() == 6 + 12
    tally = Tally.joined([(pixels, band, reachable, changed)])
    assert tally.scores("free")["overall AC"] == 100
    found = summary({"coarse": [Tally.joined([count(coarse, coarse, truth)])], "right": [tally]}, seed=0)
    assert found["right"]["share of the reachable error"] == 1
    assert found["right"]["gain"] > 0
