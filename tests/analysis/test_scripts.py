"""The scripts behind the reported numbers run, and leave whole results with their provenance."""

import ast
import json
import runpy
import sys
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("skimage")

ANALYSIS = Path(__file__).parents[2] / "analysis"
THEORY = ["theorem1", "theorem2", "theorem3", "reach", "gradients", "look"]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a script as from the command line, small; return its folder and its result."""

    def run_script(name, *arguments):
        script = ANALYSIS / f"{name}.py"
        monkeypatch.setattr(sys, "argv", [str(script), "--small", "--out", str(tmp_path), *arguments])
        runpy.run_path(str(script), run_name="__main__")
        (found,) = tmp_path.glob(f"{script.stem}*.json")
        return tmp_path, json.loads(found.read_text())

    return run_script


@pytest.mark.parametrize("path", sorted(ANALYSIS.rglob("*.py")), ids=lambda path: str(path.relative_to(ANALYSIS)))
def test_what_is_imported_of_ours_is_there(path):
    """Many scripts take too long to be run here, and would not notice that something has moved."""
    for name in ("torch", "lightning"):
        pytest.importorskip(name)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "spnkit":
            module = import_module(node.module)
            for each in node.names:
                assert hasattr(module, each.name) or import_module(f"{node.module}.{each.name}")


@pytest.mark.parametrize("name", THEORY)
def test_a_script_leaves_its_result(run, name):
    folder, result = run(f"theory/{name}", "--seed", "3")
    assert result["command"].startswith(f"python analysis/theory/{name}.py --small")
    assert result["seed"] == 3
    assert {"python", "spnkit", "numpy"} <= set(result["versions"])
    assert result["device"]["cpus"] >= 1
    assert result["figures"]
    pictures = sorted(folder.glob(f"{name}-*.png"))
    assert pictures
    assert sorted(folder.iterdir()) == sorted([*pictures, folder / f"{name}.json"])


def test_the_claims_are_in_the_numbers(run):
    _, theorem1 = run("theory/theorem1")
    _, theorem3 = run("theory/theorem3")
    for numbers in theorem1["figures"].values():
        assert numbers["rational sums not 1"] == 0
        assert numbers["as printed: largest sum"] > 1.1
    price = theorem3["figures"]["random, three-way"]["price of balance"]
    assert price["largest singular value before"] > 1 >= price["largest singular value after"]
    assert price["mean reach after"] < price["mean reach before"]
    assert theorem3["figures"]["extremal"]["p = -1, x alternating: h after 50 steps"] == -99


def test_the_share_of_the_host_is_timed_without_a_gpu(run):
    pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")
    _, host = run("cuda/host")
    launches = {name: figures["launches"] for name, figures in host["figures"].items()}
    assert launches == {"one launch": 1, "two launches": 2, "tracked": 2, "tracked, and back": 3}
    assert all(figures["us"] > 0 for figures in host["figures"].values())


def test_cold_starts_and_busy_neighbours_are_timed(run, tmp_path):
    _, cold = run("cpu/cold")
    assert cold["figures"]["every kind of forward call"]["calls"] == 2
    assert list(cold["figures"]["README"]) == ["layer"]
    (tmp_path / "cold.json").unlink()
    _, neighbour = run("cpu/neighbour")
    assert set(neighbour["figures"]) == {"forward, 32 x 16 x 16", "both, 32 x 16 x 16"}


def test_damaged_files_are_named(run):
    """A tenth of the campaign."""
    pytest.importorskip("lightning")
    _, result = run("robustness/damaged_files")
    assert result["figures"]["damages"] == 20
    assert set(result["figures"]["outcomes"]) <= {"named", "as it was"}


@pytest.mark.slow
@pytest.mark.campaign  # of `test_a_killed_run_resumes_to_the_same_weights` and `test_no_process_outlives_the_run`
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux who is alive")
def test_killed_runs_are_resumed_to_the_same_weights(run):
    """One with one process, one with two."""
    pytest.importorskip("lightning")
    _, result = run("robustness/kills")
    assert result["figures"]["kills"] == result["figures"]["resumed to the same weights"] == 2
    assert result["figures"]["processes left"] == 0


def test_the_refiner_is_trained(run, tmp_path):
    """Weights that come with the project are left as they are."""
    pytest.importorskip("lightning")
    from spnkit.nn import refiner

    before = refiner.WEIGHTS.stat().st_mtime_ns
    _, result = run("refinement/train", "--runs", str(tmp_path / "runs"))
    assert [set(stage["scores"]) for stage in result["figures"]["stages"]] == 4 * [{"coarse map", "refined"}]
    assert result["figures"]["bytes"] == (tmp_path / "runs/small/shipped.pt").stat().st_size
    assert refiner.WEIGHTS.stat().st_mtime_ns == before


def test_the_refiner_is_trained_beside_its_control(run, tmp_path):
    pytest.importorskip("lightning")
    from spnkit.data.scenes import make_scenes

    make_scenes(tmp_path / "data/camvid", train=1, val=1, test=1, size=64)
    where = ("--runs", str(tmp_path / "runs"), "--data", str(tmp_path / "data"))
    _, result = run("refinement/control", *where, "--sets", "camvid", "--images", "1")
    assert len(result["figures"]["photographs"]) == 5
    for one in result["figures"]["photographs"].values():
        assert set(one["rows"]) == {"as given", "with propagation", "plain convolutions"}
        assert one["images"] == 1


def test_large_photos_are_timed_and_weighed(run):
    _, result = run("refinement/large")
    (row,) = result["figures"].values()
    assert row["command MB"] > 50
    assert 0 < row["call s"] < row["command s"]


def test_refiners_are_scored_beside_rivals(run, monkeypatch, tmp_path):
    """Scenes stand in for photographs, one rival for all: the others are those of Table 1."""
    pytest.importorskip("torch")
    if not hasattr(pytest.importorskip("cv2"), "ximgproc"):
        pytest.skip("OpenCV without its contributed modules")
    from analysis.common.refinement import rivals
    from spnkit.data.scenes import make_scenes

    filtered, choices = rivals.RIVALS["guided filter"]
    monkeypatch.setattr(rivals, "RIVALS", {"guided filter": (filtered, choices[:2])})
    monkeypatch.setattr(rivals, "BINARY_RIVALS", {})
    make_scenes(tmp_path / "data/camvid", train=1, val=1, test=1, size=64)
    _, result = run("refinement/table", "--data", str(tmp_path / "data"), "--sets", "camvid", "--split", "val")
    tables = result["figures"]
    assert len(tables) == 5
    for one in tables.values():
        assert set(one["rows"]) == {"as given", "ours, as shipped", "guided filter"}
        assert one["images"] == 1
        assert one["parameters"]["guided filter"] in choices[:2]


def test_the_picture_shows_small_changes(run):
    pytest.importorskip("torch")
    folder, result = run("refinement/picture")
    assert all(0 < share < 0.2 for share in result["figures"]["pixels changed"].values())
    assert (folder / "picture-drawn.png").is_file()


def test_a_result_is_whole_or_not_there(tmp_path):
    from analysis.common import record

    with pytest.raises(TypeError, match="cannot write a set into a result file"):
        record.write("broken", {"numbers": {1, 2}}, seed=0, out=tmp_path)
    with pytest.raises(AttributeError):
        record.write("broken", {}, seed=0, out=tmp_path, pictures={"none": None})
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def speed(run):
    """The script, which says by its exit status whether a part failed."""
    pytest.importorskip("torch")

    def run_speed(*parts):
        with pytest.raises(SystemExit) as ended:
            run("cpu/speed", *(("--only", *parts) if parts else ()))
        folder = Path(sys.argv[sys.argv.index("--out") + 1])
        assert sorted(path.name for path in folder.iterdir()) == ["speed-sizes.png", "speed.json"]
        return ended.value.code, json.loads((folder / "speed.json").read_text())["figures"]["parts"]

    return run_speed


def test_the_speed_of_the_kernels_is_measured_beside_rivals_that_compute_the_same(speed):
    status, parts = speed()
    assert not [part["error"] for part in parts.values() if "error" in part]
    assert status == 0
    (beside,) = (row for row in parts["rivals"]["result"].values() if "R" in row)
    wrong = [why for why in beside["left out"].values() if "wrong" in why]
    assert not wrong
    assert beside["times ours"]["forward, torch loop"] > 0


def test_a_part_that_fails_does_not_take_the_others_along(speed, monkeypatch):
    from analysis.common.cpu import parts

    def broken(session):
        raise MemoryError("no more")

    monkeypatch.setattr("analysis.common.rivals.native", lambda: None)  # as where there is no compiler
    assert speed("calls")[0] == 0
    monkeypatch.setitem(parts.PARTS, "sizes", broken)
    status, found = speed("sizes")
    assert status == 1
    assert found["sizes"]["error"] == "MemoryError: no more"
    assert found["calls"]["result"]
