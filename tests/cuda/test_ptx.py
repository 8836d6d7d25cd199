"""What becomes of the CUDA kernels: compiled for three generations of GPUs, none of which has to be there."""

import importlib.util
import os
import re
import shutil
import subprocess

import pytest

CAPABILITIES = [(7, 5), (8, 0), (9, 0)]
REGISTERS = {"forward": 96, "backward": 128, "integrate": 64}  # of a thread at most; float64 takes more
COMMON = {"width": 288, "team": 1, "connections": 3, "rule": 1, "integration": 1, "anchored": True}
COMMON |= {"channels": 1, "wanted": True, "kept": False}


def variant(kernel, dtype="float32", out=None, **options):
    from spnkit.backends.cuda import Variant

    return Variant(kernel, dtype, out or dtype, *(COMMON | options).values())


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
@pytest.mark.parametrize("kernel", list(REGISTERS))
def test_kernels_spill_nothing_and_stay_in_single_precision(kernel, capability, compile_for):
    ptx = compile_for(variant(kernel), capability)
    assert not re.search(r"\.f64|\.local", ptx)
    registers, stack, spilled = assembled(ptx, capability)
    assert (stack, spilled) == (0, 0)
    assert registers <= REGISTERS[kernel]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"kernel": "forward", "width": 544},
        {"kernel": "forward", "width": 64, "team": 4, "connections": 1, "rule": 3, "integration": 0},
        {"kernel": "forward", "rule": 4, "integration": 2, "channels": 4},
        {"kernel": "backward", "width": 64, "connections": 1, "rule": 2},
        {"kernel": "backward", "rule": 3, "integration": 2},
        {"kernel": "backward", "rule": 4, "integration": 3, "wanted": False},
        {"kernel": "backward", "team": 2, "kept": True},
        {"kernel": "backward", "dtype": "float64", "width": 128},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_no_variant_spills(options, compile_for):
    ptx = compile_for(variant(**options), (9, 0))
    if options.get("dtype") != "float64":
        assert ".f64" not in ptx
    assert assembled(ptx, (9, 0))[1:] == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("capability", CAPABILITIES[::2], ids=str)
@pytest.mark.parametrize(
    ("kernel", "dtype", "out"),
    [
        ("forward", "float16", "float16"),
        ("forward", "bfloat16", "float32"),
        ("backward", "float16", "float32"),
        ("backward", "bfloat16", "bfloat16"),
        ("integrate", "float32", "bfloat16"),
    ],
)
def test_half_precision_is_widened_in_registers(kernel, dtype, out, capability, compile_for):
    ptx = compile_for(variant(kernel, dtype, out), capability)
    assert not re.search(r"\.f64|\.local", ptx)
    assert ("cvt.rn.f16.f32" in ptx) == ("float16" in (dtype if kernel == "backward" else out, out))
    assert ("cvt.f32.f16" in ptx) == (dtype == "float16")
    registers, stack, spilled = assembled(ptx, capability)
    assert (stack, spilled) == (0, 0)
    assert registers <= REGISTERS[kernel]


@pytest.mark.slow
def test_loads_are_asynchronous_where_the_gpu_can(compile_for):
    assert "cp.async.ca.shared.global" in compile_for(variant("forward"), (8, 0))
    assert "cp.async.ca.shared.global" in compile_for(variant("forward", "bfloat16"), (8, 0))
    assert "cp.async" not in compile_for(variant("forward"), (7, 5))
