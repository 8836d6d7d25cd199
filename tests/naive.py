"""The first oracle: dense and straight from the paper, h_t = (I - d_t) x_t + w_t h_{t-1} with real matrices.

It shares no code with spnkit.
"""

import numpy as np

RULES = ("clip", "always", "softmax", "sigmoid", "none")

TO_LEFT_RIGHT = {  # how a map is turned so that the scan runs from left to right, and back
    "left_to_right": (lambda a: a, lambda a: a),
    "right_to_left": (np.fliplr, np.fliplr),
    "top_to_bottom": (np.transpose, np.transpose),
    "bottom_to_top": (lambda a: np.fliplr(a.T), lambda a: np.fliplr(a).T),
}


def normalize(gates, rule):
    """(K, ...) gates to weights, each rule as written down in the literature."""
    if rule == "none":
        return gates
    if rule == "softmax":
        lifted = np.exp(gates - gates.max(0))
    elif rule == "sigmoid":
        lifted = 1 / (1 + np.exp(-gates))
    else:
        lifted = gates
    s = np.abs(lifted).sum(0)
    if rule == "clip":
        return np.where(s > 1, lifted / np.where(s > 1, s, 1), lifted)
    return np.divide(lifted, s, out=np.zeros_like(lifted), where=s > 0)


def scan(x, gates, direction, rule="none"):
    """One plane: x (H, W), gates (K, H, W)."""
    turn, back = TO_LEFT_RIGHT[direction]
    x, p = turn(x), np.stack([turn(g) for g in normalize(gates, rule)])
    n, columns = x.shape
    h = x.copy()
    for t in range(1, columns):
        w = np.zeros((n, n), x.dtype)
        for row in range(n):
            for k, column in enumerate([row] if len(p) == 1 else [row - 1, row, row + 1]):
                if 0 <= column < n:
                    w[row, column] = p[k, row, t]
        d = np.diag(w.sum(1))
        h[:, t] = (np.eye(n) - d) @ x[:, t] + w @ h[:, t - 1]
    return back(h)


def propagate(x, gates, directions, rule, integration):
    """x (N, C, H, W), gates (N, D, K, C or 1, H, W)."""
    n, c, height, width = x.shape
    gates = np.broadcast_to(gates, (*gates.shape[:3], c, height, width))
    maps = np.array(
        [
            [[scan(x[i, j], gates[i, d, :, j], name, rule) for j in range(c)] for d, name in enumerate(directions)]
            for i in range(n)
        ]
    )
    if integration is None:
        return maps
    return {"max": np.max, "mean": np.mean, "sum": np.sum}[integration](maps, axis=1)


def double(maps):
    """Maps (..., H, W) at twice the size: a pixel's centre lies a quarter from the nearer one, the border repeats."""
    for axis in (-2, -1):
        at = np.arange(2 * maps.shape[axis])
        near, far = at // 2, np.clip(at // 2 + at % 2 * 2 - 1, 0, maps.shape[axis] - 1)
        maps = 0.75 * maps.take(near, axis) + 0.25 * maps.take(far, axis)
    return maps
