"""What is run where there is a GPU: in order of importance, within the time that is given."""

import importlib.util
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def script(monkeypatch):
    found = importlib.util.spec_from_file_location("on_a_gpu", Path(__file__).with_name("on_a_gpu.py"))
    module = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, "on_a_gpu", module)
    found.loader.exec_module(module)
    return module


def limits(script, minutes):
    """Seconds for each step, if each takes all it may."""
    left, found = 60 * minutes, {}
    steps = script.planned(script.PARTS)
    for step in steps:
        found[step.name] = script.limit(step, left, step is steps[-1])
        left -= found[step.name]
    return found


def test_twelve_minutes_are_enough_for_all(script):
    found = limits(script, 12)
    assert list(found) == ["benchmark", "profiler", "tests", "compiled", "memcheck", "racecheck"]
    assert found["benchmark"] >= 300
    assert found["tests"] >= 120
    assert sum(found.values()) <= 720
    assert all(seconds >= script.LEAST for seconds in found.values())


def test_four_minutes_are_for_the_benchmark_and_the_profiler(script):
    found = limits(script, 4)
    assert found["benchmark"] > 120
    assert found["profiler"] > 45
    assert sum(found.values()) <= 240


def test_parts_run_in_order_of_importance_however_they_are_named(script):
    assert [step.name for step in script.planned(["tests", "benchmark"])] == ["benchmark", "tests"]


def test_a_script_is_told_its_time_and_its_folder(script, tmp_path):
    (benchmark,) = script.PARTS["benchmark"]
    command = script.command_of(benchmark, 140, tmp_path)
    assert command[-4:] == ["--minutes", "2.000", "--out", str(tmp_path)]
    (tests,) = script.PARTS["tests"]
    assert script.command_of(tests, 140, tmp_path) == list(tests.command)


def step(script, name, program, seconds=30.0):
    return script.Step(name, script.python("-c", program), seconds, 1.0)


def test_no_part_stops_the_next_and_all_leave_a_log(script, monkeypatch, tmp_path):
    monkeypatch.setattr(script, "LEAST", 1)
    steps = [
        step(script, "good", "print('fine')"),
        step(script, "bad", "raise SystemExit(3)"),
        step(script, "slow", "import time; print('begun', flush=True); time.sleep(60)", 2.0),
        script.Step("missing", ("/no/such/program",), 30.0, 1.0),
    ]
    said = list(script.run(steps, 60, tmp_path))
    assert said[:3] == ["good: passed", "bad: failed (3)", "slow: stopped after 2 s"]
    assert said[3].startswith("missing: failed (No such file")
    assert (tmp_path / "good.log").read_text() == "fine\n"
    assert (tmp_path / "slow.log").read_text() == "begun\n"


def test_what_a_part_has_started_ends_with_it(script, tmp_path):
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(30)'])"
    begin = time.monotonic()
    script.done(list(script.python("-c", program)), 2, tmp_path / "log")
    assert time.monotonic() - begin < 20


def test_a_part_is_not_begun_in_no_time(script, tmp_path):
    assert list(script.run([step(script, "late", "")], 5, tmp_path)) == ["late: not begun, 5 s left"]
