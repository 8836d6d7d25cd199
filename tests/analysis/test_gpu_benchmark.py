"""The GPU benchmark gets to its table, whatever happens on the way; a CPU stands in for the GPU."""

import json
import runpy
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from spnkit import backends

torch = pytest.importorskip("torch")
ANALYSIS = Path(__file__).parents[2] / "analysis"


class Event:
    def __init__(self, enable_timing):
        self.at = None

    def record(self):
        self.at = time.perf_counter()

    def elapsed_time(self, other):
        return (other.at - self.at) * 1e3


@pytest.fixture
def stand_in(monkeypatch):
    """torch.cuda, as far as the benchmark knows it."""
    stream = SimpleNamespace(wait_stream=lambda other: None, cuda_stream=0)
    graphs = []

    class Graph:
        def replay(self):
            graphs.append(self)

    found = {"is_available": lambda: True, "Event": Event, "synchronize": lambda: None, "empty_cache": lambda: None}
    found |= {"Stream": lambda: stream, "current_stream": lambda: stream, "stream": lambda _: nullcontext()}
    found |= {"CUDAGraph": Graph, "graph": lambda _: nullcontext(), "get_device_name": lambda: "stand-in"}
    for name, value in found.items():
        monkeypatch.setattr(torch.cuda, name, value)
    for name in ("randn", "empty"):
        plain = getattr(torch, name)
        monkeypatch.setattr(torch, name, lambda *size, plain=plain, device=None, **rest: plain(*size, **rest))
    monkeypatch.setattr("spnkit.backends.backend", lambda name, plain=backends.backend: plain("cpu"))
    monkeypatch.setattr(torch, "compile", lambda step: step)
    monkeypatch.syspath_prepend(str(ANALYSIS))
    import _gpu_timing

    monkeypatch.setattr(_gpu_timing, "COPIED", 1 << 20)
    return graphs


@pytest.mark.usefixtures("one_thread")
def test_the_table_comes_last_and_failures_do_not_stop_it(stand_in, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "_gpu_rivals", None)
    monkeypatch.setattr(sys, "argv", ["gpu_benchmark.py", "--small", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ANALYSIS / "gpu_benchmark.py"), run_name="__main__")
    figures = json.loads((tmp_path / "gpu_benchmark.json").read_text())["figures"]
    failed = [name for name, row in figures["cases"].items() if "failed" in row]
    assert failed == ["rival: launch per column"]
    assert ended.value.code == 1
    assert stand_in
    assert figures["host us"] > 0
    lines = capsys.readouterr().out.splitlines()
    table = lines[lines.index(str(tmp_path / "gpu_benchmark.json")) :]
    assert all(any(line.startswith(name) for line in table) for name in figures["cases"])
    assert table[-1].startswith("rival, torch loop / ours")
