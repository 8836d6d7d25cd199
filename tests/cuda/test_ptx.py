"""What becomes of the CUDA kernels: compiled for three generations of GPUs, none of which has to be there.

Thousands of variants can be chosen. Those here stand for all of them:

- WIDTH is in a kernel as a distance alone, but bounds its registers: each team has the block, of those that the
  dispatcher chooses, that leaves a thread the fewest. TEAM is in it as the number of times that loops go round.
- Between two barriers little but the scan stays in registers, so options matter together where they meet between two:
  the rule with the type and the channels of a block. These are all combined; the others take turns.
- One-way connections do a part of what three-way ones do, two channels a part of what four do, and a way back
  without gradients at the gates a part of one with them.
- A generation is in the text as the operations that it has, from 8.0 on or before. The default rule is compiled for
  each of them, with every type and number of channels; for the others generations take turns.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from itertools import cycle, product

import pytest

CAPABILITIES = [(7, 5), (8, 0), (9, 0)]
LARGEST = 227 << 10  # bytes of shared memory that a block can have on any of these
# A thread has so many at most; 144 leave a multiprocessor enough for 448 threads, more than RESIDENT.
REGISTERS = {"forward": 96, "backward": 144, "integrate": 64}
COMMON = {"WIDTH": 544, "TEAM": 1, "CONNECTIONS": 3, "RULE": 1, "INTEGRATION": 1, "ANCHORED": True}
COMMON |= {"CHANNELS": 1, "WANTED": True, "MAPS": 1}
HALVES = [("float16", "float16"), ("bfloat16", "float32"), ("bfloat16", "bfloat16"), ("float16", "float32")]
TYPES = [cycle([("float32", "float32")]), cycle([("float64", "float64")]), cycle(HALVES)]  # what is read and left


def variants():
    """Kernel, what it reads, what it leaves, and what differs from COMMON."""
    turns = (
        {"TEAM": team, "INTEGRATION": how} for team, how in zip(cycle((1, 2, 4)), cycle((1, 2, 0, 3)), strict=False)
    )
    for types, channels, rule in product(TYPES, (1, 4), range(5)):
        yield "forward", *next(types), next(turns) | {"RULE": rule, "CHANNELS": channels}
    for types, rule in product(TYPES, range(5)):
        yield "backward", *next(types), next(turns) | {"RULE": rule}
    for types in TYPES:
        yield "forward", *next(types), next(turns) | {"CONNECTIONS": 1, "CHANNELS": 2}
        yield "backward", *next(types), next(turns) | {"CONNECTIONS": 1, "WANTED": False}
    for dtype in ("float32", "float64"):  # of derivatives of any order
        yield "forward", dtype, dtype, {"RULE": 0, "INTEGRATION": 0, "ANCHORED": False, "CHANNELS": 4}
    for how, (types, maps) in enumerate(zip((*TYPES, TYPES[2]), (4, 2, 31, 1), strict=True)):
        _, out = next(types)
        yield "integrate", "float64" if out == "float64" else "float32", out, {"INTEGRATION": how, "MAPS": maps}


def variant(kernel, dtype, out, options):
    """As chosen for blocks that leave a thread the fewest registers."""
    from spnkit.backends.cuda import backend as cuda

    chosen = cuda.Variant(kernel, dtype, out, **(COMMON | options))
    if kernel == "integrate":
        return chosen
    fitting = [width for width in cuda.WIDTHS if cuda._shared_bytes(chosen, width) <= LARGEST]
    blocks = {(width, cuda._team(chosen, width, together)) for width in fitting for together in range(1, 33)}
    threads = {width: width * team for width, team in blocks if team == chosen.TEAM}
    return chosen._replace(
        WIDTH=max(threads, key=lambda width: threads[width] * max(1, cuda.RESIDENT // threads[width]))
    )


def tool(name):
    """ptxas or nvdisasm of the wheels nvidia-cuda-nvcc and nvidia-cuda-nvdisasm, or of a CUDA toolkit."""
    wheels = importlib.util.find_spec("nvidia")
    folders = [f"{folder}/cu13/bin" for folder in (wheels.submodule_search_locations if wheels else ())]
    found = shutil.which(name, path=os.pathsep.join(folders)) or shutil.which(name)
    found = found or shutil.which(name, path="/usr/local/cuda/bin")
    if found is None:
        pytest.skip(f"no {name}: pip install nvidia-cuda-nvcc nvidia-cuda-nvdisasm, or a CUDA toolkit")
    return found


def assembled(ptx, capability):
    """What ptxas says of it: registers, bytes of stack frame, bytes spilled."""
    target = f"-arch=sm_{capability[0]}{capability[1]}"
    done = subprocess.run(
        [tool("ptxas"), "-v", target, "-o", "/dev/null", "-"], input=ptx, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (registers,) = re.findall(r"Used (\d+) registers", done.stderr)
    return int(registers), *map(int, *re.findall(r"(\d+) bytes stack frame, (\d+) bytes spill stores", done.stderr))


def of_generations():
    """Each of the variants with the capabilities that it is compiled for."""
    for number, chosen in enumerate(variants()):
        turn = CAPABILITIES[number % len(CAPABILITIES)]
        yield from ((chosen, capability) for capability in (CAPABILITIES if chosen[3].get("RULE", 1) == 1 else [turn]))


def shown(value):
    """A variant or a capability, in the name of a test."""
    if value in CAPABILITIES:
        return str(value)
    return "-".join((*value[:3], *(f"{name}={option}" for name, option in value[3].items())))


def test_every_kind_of_kernel_is_compiled_for_every_generation():
    def met(choices):
        half = {"float16": "half", "bfloat16": "half"}
        types = {(kernel, half.get(read, read)) for kernel, read, *_ in choices}
        return types | {options["RULE"] for *_, options in choices if "RULE" in options}

    for capability in CAPABILITIES:
        assert met([chosen for chosen, of in of_generations() if of == capability]) == met(list(variants()))


@pytest.mark.slow
@pytest.mark.parametrize(("chosen", "capability"), list(of_generations()), ids=shown)
def test_kernels_spill_nothing_and_stay_in_their_precision(chosen, capability, compile_for):
    kernel, dtype, out, _ = chosen
    ptx = compile_for(variant(*chosen), capability)
    assert ".local" not in ptx
    assert (".f64" in ptx) == (dtype == "float64")
    assert ("cp.async.ca.shared.global" in ptx) == (kernel != "integrate" and capability >= (8, 0))
    assert "cache_hint" not in ptx  # see `memory.copy`
    # In half precision nothing is computed.
    assert not re.search(r"(add|mul|fma|max|set)\S*\.b?f16", ptx)
    assert ("cvt.f32.f16" in ptx) == (dtype == "float16")
    assert ("cvt.rn.f16.f32" in ptx) == (out == "float16" or (dtype, kernel) == ("float16", "backward"))
    registers, stack, spilled = assembled(ptx, capability)
    assert (stack, spilled) == (0, 0)
    assert registers <= (max(128, REGISTERS[kernel]) if dtype == "float64" else REGISTERS[kernel])


# Registers and, from shuffle to shuffle, instructions of a pixel at most.
STREAMS = {
    "across": ((True, 3, 4), "float32", 1, 144),
    "down": ((False, 3, 4), "float32", 3, 176),
    "one-way": ((True, 1, 4), "float32", 2, 144),
    "bfloat16": ((False, 3, 2), "bfloat16", 1, 160),
}
PIXEL = {True: 36, False: 34}
GENERATIONS = [(8, 0), (9, 0), (10, 0)]


def streams(name):
    """A forward variant of one axis, or the way back of both."""
    from spnkit.backends.cuda import streams as chosen

    if name == "back":
        sides = chosen.BACK[True], chosen.BACK[False]
        return chosen.Variant("streams_back", "float32", 4, *sides, 1, 1, True, True)
    key, dtype, rule, _ = STREAMS[name]
    sides = [chosen.GEOMETRIES[key] if key[0] == axis else None for axis in (True, False)]
    return chosen.Variant("streams", dtype, chosen.WARPS[key[1:]], *sides, rule, 0, True, False)


@pytest.mark.slow
@pytest.mark.parametrize("capability", GENERATIONS, ids=lambda c: f"sm_{c[0]}{c[1]}")
@pytest.mark.parametrize("name", [*STREAMS, "back"])
def test_streams_of_warps_spill_nothing(name, capability, compile_for):
    if (name, capability) != ("down", (10, 0)) and capability not in ((9, 0), (8, 0) if name == "back" else (9, 0)):
        pytest.skip("one of each kind will do")
    ptx = compile_for(streams(name), capability)
    assert not re.search(r"\.f64|\.local", ptx)
    registers, stack, spilled = assembled(ptx, capability)
    assert (stack, spilled) == (0, 0)
    assert registers <= (200 if name == "back" else STREAMS[name][3])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["across", "down"])
def test_instructions_of_a_pixel(name, compile_for, tmp_path):
    """What lies between the first and the last of eight shuffles is seven pixels, and what is asked for meanwhile."""
    ptx = compile_for(streams(name)._replace(RULE=1), (9, 0))
    cubin = tmp_path / "kernel.cubin"
    subprocess.run([tool("ptxas"), "-arch=sm_90", "-o", cubin, "-"], input=ptx, text=True, check=True)
    sass = subprocess.run([tool("nvdisasm"), "-c", cubin], capture_output=True, text=True, check=True).stdout
    code = [line for line in sass.splitlines() if re.match(r"\s+/\*[0-9a-f]{4,5}\*/", line)]
    shuffles = [i for i, line in enumerate(code) if "SHFL.IDX" in line]
    runs = [shuffles[i + 7] - shuffles[i] for i in range(len(shuffles) - 7)]
    assert min(runs) / 7 <= PIXEL[name == "across"]
