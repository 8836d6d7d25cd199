"""The readable backend: the definition, called pixel by pixel from plain loops. Slow, for checks and study."""

from __future__ import annotations

import numpy as np

from spnkit.directions import OFFSETS, orient
from spnkit.integration import integrated, share, wins
from spnkit.normalization import gate_gradients, normalized
from spnkit.recurrence import gathered, input_gradient, propagated, sent, weight_gradients

READS_TENSORS = False


def forward(x, gates, y, winner, plan, _hidden=None):
    """See `spnkit.backends`."""
    for n, c, own in _planes(x, gates):
        for d, direction in enumerate(plan.directions):
            h = np.empty(x.shape[2:], x.dtype)
            scan(orient(x[n, c], direction), orient(gates[n, d, :, own], direction), orient(h, direction), plan)
            if y.ndim == 5:
                y[n, d, c] = h
            else:
                _integrate(h, d, y[n, c], None if winner is None else winner[n, c], plan.integration)


def backward(grad, winner, x, gates, dx, dgates, plan, _hidden=None):
    """See `spnkit.backends`."""
    dx[...] = 0
    if dgates is not None:
        dgates[...] = 0
    total = len(plan.directions)
    for n, c, own in _planes(x, gates):
        for d, direction in enumerate(plan.directions):
            won = winner[n, c] == d if winner is not None else np.ones(x.shape[2:], bool)
            mine = grad[n, d, c] if grad.ndim == 5 else grad[n, c]
            g = np.array([share(a, b, total, plan.integration) for a, b in zip(mine.flat, won.flat, strict=True)])
            maps = (g.reshape(mine.shape), x[n, c], gates[n, d, :, own], dx[n, c])
            into = None if dgates is None else orient(dgates[n, d, :, own], direction)
            scan_adjoint(*(orient(m, direction) for m in maps), into, plan)


def hidden_bytes(_shape, _itemsize, _plan):
    """No memory is kept from the way there for the way back."""
    return 0


def scan(x, g, h, plan):
    """One direction of one plane: x, h (steps, lanes), g (K, steps, lanes)."""
    for t, k in np.ndindex(*x.shape):
        p, neighbours = _connections(x, g, h, t, k, plan)
        h[t, k] = propagated(x[t, k], p, neighbours, x[t, k] if plan.anchored else x.dtype.type(0))


def scan_adjoint(grad, x, g, dx, dg, plan):
    """The adjoint of `scan`: adds the gradients of one plane to dx, and to dg where it is not None."""
    h = np.empty_like(x)
    scan(x, g, h, plan)
    steps, lanes = x.shape
    q = np.zeros((len(g), steps + 1, lanes + 2), x.dtype)  # what each pixel sends back; its border stays zero
    offsets = OFFSETS[len(g)]
    for t, k in np.ndindex(steps, lanes):
        t = steps - 1 - t
        received = tuple(q[o, t + 1, k + 1 - offset] for o, offset in enumerate(offsets))
        a = gathered(grad[t, k], received)
        p, neighbours = _connections(x, g, h, t, k, plan)
        given = sent(a, p)
        q[:, t, k + 1] = given
        dx[t, k] += input_gradient(a, given)
        if dg is not None and t > 0:
            dp = weight_gradients(a, neighbours, x[t, k])
            gate = tuple(g[:, t, k])
            dg[:, t, k] += gate_gradients(gate, normalized(gate, plan.normalization), dp, plan.normalization)


def _connections(x, g, h, t, k, plan):
    """Weights and neighbours of one pixel; one outside the map counts as the pixel itself, with weight 0."""
    offsets = OFFSETS[len(g)]
    inside = [t > 0 and 0 <= k + offset < x.shape[1] for offset in offsets]
    p = normalized(tuple(g[:, t, k]), plan.normalization)
    p = tuple(p_o if there else x.dtype.type(0) for p_o, there in zip(p, inside, strict=True))
    neighbours = tuple(h[t - 1, k + o] if there else x[t, k] for o, there in zip(offsets, inside, strict=True))
    return p, neighbours


def _integrate(h, d, y, winner, rule):
    """Add direction number `d` to the map."""
    for node in np.ndindex(*h.shape):
        if winner is not None and (d == 0 or wins(h[node], y[node])):
            winner[node] = d
        y[node] = integrated(y[node], h[node], d, rule) if d else h[node]


def _planes(x, gates):
    """Every plane: sample, channel, and the channel of its gates (0 where they are shared)."""
    shared = gates.shape[3] == 1
    for n, c in np.ndindex(*x.shape[:2]):
        yield n, c, 0 if shared else c
