"""How fast the CUDA backend is: time, bandwidth, and multiple of the memory floor, beside its rivals in the same run.

The floor is the mandatory traffic (each input read once, each output written once) over the bandwidth of a large copy
on the device, bytes read plus bytes written. Times are medians of CUDA events after a warm-up. The rivals: a launch
for every column (the published design), a loop over columns in torch, and the same with its step compiled.
Where the profiler `ncu` works, it says what bandwidth the device memory saw.

    python analysis/gpu_benchmark.py

Before it: `compute-sanitizer --tool memcheck python -m pytest -m sanitize tests/cuda`, and `--tool racecheck`.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time

import _record
import _rivals
import torch

import spnkit
from spnkit.backends import BackendUnavailableError, backend

SMALL_FACTOR = 8
COPIED = 1 << 30  # bytes


def median_ms(call, repeats=20, warm=3):
    """Median time on the device."""
    for _ in range(warm):
        call()
    marks = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)]
    for begin, end in marks:
        begin.record()
        call()
        end.record()
    torch.cuda.synchronize()
    return statistics.median(begin.elapsed_time(end) for begin, end in marks)


def captured(call):
    """The call as a CUDA graph, without its cost on the host."""
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def host_us(call, calls=200):
    """Time that the host spends on a call, the device being ahead."""
    call()
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    spent = time.perf_counter() - begin
    torch.cuda.synchronize()
    return spent / calls * 1e6


def bandwidth():
    """Bytes per millisecond of a copy."""
    source = torch.empty(COPIED // 4, device="cuda").normal_()
    target = torch.empty_like(source)
    return 2 * COPIED / median_ms(lambda: target.copy_(source))


def inputs(n, c, h, w, directions=4, shared=False):
    """A random map and gates that are worth clipping."""
    x = torch.randn(n, c, h, w, device="cuda")
    return x, torch.randn(n, directions, 3, 1 if shared else c, h, w, device="cuda")


def there_and_back(x, gates):
    """One forward and backward pass."""
    x, gates = x.detach().requires_grad_(), gates.detach().requires_grad_()
    grad = torch.randn_like(x)

    def call():
        return torch.autograd.grad(spnkit.propagate(x, gates), (x, gates), grad)

    return call


def launch_per_column(x, p):
    """The published design, from left to right: one thread a row, one launch a column, weights read where they lie."""
    from numba import cuda

    @cuda.jit
    def column(x, p, h, t):
        plane, k = cuda.grid(1) // x.shape[1], cuda.grid(1) % x.shape[1]
        if plane < x.shape[0]:
            own = x[plane, k, t]
            total = own
            for o in range(3):
                if t > 0 and 0 <= k + o - 1 < x.shape[1]:
                    total += p[plane, o, k, t] * (h[plane, k + o - 1, t - 1] - own)
            h[plane, k, t] = total

    h = torch.empty_like(x).flatten(0, 1)
    planes, rows, columns = h.shape
    arrays = [cuda.as_cuda_array(t) for t in (x.flatten(0, 1), p[:, 0].transpose(1, 2).flatten(0, 1), h)]

    def call():
        stream = cuda.external_stream(torch.cuda.current_stream().cuda_stream)
        launch = column[-(-planes * rows // 256), 256, stream]
        for t in range(columns):
            launch(*arrays, t)
        return h

    return call


def driver():
    """The version of the NVIDIA driver."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True).stdout.strip() if shutil.which(query[0]) else "unknown"


PROFILED = """
import torch, spnkit
x, gates = torch.randn(8, 32, 512, 512, device="cuda"), torch.randn(8, 4, 3, 32, 512, 512, device="cuda")
spnkit.propagate(x, gates)
torch.cuda.synchronize()
"""


def profiled():
    """Device memory bandwidth of the fused forward kernel in GB/s, or why it is not known."""
    metric = ["--metrics", "dram__bytes.sum.per_second", "--print-units", "base", "--kernel-name", "regex:forward"]
    try:
        command = ["ncu", "--csv", *metric, sys.executable, "-c", PROFILED]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
        row = [line for line in done.stdout.splitlines() if "dram__bytes" in line][-1]
        number = float(row.rsplit('","', 1)[1].strip('"').replace(",", ""))
        return f"{number / 1e9:.0f}"
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        return f"unknown ({type(error).__name__})"


def check():
    """The kernels compute what the CPU computes in float64; nothing is timed before that."""
    x, gates = inputs(2, 3, 70, 600)
    gap = spnkit.propagate(x, gates).cpu().double() - spnkit.propagate(x.cpu().double(), gates.cpu().double())
    if not gap.abs().max() < 1e-4:
        sys.exit(f"the CUDA backend is wrong by {gap.abs().max():.2g}")


def cases(small):
    """Each case: its name, the call, and the bytes that it must move (None where the floor says nothing)."""
    shrink = SMALL_FACTOR if small else 1
    x, gates = inputs(16, 8, 1024 // shrink, 1024 // shrink, directions=1)
    for direction in spnkit.DIRECTIONS:
        yield f"forward {direction}", lambda d=direction: spnkit.scan(x, gates[:, 0], d), 5 * x.nbytes
    p = spnkit.normalize_gates(gates)
    rival = launch_per_column(x, p)
    if not torch.allclose(rival().view_as(x), spnkit.scan(x, gates[:, 0], "left_to_right"), atol=1e-4):
        sys.exit("the rival kernel computes something else")
    yield "rival: launch per column", captured(rival), 5 * x.nbytes
    del p, rival
    x, gates = inputs(8, 32, 512 // shrink, 512 // shrink)
    moved = gates.nbytes + 2 * x.nbytes
    yield "forward, four directions", lambda: spnkit.propagate(x, gates), moved
    yield "forward and backward", there_and_back(x, gates), 3 * gates.nbytes + 5 * x.nbytes
    yield "rival: torch loop", lambda: _rivals.torch_loop(x, gates), moved
    step = torch.compile(_rivals.column)
    yield "rival: torch.compile", lambda: _rivals.torch_loop(x, gates, step), moved
    x, gates = inputs(8, 32, 512 // shrink, 512 // shrink, shared=True)
    yield "forward, shared gates", lambda: spnkit.propagate(x, gates), 2 * x.nbytes + gates.nbytes
    x, gates = (tensor.bfloat16() for tensor in inputs(8, 32, 512 // shrink, 512 // shrink))
    yield "forward, bfloat16", lambda: spnkit.propagate(x, gates), gates.nbytes + 2 * x.nbytes
    x, gates = inputs(1, 32, 64, 64)
    yield "hidden layer", lambda: spnkit.propagate(x, gates), None
    yield "hidden layer, captured", captured(lambda: spnkit.propagate(x, gates)), None


def main():
    """Time everything; the table comes last."""
    options = _record.parser(__doc__).parse_args()
    if not torch.cuda.is_available():
        sys.exit("gpu_benchmark needs an NVIDIA GPU, and torch finds none")
    try:
        backend("cuda")
    except BackendUnavailableError as error:
        sys.exit(str(error))
    torch.manual_seed(options.seed)
    check()
    speed, rows = bandwidth(), {}
    for name, call, moved in cases(options.small):
        repeats = 5 if name.startswith("rival") else 20
        row = {"ms": median_ms(call, repeats)}
        if moved:
            row |= {"GB/s": moved / row["ms"] / 1e6, "floors": row["ms"] * speed / moved}
        rows[name] = row
        print(name, row, flush=True)
    small = inputs(1, 32, 64, 64)
    host = host_us(lambda: spnkit.propagate(*small))
    seen = profiled()
    figures = {"copy GB/s": speed / 1e6, "host us": host, "profiler GB/s": seen, "cases": rows, "driver": driver()}
    _record.write("gpu_benchmark", figures, seed=options.seed, out=_record.folder(options))
    print(f"\ncopy {speed / 1e6:.0f} GB/s, host {host:.0f} us a call, four directions by the profiler: {seen} GB/s")
    print(f"{'case':28} {'ms':>9} {'GB/s':>7} {'floors':>7}")
    for name, row in rows.items():
        print(f"{name:28} {row['ms']:9.3f} {row.get('GB/s', float('nan')):7.0f} {row.get('floors', float('nan')):7.2f}")


if __name__ == "__main__":
    main()
