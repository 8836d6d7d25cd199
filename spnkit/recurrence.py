"""THE definition: one pixel of the linear propagation, forward and adjoint.

Everything that computes a scan, on any machine, compiles these few lines. They are written for plain
scalars; the CPU backend compiles them for vector registers, a GPU backend for threads. `p`, `neighbours` and
`q` are tuples over the connections of a pixel: one (straight behind) or three (offsets -1, 0, +1).

A neighbour outside the map is no neighbour: the caller gives it weight 0, so it leaves both sums
of Eq. (10), and every row of G still sums to one.
"""


def propagated(x, p, neighbours, anchor):
    """h of one pixel, Eq. (10): x drawn towards each neighbour of the previous step by its weight.

    With `anchor = x` this is (1 - sum p) x + sum p h, written as a blend: a constant map stays exactly
    constant, and no literal can widen the type. With `anchor = 0` it is x + sum p h, the linear
    recurrence alone, in which derivatives of every order travel.
    """
    h = x
    for o in range(len(p)):
        h = h + p[o] * (neighbours[o] - anchor)
    return h


def gathered(grad, q):
    """Total gradient `a` at h of one pixel: its own, and the `q` that the next step sends back to it."""
    a = grad
    for o in range(len(q)):
        a = a + q[o]
    return a


def sent(a, p):
    """What one pixel sends back to each neighbour, its row of w_t^T a."""
    if len(p) == 1:
        return (p[0] * a,)
    return (p[0] * a, p[1] * a, p[2] * a)


def input_gradient(a, q):
    """Gradient at x of one pixel: (1 - sum p) a, from the `q` it sent."""
    dx = a
    for o in range(len(q)):
        dx = dx - q[o]
    return dx


def weight_gradients(a, neighbours, x):
    """Gradient at each weight of one pixel."""
    if len(neighbours) == 1:
        return (a * (neighbours[0] - x),)
    return (a * (neighbours[0] - x), a * (neighbours[1] - x), a * (neighbours[2] - x))
