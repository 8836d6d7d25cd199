"""How fast the CUDA backend is: time, bandwidth, and multiple of the memory floor, beside its rivals in the same run.

The floor is the mandatory traffic (each input read once, each output written once) over the bandwidth of a large copy
on the device, bytes read plus bytes written. Times are medians of CUDA events after a warm-up. The rivals: a launch
for every column (the published design), a loop over columns in torch, and the same with its step compiled.
Where the profiler `ncu` works, it says what went through the device memory.

    python analysis/gpu_benchmark.py

Every figure is written as soon as it is known; a case that fails says why, and the others go on. The table comes last.
"""

from __future__ import annotations

import contextlib
import gc
import io
import sys
import time
from dataclasses import dataclass

import _gpu_timing as timing
import _record
import _rivals
import torch
from _gpu_report import comparisons, table

import spnkit
from spnkit.backends import BackendUnavailableError, backend

SMALL_FACTOR = 32
MINUTES = 7  # after which no case is begun
ROW = 32  # captured calls in a row, where one is short
COMPILING = 120  # seconds for torch.compile at most
UNIT = "x, gates = torch.randn(8, 32, 512, 512, device='cuda'), torch.randn(8, 4, 3, 32, 512, 512, device='cuda')"
FORWARD = f"import torch, spnkit\n{UNIT}\nspnkit.propagate(x, gates)\ntorch.cuda.synchronize()"
BACKWARD = (
    f"import torch, spnkit\n{UNIT}\nx.requires_grad_(), gates.requires_grad_()\ny = spnkit.propagate(x, gates)\n"
    "y.backward(x.detach())\ntorch.cuda.synchronize()"
)


@dataclass
class Case:
    """One row: what is called, the bytes that it must move, the goal in floors or microseconds, calls at a time."""

    call: object
    moved: int | None = None
    floors: float | None = None
    us: float | None = None
    calls: int = 1
    repeats: int = 20


def inputs(n, c, h, w, directions=4, channels=None):
    """A random map and gates that are worth clipping."""
    return torch.randn(n, c, h, w, device="cuda"), torch.randn(n, directions, 3, channels or c, h, w, device="cuda")


def there_and_back(x, gates):
    """One forward and backward pass."""
    x, gates = x.detach().requires_grad_(), gates.detach().requires_grad_()
    grad = torch.randn_like(x)

    def call():
        return torch.autograd.grad(spnkit.propagate(x, gates), (x, gates), grad)

    return call


def one_direction(side, direction):
    """A scan of planes that fill the GPU."""
    x, gates = inputs(16, 8, side, side, directions=1)
    return Case(lambda: spnkit.scan(x, gates[:, 0], direction), 5 * x.nbytes, floors=1.15)


def fused(side, dtype=torch.float32, channels=None):
    """Four directions and their max."""
    x, gates = (tensor.to(dtype) for tensor in inputs(8, 32, side, side, channels=channels))
    goal = 1.25 if dtype == torch.float32 and channels is None else None
    return Case(lambda: spnkit.propagate(x, gates), gates.nbytes + 2 * x.nbytes, floors=goal)


def trained(side, dtype=torch.float32):
    """The same and its gradients."""
    x, gates = (tensor.to(dtype) for tensor in inputs(8, 32, side, side))
    goal = 1.6 if dtype == torch.float32 else None
    return Case(there_and_back(x, gates), 3 * gates.nbytes + 5 * x.nbytes, floors=goal)


def hidden_layer(side, replayed):
    """The paper's: small enough for the cost of launches to show."""
    x, gates = inputs(1, 32, side, side)
    if replayed:
        return Case(timing.in_a_row(lambda: spnkit.propagate(x, gates), ROW), us=25, calls=ROW)
    return Case(lambda: spnkit.propagate(x, gates))


def per_column(side):
    """The published design, in a graph; checked before it is timed."""
    from _gpu_rivals import launch_per_column

    x, gates = inputs(16, 8, side, side, directions=1)
    call = launch_per_column(x, spnkit.normalize_gates(gates[:, 0]))
    if not torch.allclose(call(), spnkit.scan(x, gates[:, 0], "left_to_right"), atol=1e-4):
        raise ArithmeticError("it computes something else")
    return Case(timing.captured(call), 5 * x.nbytes, repeats=5)


def torch_loop(side, compiled):
    """Columns in torch."""
    x, gates = inputs(8, 32, side, side)
    step = torch.compile(_rivals.column) if compiled else _rivals.column
    return Case(lambda: _rivals.torch_loop(x, gates, step), gates.nbytes + 2 * x.nbytes, repeats=3)


def cases(shrink):
    """Name and maker of every case, what matters most first."""
    yield "hidden layer, in a graph", lambda: hidden_layer(64 // min(shrink, 8), True)
    yield "forward", lambda: fused(512 // shrink)
    yield "forward and backward", lambda: trained(512 // shrink)
    for direction in spnkit.DIRECTIONS:
        yield direction, lambda d=direction: one_direction(1024 // shrink, d)
    yield "forward, shared gates", lambda: fused(512 // shrink, channels=1)
    yield "forward, bfloat16", lambda: fused(512 // shrink, torch.bfloat16)
    yield "there and back, bfloat16", lambda: trained(512 // shrink, torch.bfloat16)
    yield "hidden layer, eager", lambda: hidden_layer(64 // min(shrink, 8), False)
    yield "rival: launch per column", lambda: per_column(1024 // shrink)
    yield "rival: torch loop", lambda: torch_loop(512 // shrink, False)
    yield "rival: torch.compile", lambda: torch_loop(512 // shrink, True)


def timed(make, speed, seconds):
    """A row of the table; why there is none, if there is none."""
    try:
        with timing.limited(seconds):
            case = make()
            ms = timing.median_ms(case.call, case.repeats) / case.calls
    except Exception as error:  # whatever it is, the other cases go on
        return {"failed": f"{type(error).__name__}: {error}"[:300]}
    row = {"ms": ms}
    if case.moved:
        row |= {"GB/s": case.moved / ms / 1e6, "floors": ms * speed / case.moved}
    if case.floors or case.us:
        goal, reached = (case.floors, row.get("floors")) if case.floors else (case.us, ms * 1e3)
        row |= {"goal": f"{goal} {'floors' if case.floors else 'us'}", "met": reached <= goal}
    return row


def check():
    """The kernels compute what the CPU computes in float64; nothing is timed before that."""
    x, gates = inputs(2, 3, 70, 600)
    results = spnkit.propagate(x, gates, integration="sum"), *_gradients(x, gates)
    exact = [tensor.cpu().double() for tensor in (x, gates)]
    for ours, theirs in zip(results, (spnkit.propagate(*exact, integration="sum"), *_gradients(*exact)), strict=True):
        gap = (ours.cpu().double() - theirs).abs().max() / theirs.abs().max().clamp(min=1)
        if not gap < 2e-5:
            sys.exit(f"the CUDA backend is wrong by {gap:.2g}")


def _gradients(x, gates):
    x, gates = x.detach().requires_grad_(), gates.detach().requires_grad_()
    y = spnkit.propagate(x, gates, integration="sum", normalization="softmax")
    return torch.autograd.grad(y, (x, gates), torch.ones_like(y))


def measure(options, keep):
    """All figures, each of which `keep` is told as soon as it is there."""
    begin = time.monotonic()
    speed = timing.bandwidth()
    figures = {"copy GB/s": speed / 1e6, "driver": timing.driver(), "cases": {}, "comparisons": {}}
    for name, make in cases(SMALL_FACTOR if options.small else 1):
        left = 60 * MINUTES - (time.monotonic() - begin)
        row = timed(make, speed, min(left, COMPILING)) if left > 0 else {"failed": "no time left"}
        figures["cases"][name] = row
        figures["comparisons"] = comparisons(figures["cases"])
        keep(figures)
        print(f"{time.monotonic() - begin:5.0f} s  {name}: {row}", flush=True)
        gc.collect()
        torch.cuda.empty_cache()
        if name == "hidden layer, eager" and "ms" in row:
            figures |= beyond_events()
    keep(figures)
    return figures


def beyond_events():
    """The host's share of a call of one launch, and what the profiler sees of the kernels."""
    small = inputs(1, 256, 8, 8)
    programs = {"forward": (FORWARD, "forward_float32"), "backward": (BACKWARD, "backward_float32")}
    host = timing.host_us(lambda: spnkit.propagate(*small))
    return {"host us": host, "profiler": {key: timing.profiled(*program) for key, program in programs.items()}}


def main():
    """Time everything; the table comes last, and the exit status says whether every case ran."""
    options = _record.parser(__doc__).parse_args()
    if not torch.cuda.is_available():
        sys.exit("gpu_benchmark needs an NVIDIA GPU, and torch finds none")
    try:
        backend("cuda")
    except BackendUnavailableError as error:
        sys.exit(str(error))
    torch.manual_seed(options.seed)

    def keep(figures):
        with contextlib.redirect_stdout(io.StringIO()):
            _record.write("gpu_benchmark", figures, seed=options.seed, out=_record.folder(options))

    check()
    figures = measure(options, keep)
    print(_record.folder(options) / "gpu_benchmark.json")
    table(figures)
    sys.exit(any("failed" in row for row in figures["cases"].values()))


if __name__ == "__main__":
    main()
