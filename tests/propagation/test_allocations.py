"""What a call takes of memory: its results, and scratch that does not grow; no copy of an input, however it lies."""

import json
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import spnkit

ROOM = 1 << 20
"""Bytes of tiles, stacks and bookkeeping that a call may take beside its results, whatever its size."""
PLANE = 128 * 128 * 4
KEPT = {"backward, shared gates": 2 * 30 + 4 * 12, "backward": 2 * 16, "shared gates": 2 * 20, "expanded": 2 * 20}
"""Planes in scratch, however many there are in all: on the way back each of two threads keeps what it needs of one. Of
those that share gates it works on four at once and keeps the twelve gates; their gradients are summed in four parts."""

MEASURE = """
import json
import numpy as np, spnkit, torch

def status(key):
    line = next(line for line in open("/proc/self/status") if line.startswith(key))
    return int(line.split()[1]) * 1024

def taken(call):
    "Peak of the resident set during a call, beyond what was there before and what the call returns."
    open("/proc/self/clear_refs", "w").write("5")  # the peak starts anew
    before = status("VmRSS")
    results = call()
    peak = status("VmHWM")
    return peak - before - sum(result.nbytes for result in results)

def beyond_results(call):
    "The least of three calls: whatever else goes on in the process only adds to what a call takes."
    call()  # compiles, and starts the threads
    return min(taken(call) for _ in range(3))

def tracked(x, gates):
    "The output, one byte for each pixel, and some rows of h."
    y = spnkit.propagate(x, gates)
    return y, *y.grad_fn.saved_tensors[2:]

tensor = lambda *shape: torch.randn(*shape)
forward = lambda x, gates: (spnkit.propagate(x, gates),)
found = {}
for planes in (8, 32):
    x, gates = tensor(1, planes, 128, 128), tensor(1, 4, 3, planes, 128, 128)
    found[f"forward, {planes} planes"] = beyond_results(lambda: forward(x, gates))
    found[f"NumPy, {planes} planes"] = beyond_results(lambda: forward(x.numpy(), gates.numpy()))
    a, b = x.clone().requires_grad_(), gates.clone().requires_grad_()
    found[f"with gradients, {planes} planes"] = beyond_results(lambda: tracked(a, b))
    y = spnkit.propagate(a, b)
    back = lambda: torch.autograd.grad(y, (a, b), x, retain_graph=True)
    found[f"backward, {planes} planes"] = beyond_results(back)
    shared = tensor(1, 4, 3, 1, 128, 128)
    found[f"shared gates, {planes} planes"] = beyond_results(lambda: forward(x, shared))
"""
IN_EVERY_LIE = """
b = shared.clone().requires_grad_()
y = spnkit.propagate(a, b)
found["backward, shared gates"] = beyond_results(back)

last = torch.channels_last
arranged = gates.flatten(1, 3).contiguous(memory_format=last).unflatten(1, (4, 3, planes))
x_last = x.contiguous(memory_format=last)
padded, wide = tensor(1, planes, 130, 131), tensor(1, 4, 3, planes, 130, 131)
inputs = {
    "channels last": (x_last, arranged),
    "transposed": (x.mT, gates.mT),
    "sliced": (padded[..., 1:-1, 1:-2], wide[..., 1:-1, 1:-2]),
    "flipped": (x.numpy()[..., ::-1, ::-1], gates.numpy()[..., ::-1, ::-1]),
}
for name, (u, v) in inputs.items():
    found[name] = beyond_results(lambda: forward(u, v))
for name in ("channels last", "transposed", "sliced"):
    a, b = (t.detach().requires_grad_() for t in inputs[name])
    y = spnkit.propagate(a, b)
    x = torch.ones_like(y)
    found[f"backward, {name}"] = beyond_results(back)
del inputs, wide, padded, arranged, x_last, gates

def expanded(x, gates, *size):
    return x.expand(1, *size), gates.expand(1, 4, 3, *size)

one, three = tensor(1, 1, 1, 1), tensor(1, 4, 3, 1, 1, 1)
found["expanded"] = beyond_results(lambda: forward(*expanded(one, three, 32, 128, 128)))
"""


def beyond_results(program, threads):
    """Bytes that calls of a fresh process took beyond their results, by case of the program."""
    pytest.importorskip("torch")
    # Whatever is larger than this gets pages of its own, so that no memory freed before hides what a call takes.
    environment = os.environ | {
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "0",
        "OMP_NUM_THREADS": str(threads),
        "NUMBA_NUM_THREADS": str(threads),
    }
    command = [sys.executable, "-c", f"{program}\nprint(json.dumps(found))"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


tells_its_peak = pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="Linux tells the peak of the resident set"
)


@tells_its_peak
def test_calls_take_their_results_and_scratch():
    taken = beyond_results(MEASURE + IN_EVERY_LIE, threads=2)
    kept = {name: next((n for case, n in KEPT.items() if name.startswith(case)), 0) for name in taken}
    too_much = {name: f"{n / 2**20:.1f} MiB" for name, n in taken.items() if n > ROOM + PLANE * kept[name]}
    assert not too_much


@tells_its_peak
def test_scratch_does_not_grow_with_the_planes():
    # One thread: of two, a busy machine may have let only one work, and so touch its scratch, in either case.
    taken = beyond_results(MEASURE, threads=1)
    for way in ("forward", "with gradients", "backward", "shared gates"):
        assert taken[f"{way}, 32 planes"] < taken[f"{way}, 8 planes"] + ROOM


def test_numpy_calls_allocate_the_output_alone(rng):
    x, gates = (rng.standard_normal(shape, np.float32) for shape in ((1, 32, 128, 128), (1, 4, 3, 32, 128, 128)))
    spnkit.propagate(x, gates)  # compiles
    tracemalloc.start()
    try:
        y = spnkit.propagate(x, gates)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < y.nbytes + ROOM
