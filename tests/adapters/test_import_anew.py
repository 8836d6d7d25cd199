"""torch's registrations outlive the package: purged and imported anew it must work, and serve the new code."""

import subprocess
import sys

import pytest

pytest.importorskip("torch")

USE = """
import gc, importlib, sys, warnings
warnings.simplefilter("error", UserWarning)
import torch

def use():
    import spnkit
    x = torch.rand(1, 2, 6, 7, requires_grad=True)
    gates = torch.randn(1, 4, 3, 2, 6, 7)
    y = spnkit.propagate(x, gates)
    y.sum().backward(retain_graph=True)
    compiled = torch.compile(lambda x, gates: spnkit.propagate(x, gates), backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, gates), y)
    with torch.autocast("cpu", torch.bfloat16):
        assert spnkit.propagate(x.bfloat16(), gates).dtype == torch.float32
    torch.func.jvp(lambda x: spnkit.propagate(x, gates), (x.detach(),), (x.detach(),))
    return spnkit, x, gates, y

def purge():
    for name in [name for name in sys.modules if name.split(".")[0] == "spnkit"]:
        del sys.modules[name]

"""
PURGED = """
old, x, gates, y = use()
for _ in range(2):
    purge()
    new = use()[0]
    assert new is not old
    torch.testing.assert_close(old.propagate(x, gates), y)  # who still holds the old package goes on
    y.sum().backward(retain_graph=True)
del old, new
gc.collect()
use()
importlib.reload(sys.modules["spnkit.adapters.torch"])
use()
"""
CHANGED = """
x, gates = torch.rand(1, 2, 6, 7), torch.randn(1, 4, 3, 2, 6, 7)
import spnkit.adapters.torch
purge()
import spnkit.adapters.torch
spnkit.adapters.torch.rounded = lambda tensor, dtype: tensor.new_full(tensor.shape, 7)
assert torch.ops.spnkit.propagate(x, gates, list(spnkit.DIRECTIONS), "clip", "max", "auto", False)[0].eq(7).all()
"""


@pytest.mark.parametrize("what", [PURGED, CHANGED], ids=["purged", "changed"])
def test_imported_anew(what):
    done = subprocess.run([sys.executable, "-c", USE + what], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
