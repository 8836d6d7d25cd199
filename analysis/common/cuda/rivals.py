"""The published design as a rival: a launch for every column, one thread a row, weights read where they lie."""

from __future__ import annotations

import torch
from cuda.core import Stream
from numba import cuda

THREADS = 256


@cuda.jit
def column(x, p, h, t):
    """One step from left to right."""
    plane, k = cuda.grid(1) // x.shape[1], cuda.grid(1) % x.shape[1]
    if plane < x.shape[0]:
        own = x[plane, k, t]
        total = own
        for o in range(3):
            if t > 0 and 0 <= k + o - 1 < x.shape[1]:
                total += p[plane, o, k, t] * (h[plane, k + o - 1, t - 1] - own)
        h[plane, k, t] = total


def launch_per_column(x, p):
    """A call that scans x (N, C, H, W) from left to right by normalised weights p (N, 3, C, H, W)."""
    h = torch.empty_like(x)
    planes, rows, columns = x.flatten(0, 1).shape
    tensors = (x.flatten(0, 1), p.transpose(1, 2).flatten(0, 1), h.flatten(0, 1))
    arrays = [cuda.as_cuda_array(tensor) for tensor in tensors]

    def call():
        stream = Stream.from_handle(torch.cuda.current_stream().cuda_stream)
        launch = column[-(-planes * rows // THREADS), THREADS, stream]
        for t in range(columns):
            launch(*arrays, t)
        return h

    return call
