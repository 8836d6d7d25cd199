"""The rival in Triton computes the unit, where Triton is installed: by its interpreter, without a GPU."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
ROOT = Path(__file__).parents[2]
PROGRAM = """
import torch
from analysis.common import rivals
from analysis.common.cuda import triton
for shape in (2, 2, 13, 19), (1, 1, 16, 8):
    x, gates = torch.randn(shape), torch.randn(shape[0], 4, 3, *shape[1:])
    call, _ = triton.unit(x, gates, lambda call: (call(), 1)[1])
    torch.testing.assert_close(call(), rivals.torch_loop(x, gates), atol=1e-5, rtol=1e-5)
"""


def test_it_computes_the_unit():
    if importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed")
    paths = os.pathsep.join([str(ROOT), *sys.path])
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_cases_need_no_triton(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", None)
    from analysis.common.cuda import cases

    assert "rival: Triton, forward" in cases.cases(1)
    sys.modules.pop("analysis.common.cuda.triton", None)
    with pytest.raises(ModuleNotFoundError, match="triton"):
        cases.by_triton(None)
