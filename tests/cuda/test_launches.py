"""What a call asks of the driver: its launches, on torch's stream and device, and nothing else; a stand-in notes it."""

from contextlib import contextmanager

import pytest

import spnkit

torch = pytest.importorskip("torch")
pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")


@pytest.fixture
def stand_in():
    from analysis.common.cuda import stand_in

    return stand_in


def drawn(shape=(8, 32, 16, 16), channels=None, directions=4, dtype=torch.float32):
    n, c, h, w = shape
    return torch.randn(shape).to(dtype), torch.randn(n, directions, 3, channels or c, h, w).to(dtype)


def kernels(launches):
    return [launch[2].kernel for launch in launches]


def test_one_launch_for_all_directions_where_planes_fill_the_gpu(stand_in):
    x, gates = drawn()
    with stand_in.gpu() as launches:
        y = spnkit.propagate(x, gates)
    ((stream, configuration, kernel, *values),) = launches
    assert (stream, configuration.grid, kernel.kernel) == (stand_in.STREAM, (256, 1, 1), "forward")
    assert {tensor.data_ptr() for tensor in (x, gates, y)} < set(values)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_no_launch_but_these(dtype, stand_in):
    few, many = drawn((1, 2, 9, 9), dtype=dtype), drawn(dtype=dtype)
    ways = [({}, few, ["forward", "integrate"]), ({"integration": "max"}, many, ["forward"])]
    rounded = ["integrate"] if dtype.itemsize == 2 else []  # sums, once for all directions
    ways += [({"integration": None}, many, ["forward"]), ({"integration": "mean"}, many, ["forward", *rounded])]
    for options, inputs, expected in ways:
        with stand_in.gpu() as launches:
            spnkit.propagate(*inputs, **options)
        assert kernels(launches) == expected


@pytest.mark.parametrize("directions", [1, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_no_direction_is_scanned_twice(directions, dtype, stand_in):
    x, gates = (tensor.requires_grad_() for tensor in drawn(directions=directions, dtype=dtype))
    with stand_in.gpu() as launches:
        y = spnkit.propagate(x, gates, directions=spnkit.DIRECTIONS[:directions])
        there = kernels(launches)
        launches.clear()
        y.backward(torch.ones_like(y))
    narrow = dtype.itemsize == 2
    assert there == ["forward", *["integrate"] * (narrow or directions > 1)]
    assert kernels(launches) == ["backward", *["integrate"] * (narrow and directions > 1)]


def test_strides_are_told_and_nothing_is_copied(stand_in):
    x = torch.randn(2, 9, 7, 6).permute(0, 3, 1, 2).requires_grad_()
    gates = torch.randn(1, 4, 3, 1, 9, 7).expand(2, 4, 3, 6, 9, 7).requires_grad_()
    with stand_in.gpu() as launches:
        y = spnkit.propagate(x, gates)
        y.backward(torch.ones(1).expand(y.shape))
    for launch in launches:
        if launch[2].kernel != "integrate":
            assert {x.data_ptr(), gates.data_ptr()} < set(launch[3:])


def test_a_second_call_plans_nothing(stand_in):
    from spnkit.backends.cuda import backend

    x, gates = drawn()
    with stand_in.gpu() as launches:
        spnkit.propagate(x, gates)
        spnkit.propagate(x * 2, gates)
        assert backend._forward.cache_info().misses == 1
    assert launches[0][2] is launches[1][2]


def test_another_gpu_is_made_current(stand_in):
    current = []

    @contextmanager
    def entered(device):
        current.append(device)
        yield
        assert len(launches) == 1
        current.append("back")

    with stand_in.gpu(lambda layout: 1, entered) as launches:
        spnkit.propagate(*drawn())
    assert current == [1, "back"]


def test_what_does_not_fit_is_refused_before_a_launch(stand_in):
    from spnkit.backends.cuda import backend, bridge
    from spnkit.plan import plan

    x, gates = drawn()
    with stand_in.gpu(lambda layout: len(layout.shape) - 4) as launches:
        with pytest.raises(ValueError, match="gates is on GPU 2, expected the GPU of x, 0"):
            spnkit.propagate(x, gates)
        with pytest.raises(TypeError, match=r"gates has dtype torch\.float64"):
            spnkit.propagate(x, gates.double())
        with pytest.raises(TypeError, match="y has dtype float64, expected float32"):
            backend.forward(x, x, x.double(), None, plan(spnkit.DIRECTIONS[:1], "clip", "sum"))
    assert not launches
    for here in (x, x.numpy()):
        with pytest.raises(ValueError, match="x is on cpu, expected a CUDA device"):
            bridge.views("x", bridge.layouts({"x": here}))
    with pytest.raises(ValueError, match="backend 'cuda' cannot take x on cpu"):
        spnkit.propagate(x, gates, backend="cuda")
