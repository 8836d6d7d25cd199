"""What becomes of the CUDA kernels: compiled for three generations of GPUs, none of which has to be there."""

import importlib.util
import os
import re
import shutil
import subprocess

import pytest

CAPABILITIES = [(7, 5), (8, 0), (9, 0)]
REGISTERS = {"forward": 96, "backward": 128, "integrate": 64}  # of a thread at most
COMMON = {"WIDTH": 288, "TEAM": 1, "CONNECTIONS": 3, "RULE": 1, "INTEGRATION": 1, "ANCHORED": True}
COMMON |= {"CHANNELS": 1, "WANTED": True, "MAPS": 4}
# Kernel, what it reads, what it leaves, and what differs from COMMON. Every value that a variant can have is there.
VARIANTS = [
    ("forward", "float32", "float32", {}),
    ("forward", "float32", "float32", {"WIDTH": 544, "INTEGRATION": 3}),
    ("forward", "float32", "float32", {"WIDTH": 64, "TEAM": 4, "CONNECTIONS": 1, "RULE": 3, "INTEGRATION": 0}),
    ("forward", "float32", "float32", {"RULE": 4, "INTEGRATION": 2, "CHANNELS": 4}),
    ("forward", "float32", "float32", {"RULE": 0, "ANCHORED": False, "CHANNELS": 2}),
    ("forward", "float64", "float64", {"WIDTH": 128, "TEAM": 2, "RULE": 2}),
    ("forward", "float16", "float16", {}),
    ("forward", "bfloat16", "float32", {"CHANNELS": 4, "INTEGRATION": 2}),
    ("backward", "float32", "float32", {}),
    ("backward", "float32", "float32", {"WIDTH": 64, "CONNECTIONS": 1, "RULE": 2, "TEAM": 4}),
    ("backward", "float32", "float32", {"RULE": 3, "INTEGRATION": 2, "TEAM": 2}),
    ("backward", "float32", "float32", {"RULE": 4, "INTEGRATION": 3, "WANTED": False}),
    ("backward", "float32", "float32", {"WIDTH": 544, "RULE": 0}),
    ("backward", "float64", "float64", {"WIDTH": 128}),
    ("backward", "float16", "float32", {}),
    ("backward", "bfloat16", "bfloat16", {}),
    ("integrate", "float32", "float32", {}),
    ("integrate", "float32", "bfloat16", {"INTEGRATION": 2}),
    ("integrate", "float64", "float64", {"INTEGRATION": 3}),
]


def variant(kernel, dtype, out, options):
    from spnkit.backends.cuda import Variant

    return Variant(kernel, dtype, out, **(COMMON | options))


def assembler():
    """The ptxas of the wheel nvidia-cuda-nvcc, which fits the compiler, or of a CUDA toolkit."""
    wheels = importlib.util.find_spec("nvidia")
    folders = [f"{folder}/cu13/bin" for folder in (wheels.submodule_search_locations if wheels else ())]
    found = shutil.which("ptxas", path=os.pathsep.join(folders)) or shutil.which("ptxas")
    found = found or shutil.which("ptxas", path="/usr/local/cuda/bin")
    if found is None:
        pytest.skip("no ptxas: pip install nvidia-cuda-nvcc, or a CUDA toolkit on PATH or in /usr/local/cuda")
    return found


def assembled(ptx, capability):
    """What ptxas says of it: registers, bytes of stack frame, bytes spilled."""
    target = f"-arch=sm_{capability[0]}{capability[1]}"
    done = subprocess.run(
        [assembler(), "-v", target, "-o", "/dev/null", "-"], input=ptx, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (registers,) = re.findall(r"Used (\d+) registers", done.stderr)
    return int(registers), *map(int, *re.findall(r"(\d+) bytes stack frame, (\d+) bytes spill stores", done.stderr))


@pytest.mark.slow
@pytest.mark.parametrize("capability", CAPABILITIES, ids=str)
@pytest.mark.parametrize("chosen", VARIANTS, ids=lambda v: "-".join((*v[:3], *(f"{k}={o}" for k, o in v[3].items()))))
def test_kernels_spill_nothing_and_stay_in_their_precision(chosen, capability, compile_for):
    kernel, dtype, out, _ = chosen
    ptx = compile_for(variant(*chosen), capability)
    assert ".local" not in ptx
    assert (".f64" in ptx) == (dtype == "float64")
    assert ("cp.async.ca.shared.global" in ptx) == (kernel != "integrate" and capability >= (8, 0))
    # In half precision nothing is computed.
    assert not re.search(r"(add|mul|fma|max|set)\S*\.b?f16", ptx)
    assert ("cvt.f32.f16" in ptx) == (dtype == "float16")
    assert ("cvt.rn.f16.f32" in ptx) == (out == "float16" or (dtype, kernel) == ("float16", "backward"))
    registers, stack, spilled = assembled(ptx, capability)
    assert (stack, spilled) == (0, 0)
    assert registers <= REGISTERS[kernel]
