"""The kernels compiled for other processors than this one, and not compiled at all."""

import os
import platform
import subprocess
import sys

import pytest

from spnkit.backends import processor

GRADIENTS = """
import numpy as np, spnkit
from spnkit.backends import backend
from spnkit.plan import plan

rng, how = np.random.default_rng(0), plan(("top_to_bottom", "right_to_left"), "softmax", "sum")
for shape in ((1, 1, 3, 19), (1, 2, 9, 70), (1, 1, 35, 18)):
    grad, x = rng.standard_normal((2, *shape))
    gates = 0.3 * rng.standard_normal((1, 2, 3, *shape[1:]))
    found = []
    for name in ("cpu", "reference"):
        dx, dgates = np.empty_like(x), np.empty_like(gates)
        backend(name).backward(grad, None, x, gates, dx, dgates, how)
        found.append((dx, dgates))
    for ours, expected in zip(*found):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)
"""


def run(text, **environment):
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=300, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the registers of another family")
@pytest.mark.slow
@pytest.mark.parametrize("width", ["16", "32"])
def test_gradients_without_wide_registers(tmp_path, width):
    """Once the border of a row was written to lanes that registers do not have, into neighbours and beyond."""
    run(GRADIENTS, NUMBA_CPU_NAME="generic", SPNKIT_REGISTER_BYTES=width, NUMBA_CACHE_DIR=str(tmp_path))


def test_another_width_than_registers_have_is_refused(monkeypatch):
    monkeypatch.setenv("SPNKIT_REGISTER_BYTES", "48")
    with pytest.raises(ValueError, match="SPNKIT_REGISTER_BYTES must be one of 16, 32, 64, got '48'"):
        processor.register_bytes.__wrapped__()


WITHOUT = """
import warnings
import numpy as np
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    import spnkit
    x, gates = np.ones((1, 1, 2, 3)), np.full((1, 4, 3, 1, 2, 3), 0.3)
    for name in ("auto", "cpu", "reference"):
        assert (spnkit.propagate(x, gates, backend=name) == 1).all()
    {more}
(said,) = (str(one.message) for one in said if "spnkit" in one.filename)
assert "NUMBA_DISABLE_JIT" in said and "reference" in said, said
"""
TORCH = """
    import torch
    x, gates = torch.ones(1, 1, 2, 3, requires_grad=True), torch.full((1, 4, 3, 1, 2, 3), 0.3)
    spnkit.propagate(x, gates, backend="cpu", integration="mean").sum().backward()
    assert torch.isfinite(x.grad).all()
"""


def test_without_compiling_the_readable_backend_computes_and_it_is_said_once():
    run(WITHOUT.format(more="pass"), NUMBA_DISABLE_JIT="1")


def test_the_same_for_tensors():
    pytest.importorskip("torch")
    run(WITHOUT.format(more=TORCH.strip()), NUMBA_DISABLE_JIT="1")
