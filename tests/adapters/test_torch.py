"""The torch operator: gradients of every order and mode, compilers, autocast, threads, odd gradients."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from naive import RULES
from tolerances import assert_close

import spnkit
from spnkit.backends import backend as module
from spnkit.plan import plan
from spnkit.propagation import scan_adjoint

torch = pytest.importorskip("torch")
torch_recurrence = pytest.importorskip("spnkit.adapters.torch").torch_recurrence  # and registers the operators

SETTINGS = (list(spnkit.DIRECTIONS), "clip", "max", "auto")


def problem(connections=3, channels=2, shape=(5, 6), dtype=torch.float64, requires_grad=True, samples=2):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(samples, 2, *shape, dtype=torch.float64, generator=generator)
    gates = torch.randn(samples, 4, connections, channels, *shape, dtype=torch.float64, generator=generator)
    return x.to(dtype).requires_grad_(requires_grad), gates.to(dtype).requires_grad_(requires_grad)


def loss(x, gates):
    return spnkit.propagate(x, gates).square().sum()


PER_CHANNEL = [pytest.param(2, rule, id=f"per-channel-{rule}") for rule in RULES]
SHARED = [pytest.param(1, rule, id=f"shared-{rule}") for rule in ("clip", "none")]  # sums over channels know no rule


@pytest.mark.parametrize(("channels", "rule"), [*PER_CHANNEL, *SHARED])
def test_gradcheck(backend, connections, channels, rule):
    x, gates = problem(connections, channels, shape=(3, 3), samples=1)
    if rule == "none":
        gates = (0.3 * gates).detach().requires_grad_()

    def scans(x, gates):
        return spnkit.propagate(x, gates, normalization=rule, integration="sum", backend=backend)

    assert torch.autograd.gradcheck(scans, (x, gates), fast_mode=backend == "reference")


@pytest.mark.parametrize("integration", ["max", "mean", "sum", None])
def test_gradgradcheck(connections, integration):
    def unit(x, gates):
        return spnkit.propagate(x, gates, integration=integration)

    assert torch.autograd.gradgradcheck(unit, problem(connections, shape=(3, 4), samples=1), fast_mode=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (17, 19), (33, 16)])
def test_gradients_agree_between_backends(connections, shape):
    x, gates = problem(connections, channels=1, shape=shape)
    ours = torch.autograd.grad(loss(x, gates), (x, gates))
    plain = spnkit.propagate(x, gates, backend="reference").square().sum()
    for a, b in zip(ours, torch.autograd.grad(plain, (x, gates)), strict=True):
        assert_close(a, b)


def cascade(unit, x, gates):
    return unit(unit(x, gates).sin(), gates).square().sum()


LOSSES = {
    "a square": lambda unit, x, gates: unit(x, gates).square().sum(),
    "a cascade": cascade,
    "gates made of the map": lambda unit, x, gates: unit(x, gates * x[:, None, None].cos()).sum(),
}


@pytest.mark.parametrize("loss_of", LOSSES.values(), ids=LOSSES)
def test_derivatives_of_every_order_where_map_gates_and_gradient_depend_on_each_other(loss_of):
    """Against the composition, whose every step is differentiated by torch."""
    resolved = plan(spnkit.DIRECTIONS, "clip", "max")

    def composed(x, gates):
        return torch_recurrence.propagate(x, gates, resolved, "reference")

    def derivatives(unit):
        x, gates = problem(shape=(3, 4))
        found = [loss_of(unit, x, gates)]
        for _ in range(3):
            first, second = torch.autograd.grad(found[-1], (x, gates), create_graph=True)
            found.append(first.square().sum() + second.sin().sum())
        return found

    for ours, expected in zip(derivatives(spnkit.propagate), derivatives(composed), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-10)


def test_the_hessian_of_a_square_is_that_of_its_matrix():
    x = torch.tensor([[[[1.0, 0.0, 0.0]]]], dtype=torch.float64, requires_grad=True)
    gates = torch.full((1, 1, 1, 1, 3), 0.5, dtype=torch.float64)
    G = torch.tensor([[1, 0, 0], [0.5, 0.5, 0], [0.25, 0.25, 0.5]], dtype=torch.float64)
    y = spnkit.scan(x, gates, "left_to_right")
    (first,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    (row,) = torch.autograd.grad(first[0, 0, 0, 0], x)
    assert_close(row.ravel(), (2 * G.T @ G)[0])


def test_the_adjoint_scan_is_differentiable():
    x, gates = problem(shape=(3, 4), samples=1)
    one = gates[:, 0].detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda g, p: scan_adjoint(g, p, "left_to_right", normalization="clip"), (x, one))


def test_transforms_that_begin_on_the_way_back():
    x, gates = problem(shape=(4, 5), samples=1)
    y = spnkit.propagate(x, gates)
    v, t = torch.randn(2, *y.shape, dtype=torch.float64)

    def back(v):
        return torch.cat([g.ravel() for g in torch.autograd.grad(y, (x, gates), v, retain_graph=True)])

    assert_close(torch.func.jvp(back, (v,), (t,))[1], back(t))
    assert_close(torch.func.vmap(back)(torch.stack([v, t])), torch.stack([back(v), back(t)]))


def test_compiled_transforms():
    """A compiler that looked through a transform would take the derivatives for zero."""
    x, gates = (t.detach() for t in problem(shape=(4, 5), samples=1))

    def along(x, t):
        return torch.func.jvp(lambda x: spnkit.propagate(x, gates), (x,), (t,))[1]

    def gradient(x):
        return torch.func.grad(lambda x: loss(x, gates))(x)

    t = torch.randn_like(x)
    assert_close(torch.compile(along, backend="aot_eager")(x, t), along(x, t))
    assert_close(torch.compile(gradient, backend="aot_eager")(x), gradient(x))
    torch.compiler.reset()  # or what the compiler saw of the operator's insides would stand in the way of whole graphs


def test_float64_beside_float32_is_refused_under_autocast_too():
    x, gates = problem(dtype=torch.float32, requires_grad=False)
    with torch.autocast("cpu"):
        for pair in ((x.double(), gates), (x, gates.double())):
            with pytest.raises(TypeError, match="gates has dtype"):
                spnkit.propagate(*pair)
        assert spnkit.propagate(x.bfloat16(), gates).dtype == torch.float32
        mapped = torch.func.vmap(lambda x: spnkit.propagate(x, gates))(x.bfloat16()[None])
        assert mapped.dtype == torch.float32
    with pytest.raises(TypeError, match=r"gates has dtype torch\.float64, expected that of x, torch\.float32"):
        torch.ops.spnkit.propagate(x, gates.double(), *SETTINGS, False)
    nothing = torch.empty(0, dtype=torch.uint8)
    with pytest.raises(TypeError, match=r"grad has dtype torch\.float64, expected that of x, torch\.float32"):
        torch.ops.spnkit.propagate_backward(x.double(), nothing, nothing, x, gates, *SETTINGS, True)


def test_meta_tensors_have_a_shape_and_no_values():
    x, gates = (t.to("meta") for t in problem(requires_grad=False))
    assert spnkit.propagate(x, gates).shape == x.shape
    assert spnkit.propagate(x, gates, integration=None).is_meta


def test_sparse_tensors_are_refused_by_name():
    x, gates = problem(requires_grad=False)
    with pytest.raises(TypeError, match=r"x has the layout torch\.sparse_coo"):
        spnkit.propagate(x.to_sparse(), gates)


FORKED = """
import os, torch, numpy as np, spnkit
torch.set_num_threads(2)
torch.nn.Conv2d(3, 16, 3)(torch.rand(4, 3, 128, 128)).sum()  # leaves a pool of threads behind
if (child := os.fork()) == 0:
    spnkit.propagate(np.ones((1, 8, 64, 64), np.float32), np.ones((1, 4, 3, 8, 64, 64), np.float32))
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_that_is_the_first_to_propagate():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "7", done.stderr


def test_opcheck():
    x, gates = problem()
    torch.library.opcheck(torch.ops.spnkit.propagate, (x, gates, *SETTINGS, True))
    y, *kept = torch.ops.spnkit.propagate(x, gates, *SETTINGS, True)
    arguments = (torch.randn_like(y), *kept, x, gates, *SETTINGS, True)
    torch.library.opcheck(torch.ops.spnkit.propagate_backward, arguments)
    torch.library.opcheck(torch.ops.spnkit.recurrence, (x.detach(), gates[:, 0].detach(), "left_to_right", "auto"))


def test_compile_fullgraph():
    x, gates = problem()
    expected = torch.autograd.grad(loss(x, gates), (x, gates))
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    for a, b in zip(torch.autograd.grad(compiled(x, gates), (x, gates)), expected, strict=True):
        assert_close(a, b)


LOADED = """
import sys, torch
import spnkit.nn
program = torch.export.load(sys.argv[1]).module()
assert program(torch.ones(1, 2, 4, 4), torch.zeros(1, 4, 3, 2, 4, 4)).eq(1).all()
"""


def test_a_saved_program_needs_the_networks_alone(tmp_path):
    layer = pytest.importorskip("spnkit.nn").SpatialPropagation()
    program = torch.export.export(layer, (torch.ones(1, 2, 4, 4), torch.zeros(1, 4, 3, 2, 4, 4)))
    torch.export.save(program, tmp_path / "layer.pt2")
    subprocess.run([sys.executable, "-c", LOADED, str(tmp_path / "layer.pt2")], check=True)


def test_export():
    class Unit(torch.nn.Module):
        def forward(self, x, gates):
            return spnkit.propagate(x, gates)

    x, gates = problem(requires_grad=False)
    program = torch.export.export(Unit(), (x, gates))
    assert_close(program.module()(x, gates), spnkit.propagate(x, gates))


def test_functorch_transforms():
    x, gates = problem(requires_grad=False)
    leaf = x.clone().requires_grad_()
    loss(leaf, gates).backward()
    assert_close(torch.func.grad(loss)(x, gates), leaf.grad)

    several = torch.randn(3, *x.shape, dtype=x.dtype)
    mapped = torch.func.vmap(spnkit.propagate, in_dims=(0, None))(several, gates)
    assert_close(mapped, torch.stack([spnkit.propagate(one, gates) for one in several]))

    per_sample = torch.func.vmap(torch.func.grad(loss), in_dims=(0, None))(several, gates)
    assert_close(per_sample[1], torch.func.grad(loss)(several[1], gates))


def test_forward_mode():
    x, gates = problem(requires_grad=False)
    dx, dgates = torch.randn_like(x), torch.randn_like(gates)
    _, tangent = torch.func.jvp(spnkit.propagate, (x, gates), (dx, dgates))
    step = 1e-6
    moved = (spnkit.propagate(x + s * dx, gates + s * dgates) for s in (step, -step))
    forward, backward = moved
    np.testing.assert_allclose(tangent, (forward - backward) / (2 * step), atol=1e-7)
    with torch.autograd.forward_ad.dual_level():
        dual = spnkit.propagate(torch.autograd.forward_ad.make_dual(x, dx), gates)
        along_x = torch.autograd.forward_ad.unpack_dual(dual).tangent
    _, expected = torch.func.jvp(lambda x: spnkit.propagate(x, gates), (x,), (dx,))
    assert_close(along_x, expected)


def test_jacobians_agree():
    x, gates = problem(shape=(3, 3), requires_grad=False)
    backward = torch.func.jacrev(spnkit.propagate)(x, gates)
    assert_close(torch.func.jacfwd(spnkit.propagate)(x, gates), backward)
    assert torch.isfinite(torch.func.hessian(loss)(x, gates)).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    x, gates = problem(dtype=dtype)
    y = spnkit.propagate(x, gates)
    assert y.dtype == dtype
    assert_close(y.detach().float(), spnkit.propagate(x.detach().float(), gates.detach().float()), dtype)
    dx, dgates = torch.autograd.grad(y.float().sum(), (x, gates))
    assert dx.dtype == dgates.dtype == dtype


def test_autocast_computes_in_float32():
    x, gates = problem(dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        y = spnkit.propagate(x, gates.bfloat16())  # as a convolution under autocast emits them
    assert y.dtype == torch.float32
    y.sum().backward()
    assert x.grad.dtype == torch.float32
    with pytest.raises(TypeError, match="gates has dtype"):
        spnkit.propagate(x, gates.bfloat16())


def test_activation_checkpointing():
    x, gates = problem()
    expected = torch.autograd.grad(loss(x, gates), (x, gates))
    again = torch.utils.checkpoint.checkpoint(loss, x, gates, use_reentrant=False)
    for a, b in zip(torch.autograd.grad(again, (x, gates)), expected, strict=True):
        assert_close(a, b)


def test_gradients_that_are_expanded_or_strided():
    x, gates = problem()
    y = spnkit.propagate(x, gates)
    for grad in (torch.ones(1, dtype=x.dtype).expand_as(y), torch.randn_like(y).transpose(2, 3).mT, y.detach()[..., :]):
        before = grad.clone()
        strided = torch.autograd.grad(y, (x, gates), grad, retain_graph=True)
        assert torch.equal(grad, before)
        dense = torch.autograd.grad(y, (x, gates), grad.clone(memory_format=torch.contiguous_format), retain_graph=True)
        for a, b in zip(strided, dense, strict=True):
            assert torch.equal(a, b)


def test_channels_last_and_slices():
    x, gates = problem(shape=(9, 10))
    expected = spnkit.propagate(x, gates)
    assert_close(spnkit.propagate(x.to(memory_format=torch.channels_last), gates).detach(), expected.detach())
    wide = torch.nn.functional.pad(gates, (3, 2))[..., 3:-2]
    assert torch.equal(spnkit.propagate(x, wide), expected)


def test_only_what_is_needed_is_computed():
    x, gates = problem()
    (dx,) = torch.autograd.grad(loss(x, gates.detach()), x)
    (dgates,) = torch.autograd.grad(loss(x.detach(), gates), gates)
    both = torch.autograd.grad(loss(x, gates), (x, gates))
    assert torch.equal(dx, both[0])
    assert torch.equal(dgates, both[1])


def test_no_copy_and_lazy_negation():
    from spnkit.adapters.torch import _views

    x, gates = problem(requires_grad=False)
    (read,), (viewed,) = (_views(module(name), x) for name in ("cpu", "reference"))
    assert viewed.ctypes.data == x.data_ptr()
    assert read is x or read.ctypes.data == x.data_ptr()
    negated = torch.complex(x, x).conj().imag
    assert negated.is_neg()
    assert_close(spnkit.propagate(negated, gates), spnkit.propagate(-x, gates))


def test_threads_give_the_same_bits():
    x, gates = problem(shape=(40, 50), dtype=torch.float32)

    def gradients(_):
        return torch.autograd.grad(loss(x, gates), (x, gates))

    alone = gradients(None)
    with ThreadPoolExecutor(8) as pool:
        for together in pool.map(gradients, range(200)):
            assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_gradients_without_tracking_fail_loudly():
    x, gates = problem()
    with pytest.raises(RuntimeError, match="track=False"):
        torch.ops.spnkit.propagate(x, gates, *SETTINGS, False)


def test_other_devices_are_refused():
    x, gates = problem(requires_grad=False)
    with pytest.raises(ValueError, match="gates is on meta, expected the device of x, cpu"):
        spnkit.propagate(x, gates.to("meta"))
    with pytest.raises(ValueError, match="backend 'cuda' cannot take x on cpu"):
        spnkit.propagate(x, gates, backend="cuda")


def test_normalize_gates_matches_numpy_and_has_gradients():
    _, gates = problem()
    for rule in RULES:
        assert_close(spnkit.normalize_gates(gates, rule).detach(), spnkit.normalize_gates(gates.detach().numpy(), rule))
        assert torch.autograd.gradcheck(lambda g, rule=rule: spnkit.normalize_gates(g, rule), gates)


def test_extreme_gates_have_finite_gradients():
    for rule in ("clip", "always", "softmax", "sigmoid"):
        for size in (0.0, 1e4, -1e4, 1e30):
            x, gates = problem(dtype=torch.float32)
            gates = torch.full_like(gates, size).requires_grad_()
            y = spnkit.propagate(x, gates, normalization=rule)
            for gradient in torch.autograd.grad(y.sum(), (x, gates)):
                assert torch.isfinite(gradient).all(), (rule, size)


def test_result_is_an_ordinary_tensor():
    x, gates = problem()
    y = spnkit.propagate(x, gates).detach()
    assert y.is_contiguous()
    assert torch.equal(pickle.loads(pickle.dumps(y)), y)
