"""How fast the CPU backend is: beside a torch loop over columns, and as a multiple of the memory floor.

The floor of a forward pass is its mandatory traffic, 12 weights and 1 input read, 1 output written, for each
pixel and channel (41 values forward and backward), over the bandwidth of the best copy seen in the same run:
bytes read plus bytes written, both cores, arrays beyond the last-level cache. All contestants take turns,
and medians are reported.
"""

from __future__ import annotations

import threading
import time

import _record
import numpy as np
import torch

import spnkit

FORWARD_VALUES, BOTH_VALUES = 14, 41


def torch_loop(x, gates):
    """The unit in plain torch: a Python loop over the columns, every column vectorised."""
    p = gates / gates.abs().sum(2, keepdim=True).clamp(min=1)
    maps = []
    for d, (axis, flip) in enumerate(((3, False), (3, True), (2, False), (2, True))):
        columns = x.unbind(axis)
        weights = p[:, d].unbind(axis + 1)
        order = range(len(columns))
        order = reversed(order) if flip else order
        hidden, h = [None] * len(columns), None
        for t in order:
            h = columns[t] if h is None else _column(columns[t], weights[t], h)
            hidden[t] = h
        maps.append(torch.stack(hidden, axis))
    return torch.stack(maps).amax(0)


def _column(x, w, h):
    """x, h (N, C, lanes), w (N, 3, C, lanes): x + sum p (h - x), with the neighbours outside left out."""
    low, middle, high = w.unbind(1)
    e = h - x
    out = x + middle * e
    out[..., 1:] += low[..., 1:] * (h[..., :-1] - x[..., 1:])
    out[..., :-1] += high[..., :-1] * (h[..., 1:] - x[..., :-1])
    return out


def copy_bandwidth(megabytes):
    """A function that copies with one thread per core, and the bytes it moves."""
    source = np.ones(megabytes << 18, np.float32)
    target = np.empty_like(source)
    cores = torch.get_num_threads()
    parts = list(zip(np.array_split(target, cores), np.array_split(source, cores), strict=True))

    def copy():
        threads = [threading.Thread(target=np.copyto, args=part) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return copy, 2 * source.nbytes


def medians(contestants, rounds):
    """Median seconds of each, all taking turns, after one round that is not counted."""
    seconds = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(times)) for name, times in seconds.items()}


def measure(planes, side, rounds, megabytes, rng):
    """One size: milliseconds, multiples of the floor, and how many times faster than the loop."""
    x = torch.tensor(rng.standard_normal((1, planes, side, side)), dtype=torch.float32)
    gates = torch.tensor(rng.standard_normal((1, 4, 3, planes, side, side)), dtype=torch.float32)
    x_leaf, gates_leaf = x.clone().requires_grad_(), gates.clone().requires_grad_()
    copy, moved = copy_bandwidth(megabytes)

    def with_backward(unit):
        return lambda: torch.autograd.grad(unit(x_leaf, gates_leaf).sum(), (x_leaf, gates_leaf))

    torch.testing.assert_close(spnkit.propagate(x, gates), torch_loop(x, gates), rtol=0, atol=1e-4)
    contestants = {"copy": copy, "forward": lambda: spnkit.propagate(x, gates), "both": with_backward(spnkit.propagate)}
    contestants |= {"torch forward": lambda: torch_loop(x, gates), "torch both": with_backward(torch_loop)}
    for direction in spnkit.DIRECTIONS:
        contestants[direction] = lambda name=direction: spnkit.scan(x, gates[:, 0], name)
    seconds = medians(contestants, rounds)
    bandwidth = moved / seconds["copy"]
    return {
        "planes": planes,
        "side": side,
        "copy_gigabytes_per_second": bandwidth / 1e9,
        "milliseconds": {name: 1e3 * value for name, value in seconds.items() if name != "copy"},
        "forward_over_floor": seconds["forward"] * bandwidth / (FORWARD_VALUES * x.nbytes),
        "both_over_floor": seconds["both"] * bandwidth / (BOTH_VALUES * x.nbytes),
        "torch_loop_over_forward": seconds["torch forward"] / seconds["forward"],
        "torch_loop_over_both": seconds["torch both"] / seconds["both"],
    }


def main() -> None:
    """Measure, write the result, and print a line for each size."""
    options = _record.parser(__doc__).parse_args()
    rng = np.random.default_rng(options.seed)
    sizes = [(8, 32)] if options.small else [(32, 64), (32, 128), (32, 256)]
    rounds, megabytes = (1, 8) if options.small else (5, 256)
    results = [measure(planes, side, rounds, megabytes, rng) for planes, side in sizes]
    _record.write("cpu_speed", {"sizes": results}, seed=options.seed, out=_record.folder(options))
    for result in results:
        print(
            "{planes} x {side} x {side}: forward {0:.2f} ms, {forward_over_floor:.1f} x floor, "
            "{torch_loop_over_forward:.0f} x torch loop; with backward {1:.2f} ms, {both_over_floor:.1f} x floor, "
            "{torch_loop_over_both:.0f} x torch loop; copy {copy_gigabytes_per_second:.0f} GB/s".format(
                result["milliseconds"]["forward"], result["milliseconds"]["both"], **result
            )
        )


if __name__ == "__main__":
    main()
