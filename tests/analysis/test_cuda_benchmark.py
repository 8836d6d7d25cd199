"""The GPU benchmark gets to its table, whatever happens on the way; a CPU stands in for the GPU."""

import json
import runpy
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
SCRIPT = Path(__file__).parents[2] / "analysis/cuda/benchmark.py"
STAND_IN = Path(__file__).parent / "stand_in_for_gpu.py"
JOBS = [("copy", ""), ("time", "one"), ("time", "two"), ("time", "three")]


@pytest.fixture
def analysis():
    """Import a module of the analysis."""
    return lambda name: import_module(f"analysis.{name}")


@pytest.fixture
def benchmark(analysis, monkeypatch, tmp_path):
    """Run the script with a stand-in for the GPU; return its exit status and figures."""
    monkeypatch.setattr(analysis("common.cuda.worker"), "COMMAND", (sys.executable, "-u", str(STAND_IN)))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "stand-in")
    monkeypatch.setattr("spnkit.backends.backend", lambda name: None)

    def run_script(*arguments):
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--small", "--out", str(tmp_path), *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        return ended.value.code, json.loads((tmp_path / "benchmark.json").read_text())["figures"]

    return run_script


def test_every_case_is_timed_and_right(benchmark, capsys):
    status, figures = benchmark()
    rows = figures["cases"]
    assert status == 0, [row for row in rows.values() if "failed" in row or "wrong" in row]
    absent = [name for name, row in rows.items() if "ms" not in row]
    assert absent == [name for name in rows if "Triton" in name or "launch per column" in name]
    assert rows["rival: Triton, forward"] == {"absent": "no analysis.common.cuda.triton"}
    assert rows["forward"]["floors"] == pytest.approx(rows["forward"]["ms"] / rows["forward"]["floor ms"])
    assert rows["forward, shared gates"]["bytes"] < rows["forward"]["bytes"] / 5
    assert figures["host us"] > 0
    assert rows["forward"]["kernels"] == {"scan": 1.0}
    assert rows["hidden layer, in a graph"]["kernels"] == {"scan": 1 / 32}
    table = capsys.readouterr().out.split("benchmark.json\n")[-1].splitlines()
    assert all(any(line.startswith(name) for line in table) for name in rows)
    assert table[-1].startswith("rival, torch loop / ours")


def test_what_matters_most_is_first_and_what_is_slow_is_last(analysis):
    names = list(analysis("common.cuda.cases").cases(1))
    jobs = list(analysis("cuda.benchmark").jobs(names))
    assert jobs[:5] == [
        ("copy", ""),
        *(("time", name) for name in ("left_to_right", "top_to_bottom", "forward", "forward and backward")),
    ]
    assert jobs[-2:] == [("time", "rival: torch loop"), ("time", "rival: torch.compile")]
    assert [name for kind, name in jobs if kind == "time"] == names


@pytest.mark.parametrize(
    ("accident", "said"),
    [("sys.exit('lost the GPU')", "its process ended: lost the GPU"), ("time.sleep(60)", "took more than 3 s")],
)
def test_a_crash_or_a_hang_takes_nothing_else_along(analysis, monkeypatch, accident, said):
    worker = analysis("common.cuda.worker")
    program = f"""
import json, sys, time
print("a warning", flush=True)
for kind, name in json.loads(sys.argv[2]):
    if name == "two":
        {accident}
    print('{worker.MARK}' + json.dumps({{"ms": len(name)}}), flush=True)
"""
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, "-c", program))
    monkeypatch.setattr(worker, "START", 1)
    monkeypatch.setattr(worker, "JOB", 3)
    found = dict(worker.results(JOBS, 0, 1, time.monotonic() + 60))
    assert list(found) == JOBS
    assert found.pop(("time", "two"))["failed"] == said
    assert all("ms" in result for result in found.values())


def test_a_lost_gpu_is_the_fault_of_the_case_that_lost_it(analysis, monkeypatch):
    worker = analysis("common.cuda.worker")
    program = f"""
import json, sys
for kind, name in json.loads(sys.argv[2]):
    print('{worker.MARK}' + json.dumps({{"failed": "illegal address"}} if name == "two" else {{"ms": 1}}), flush=True)
    if name == "two":
        print('{worker.MARK}' + json.dumps('{worker.LOST}'), flush=True)
        break
"""
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, "-c", program))
    found = dict(worker.results(JOBS, 0, 1, time.monotonic() + 60))
    assert [name for (_, name), result in found.items() if "failed" in result] == ["two"]
    assert len(found) == len(JOBS)


def test_no_case_is_begun_when_time_is_up(analysis):
    found = dict(analysis("common.cuda.worker").results(JOBS, 0, 1, time.monotonic() - 1))
    assert list(found) == JOBS
    assert set(map(str, found.values())) == {"{'absent': 'no time left'}"}


def test_a_wrong_result_is_found_wherever_it_is(analysis):
    check, problems = analysis("common.cuda.check"), analysis("common.cuda.problem")
    x, gates = torch.randn(2, 2, 9, 7), torch.randn(2, 4, 3, 2, 9, 7)
    problem = problems.Problem(x, gates)
    y = problem.call()
    check.forward(problem, y)
    y[1, 1, 8, 6] += 0.01
    with pytest.raises(ArithmeticError, match=r"^0\.79% of the output is wrong"):
        check.forward(problem, y)
    grad = torch.randn_like(x)
    dx, dgates = problem.there_and_back(grad)()
    check.backward(problem, grad, dx, dgates)
    with pytest.raises(ArithmeticError, match="of the gradient at gates is wrong"):
        check.backward(problem, grad, dx, dgates * torch.nan)


def test_a_goal_is_not_met_by_a_wrong_result(analysis):
    judged = analysis("cuda.benchmark").judged
    row = {"ms": 2.0, "bytes": 10, "goal": [1.15, "floors"]}
    assert judged(row, 5) == {"ms": 2.0, "bytes": 10, "floor ms": 2.0, "GB/s": 5e-6, "floors": 1, **GOAL, "met": True}
    assert not judged(row | {"wrong": "all of it"}, 5)["met"]
    assert judged({"ms": 0.01, "goal": [15, "us"]}, 5) == {"ms": 0.01, "goal": "15 us", "met": True}
    assert judged({"failed": "why"}, 5) == {"failed": "why"}


GOAL = {"goal": "1.15 floors"}


def test_the_picture_is_drawn_from_the_result_file(analysis, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    row = {"ms": 1.0, "floors": 1.2, "goal": "1.15 floors", "met": False}
    cases = {"forward": row, "rival: torch loop": {"floors": 300.0}, "broken": {"failed": "why"}}
    (tmp_path / "benchmark.json").write_text(json.dumps({"device": {}, "figures": {"cases": cases}}))
    analysis("cuda.benchmark").draw(tmp_path)
    assert (tmp_path / "benchmark.png").read_bytes().startswith(b"\x89PNG")
