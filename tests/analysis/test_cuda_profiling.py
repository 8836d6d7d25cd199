"""The profiler's csv is read as it comes."""

import json
import math
import re
import subprocess
import sys
import time
from importlib import import_module

import pytest

pytest.importorskip("torch")
NAME = "_ZN6spnkit8backends4cuda7kernels24scan_float32_float32_3_1B2v1B38cw51cXTLSExffix"


@pytest.fixture
def profiler():
    return import_module("analysis.common.cuda.profiler")


def quoted(values):
    return ",".join(f'"{value}"' for value in values)


def sample(profiler, values, units, metrics):
    """As ncu prints it: the program's output, its own messages, header, units, rows."""
    fixed = ("ID", "Process ID", "Process Name", "Host Name", "Kernel Name", "Context", "Stream", "Block Size")
    row = ("0", "4711", "python3.12", "127.0.0.1", NAME, "1", "7", "(256, 1, 1)")
    lines = ['case: {"bytes": 2684354560, "visits": 134217728}', "==PROF== Connected to process 4711"]
    lines += ['==PROF== Profiling "scan": 0%....100% - 3 passes', "==PROF== Disconnected from process 4711"]
    lines += [quoted((*fixed, *metrics)), quoted((*[""] * len(fixed), *(units.get(metric, "") for metric in metrics)))]
    return "\n".join([*lines, quoted((*row, *(values.get(metric, "1") for metric in metrics))), ""])


@pytest.fixture
def text(profiler):
    values = {profiler.READ: "2,147.48", profiler.WRITTEN: "0.53", profiler.TIME: "700.5", profiler.HITS: "12.5"}
    values |= {profiler.INSTRUCTIONS: "146,800,640", profiler.CONFLICTS: "1,468,006.4", profiler.REQUESTS: "n/a"}
    values |= {profiler.SECTORS: "268,435,456", profiler.STALL.format("barrier"): "2.75"}
    units = {profiler.READ: "Mbyte", profiler.WRITTEN: "Gbyte", profiler.TIME: "us", profiler.SECTORS: "sector"}
    return sample(profiler, values, units, (*profiler.METRICS, profiler.REQUESTS))


def test_counts_are_read_with_their_units(profiler, text):
    (launch,) = profiler.parsed(text)
    assert launch["Kernel Name"] == NAME
    assert launch[profiler.READ] == pytest.approx(2.14748e9)
    assert launch[profiler.WRITTEN] == pytest.approx(0.53e9)
    assert launch[profiler.TIME] == pytest.approx(700_500)
    assert launch[profiler.INSTRUCTIONS] == 146_800_640
    assert math.isnan(launch[profiler.REQUESTS])


def test_what_they_mean(profiler, text):
    found = profiler.meaning(profiler.parsed(text)[0], 134_217_728)
    assert found["kernel"] == "scan_float32_float32_3_1"
    assert found["GB"] == pytest.approx(2.67748)
    assert found["GB/s"] == pytest.approx(3822.2, rel=1e-4)
    assert found["instructions a pixel"] == 35
    assert found["L2 sectors a pixel"] == 2
    assert found["bank conflicts an instruction"] == pytest.approx(0.01)
    assert next(iter(found["warps stalled"].items())) == ("barrier", 2.75)
    assert found["sectors an L2 request"] is None  # not counted; JSON has no NaN


@pytest.mark.parametrize(
    ("name", "own"),
    [
        (NAME, "scan_float32_float32_3_1"),
        ("spnkit::backends::cuda::kernels::back_float32_3[abi:v1][abi:cw51](long long, int)", "back_float32_3"),
        ("void at::native::fill<4, at::native::F<float>>(int)", "void at::native::fill<4, at::native::F<float>>(int)"),
    ],
)
def test_kernels_are_shown_by_their_own_name(profiler, name, own):
    assert profiler.readable(name) == own


@pytest.mark.parametrize("text", ["", "==ERROR== No metrics", '"ID","Kernel Name"\n'])
def test_nothing_counted_is_no_launch(profiler, text):
    assert profiler.parsed(text) == []


def test_metrics_that_ncu_does_not_know_are_left_out(profiler, text, monkeypatch):
    asked = []

    def outputs(command, seconds):
        asked.append(command[command.index("--metrics") + 1].split(","))
        return "==ERROR== Failed to find metric" if profiler.SHARED in asked[-1] else text

    monkeypatch.setattr(profiler, "outputs", outputs)
    assert len(profiler.counted(["python"], 1)[1]) == 1
    assert [profiler.SHARED in metrics for metrics in asked] == [True, False]
    monkeypatch.setattr(profiler, "outputs", lambda command, seconds: "==ERROR== no")
    with pytest.raises(RuntimeError, match="nothing was counted; ==ERROR== no"):
        profiler.counted(["python"], 1)


@pytest.mark.parametrize("kernel", ["scan", "back", "integrate", "forward", "backward"])
def test_kernels_are_chosen_by_their_own_name(profiler, kernel):
    name = f"{kernel}_float32_3"
    assert re.search(profiler.KERNELS, f"_ZN6spnkit8backends4cuda7kernels{len(name)}{name}Exf")
    assert not re.search(profiler.KERNELS, "_ZN6spnkit8backends4cuda7kernels5other_float32Exf")


def test_what_takes_too_long_is_ended_with_all_it_started(profiler):
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(30)'])"
    begin = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        profiler.outputs([sys.executable, "-c", program], 2)
    assert time.monotonic() - begin < 20


def test_a_case_that_cannot_be_profiled_says_why(profiler, monkeypatch):
    profile = import_module("analysis.cuda.profiling")
    monkeypatch.setenv("PATH", "")
    assert profile.profiled("forward", True, 5)["failed"].startswith("FileNotFoundError")


def test_a_case_beside_what_it_must_move(profiler, text, monkeypatch):
    profile = import_module("analysis.cuda.profiling")
    monkeypatch.setattr(profile, "counted", lambda program, seconds: (text, profiler.parsed(text)))
    row = profile.profiled("forward", True, 5)
    assert row["moved / must"] == pytest.approx(2.67748 / 2.68435456)


def test_every_case_is_written_and_shown(profiler, text, monkeypatch, tmp_path, capsys):
    profile = import_module("analysis.cuda.profiling")

    def counted(program, seconds):
        if program[-2] == "forward":
            raise RuntimeError("nothing was counted")
        return text, profiler.parsed(text)

    monkeypatch.setattr(profile, "counted", counted)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda _: "stand-in")
    monkeypatch.setattr(sys, "argv", ["profiling.py", "--small", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        profile.main()
    assert ended.value.code == 1
    figures = json.loads((tmp_path / "profiling.json").read_text())["figures"]
    assert list(figures) == list(profile.CASES)
    assert [name for name, row in figures.items() if "failed" in row] == ["forward"]
    said = capsys.readouterr().out
    assert "forward: RuntimeError: nothing was counted" in said
    assert "scan_float32_float32_3_1: us 700.5, GB 2.677" in said
    assert "waiting for barrier 2.8, long_scoreboard 1.0" in said
