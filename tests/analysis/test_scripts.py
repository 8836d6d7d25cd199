"""The scripts behind the reported numbers run, and leave whole results with their provenance."""

import json
import runpy
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("skimage")

ANALYSIS = Path(__file__).parents[2] / "analysis"
SCRIPTS = ["theorem1", "theorem2", "theorem3", "reach", "gradients"]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a script as from the command line, small; return its folder and its result."""

    def run_script(name, *arguments):
        script = ANALYSIS / f"{name}.py"
        monkeypatch.setattr(sys, "argv", [str(script), "--small", "--out", str(tmp_path), *arguments])
        monkeypatch.syspath_prepend(str(ANALYSIS))
        runpy.run_path(str(script), run_name="__main__")
        return tmp_path, json.loads((tmp_path / f"{name}.json").read_text())

    return run_script


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_leaves_its_result(run, name):
    folder, result = run(name, "--seed", "3")
    assert result["command"].startswith(f"python analysis/{name}.py --small")
    assert result["seed"] == 3
    assert {"python", "spnkit", "numpy"} <= set(result["versions"])
    assert result["device"]["cpus"] >= 1
    assert result["figures"]
    pictures = sorted(folder.glob(f"{name}-*.png"))
    assert pictures
    assert sorted(folder.iterdir()) == sorted([*pictures, folder / f"{name}.json"])


def test_the_claims_are_in_the_numbers(run):
    _, theorem1 = run("theorem1")
    _, theorem3 = run("theorem3")
    for numbers in theorem1["figures"].values():
        assert numbers["rational sums not 1"] == 0
        assert numbers["as printed: largest sum"] > 1.1
    price = theorem3["figures"]["random, three-way"]["price of balance"]
    assert price["largest singular value before"] > 1 >= price["largest singular value after"]
    assert price["mean reach after"] < price["mean reach before"]
    assert theorem3["figures"]["extremal"]["p = -1, x alternating: h after 50 steps"] == -99


def test_a_result_is_whole_or_not_there(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ANALYSIS))
    record = __import__("_record")
    with pytest.raises(TypeError, match="cannot write a set into a result file"):
        record.write("broken", {"numbers": {1, 2}}, seed=0, out=tmp_path)
    with pytest.raises(AttributeError):
        record.write("broken", {}, seed=0, out=tmp_path, pictures={"none": None})
    assert list(tmp_path.iterdir()) == []


def test_the_speed_of_the_kernels_is_measured_beside_a_loop(run):
    pytest.importorskip("torch")
    _, result = run("cpu_speed")
    assert result["figures"]["sizes"][0]["torch_loop_over_forward"] > 0
