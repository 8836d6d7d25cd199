"""The CUDA backend on a real GPU, against the CPU backend in float64.

What is marked `sanitize` runs every kind of kernel on maps small enough for compute-sanitizer (docs/cuda_kernels.md).
"""

import numpy as np
import pytest
from tolerances import assert_close

import spnkit

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.gpu

SHAPES = [(1, 1, 1, 40), (2, 3, 33, 65), (1, 4, 70, 8), (1, 2, 600, 40), (1, 1, 9, 8192), (3, 64, 24, 24)]


def drawn(shape, device, dtype, connections=3, channels=None, directions=4):
    """Fresh random inputs, and their copies in float64 on the CPU."""
    n, c, h, w = shape
    sizes = (shape, (n, directions, connections, channels or c, h, w), shape)
    there = [torch.randn(size, device=device, dtype=dtype) for size in sizes]
    return there, [tensor.double().cpu() for tensor in there]


def unit(x, gates, grad, **options):
    """Output of a unit, alone and with its gradients, and these."""
    alone = spnkit.propagate(x, gates, **options)
    x, gates = x.detach().requires_grad_(), gates.detach().requires_grad_()
    y = spnkit.propagate(x, gates, **options)
    grad = grad if y.ndim == 4 else grad[:, None].expand(y.shape)
    return [alone, y.detach(), *torch.autograd.grad(y, (x, gates), grad)]


@pytest.mark.sanitize
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("channels", [None, 1], ids=["per-channel", "shared"])
@pytest.mark.parametrize("shape", [(1, 2, 9, 11), (200, 4, 3, 5), (1, 1, 3, 600)], ids=str)
def test_every_kind_of_kernel(gpu, dtype, channels, shape):
    here, _ = drawn(shape, gpu, dtype, channels=channels)
    for integration in ("max", "mean", None):
        for result in unit(*here, integration=integration):
            assert torch.isfinite(result).all()


def poison(device):
    """Leave NaN in the memory that the allocator is about to hand out."""
    if device.type == "cuda":
        del_me = [torch.full((1 << 20,), torch.nan, device=device) for _ in range(16)]
        del del_me


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("options", [{}, {"connections": 1}, {"channels": 1}], ids=["three_way", "one_way", "shared"])
@pytest.mark.parametrize("integration", ["max", "mean", None])
def test_values_and_gradients(gpu, shape, options, integration):
    here, exact = drawn(shape, gpu, torch.float64, **options)
    poison(gpu)
    for actual, expected in zip(
        unit(*here, integration=integration), unit(*exact, integration=integration), strict=True
    ):
        assert_close(actual.cpu(), expected, "float64")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("rule", ["clip", "always", "softmax", "sigmoid"])
def test_narrower_types(gpu, dtype, rule):
    here, exact = drawn((2, 8, 50, 70), gpu, dtype)
    actual = spnkit.propagate(*here[:2], normalization=rule, integration="mean")
    assert actual.dtype == dtype
    assert_close(actual.float().cpu(), spnkit.propagate(*exact[:2], normalization=rule, integration="mean"), dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("channels", [None, 1], ids=["per-channel", "shared"])
@pytest.mark.parametrize("shape", [(1, 3, 9, 11), (64, 4, 33, 21)], ids=str)
def test_gradients_of_narrower_types(gpu, dtype, channels, shape):
    here, exact = drawn(shape, gpu, dtype, channels=channels)
    poison(gpu)
    results = unit(*here, integration="mean", normalization="softmax")
    for actual, expected in zip(results, unit(*exact, integration="mean", normalization="softmax"), strict=True):
        assert actual.dtype == dtype
        assert_close(actual.float().cpu(), expected, dtype)


@pytest.mark.parametrize("rule", ["clip", "always", "softmax", "sigmoid"])
@pytest.mark.parametrize("size", [0.0, 1e-39, 1e-30, 1.0, -1e4, 1e37, 1e38, 3e38])
def test_gates_of_any_size(gpu, rule, size):
    """The GPU's reciprocal at its limits: below the smallest normal number, and where sums overflow."""
    (x, gates, _), _ = drawn((1, 2, 5, 6), gpu, torch.float32)
    gates = torch.full_like(gates, size)
    expected = spnkit.propagate(x.cpu(), gates.cpu(), normalization=rule)
    assert_close(spnkit.propagate(x, gates, normalization=rule).cpu(), expected)


def test_half_precision_of_any_alignment(gpu):
    n = 200  # enough for one launch, which reads back what it has rounded
    x, gates = torch.randn(n, 3, 9, 13, device=gpu).half(), torch.randn(n, 4, 3, 1, 9, 13, device=gpu).half()
    wide = torch.randn(n, 4, 3, 1, 9, 15, device=gpu).half()
    wide[..., 1:-1] = gates
    y = spnkit.propagate(x, gates)
    assert torch.equal(spnkit.propagate(x, wide[..., 1:-1]), y)
    assert_close(y.float().cpu(), spnkit.propagate(x.double().cpu(), gates.double().cpu()), "float16")


@pytest.mark.parametrize("direction", spnkit.DIRECTIONS)
def test_strides_are_read_in_place(gpu, direction):
    x = torch.randn(2, 40, 50, 6, device=gpu).permute(0, 3, 1, 2)
    gates = torch.randn(1, 3, 1, 40, 50, device=gpu).expand(2, 3, 6, 40, 50)
    spnkit.scan(x, gates, direction)
    torch.cuda.reset_peak_memory_stats(gpu)
    before = torch.cuda.memory_allocated(gpu)
    h = spnkit.scan(x, gates, direction)
    assert torch.cuda.max_memory_allocated(gpu) - before <= h.nbytes + 4096  # nothing is copied
    assert_close(h.cpu(), spnkit.scan(x.cpu(), gates.cpu(), direction))


def test_more_planes_than_a_grid_is_high(gpu):
    x, gates = torch.randn(1, 70_000, 2, 3, device=gpu), torch.randn(1, 4, 3, 1, 2, 3, device=gpu)
    assert_close(spnkit.propagate(x, gates).cpu(), spnkit.propagate(x.cpu(), gates.cpu()))


def test_offsets_beyond_32_bits(gpu):
    if torch.cuda.get_device_properties(gpu).total_memory < 48e9:
        pytest.skip("takes 40 GB of device memory")
    x = torch.randn(1, 1, 8192, 8192, device=gpu).expand(1, 40, 8192, 8192)
    gates = torch.full((1, 1, 1, 8192, 8192), 0.5, device=gpu)
    h = spnkit.scan(x, gates, "left_to_right")
    assert torch.equal(h[0, 39], h[0, 0])
    assert_close(
        h[0, 39, -1, -64:].cpu(),
        spnkit.scan(x[:, :1, -1:].cpu(), gates[..., -1:, :].cpu(), "left_to_right")[0, 0, 0, -64:],
    )


def test_second_derivatives(gpu):
    x = torch.randn(1, 2, 4, 5, device=gpu, dtype=torch.float64, requires_grad=True)
    gates = torch.randn(1, 4, 3, 1, 4, 5, device=gpu, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(
        lambda x, g: spnkit.propagate(x, g, normalization="softmax"), (x, gates), nondet_tol=1e-9
    )


def test_a_captured_graph_computes_the_same(gpu):
    x, gates = torch.randn(1, 32, 64, 64, device=gpu), torch.randn(1, 4, 3, 32, 64, 64, device=gpu)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        spnkit.propagate(x, gates)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = spnkit.propagate(x, gates)
    x.normal_()
    graph.replay()
    assert_close(y.cpu(), spnkit.propagate(x.cpu(), gates.cpu()))


@pytest.mark.parametrize("channels", [None, 1], ids=["per-channel", "shared"])
def test_a_captured_graph_goes_back_too(gpu, channels):
    here, _ = drawn((1, 32, 40, 40), gpu, torch.float32, channels=channels)
    smooth = {"integration": "mean", "normalization": "softmax"}  # no ties for rounding to decide
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        unit(*here, **smooth)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = unit(*here, **smooth)
    for tensor in here:
        tensor.normal_()
    graph.replay()
    for actual, expected in zip(results, unit(*(tensor.double().cpu() for tensor in here), **smooth), strict=True):
        assert_close(actual.cpu(), expected, "float32")


def test_work_follows_the_current_stream(gpu):
    x, gates = torch.randn(4, 8, 256, 256, device=gpu), torch.randn(4, 4, 3, 8, 256, 256, device=gpu)
    expected = spnkit.propagate(x, gates)
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(50_000_000)
        late = x * 1  # not there yet when the kernel is launched
        actual = spnkit.propagate(late, gates)
    stream.synchronize()
    assert torch.equal(actual, expected)


def test_two_gpus_in_one_process(gpu):
    if torch.cuda.device_count() < 2:
        pytest.skip("one GPU")
    x, gates = torch.randn(1, 4, 20, 20, device="cuda:1"), torch.randn(1, 4, 3, 4, 20, 20, device="cuda:1")
    assert_close(spnkit.propagate(x, gates).cpu(), spnkit.propagate(x.cpu(), gates.cpu()))
    with pytest.raises(ValueError, match="gates is on cuda:0"):
        spnkit.propagate(x, gates.to("cuda:0"))


def test_host_memory_is_refused(gpu):
    x, gates = np.ones((1, 1, 4, 4), np.float32), np.ones((1, 4, 3, 1, 4, 4), np.float32)
    with pytest.raises(ValueError, match="x is in host memory"):
        spnkit.propagate(x, gates, backend="cuda")
    with pytest.raises(ValueError, match="cannot take x on cpu"):
        spnkit.propagate(torch.from_numpy(x), torch.from_numpy(gates), backend="cuda")
    with pytest.raises(ValueError, match="gates is on cpu"):
        spnkit.propagate(torch.from_numpy(x).to(gpu), torch.from_numpy(gates))


@pytest.mark.parametrize("library", ["cupy", "jax.numpy"])
def test_other_libraries_arrays(gpu, library):
    xp = pytest.importorskip(library)
    x, gates, _ = drawn((1, 2, 20, 30), gpu, torch.float32)[0]
    theirs = xp.from_dlpack(x)
    if "cuda" not in str(getattr(theirs, "device", "cuda")).lower():
        pytest.skip(f"{library} has no GPU")
    y = spnkit.propagate(theirs, xp.from_dlpack(gates))
    assert type(y) is type(theirs)
    assert torch.equal(torch.from_dlpack(y), spnkit.propagate(x, gates))
