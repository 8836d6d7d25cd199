"""`spnkit.fill` on torch tensors: the numbers of NumPy, derivatives, and what cannot look at numbers."""

import numpy as np
import pytest
from tolerances import assert_close

import spnkit

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("one_thread")

MASK = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=torch.float64)


def problem(own_gates=False, own_confidence=False, connections=3, dtype=torch.float64, samples=1):
    """Leaves: values, a confidence between 0 and 1, and gates."""
    generator = torch.Generator().manual_seed(0)
    shapes = [
        (samples, 2, 3, 4),
        (samples, 2 if own_confidence else 1, 3, 4),
        (samples, 4, connections, 2 if own_gates else 1, 3, 4),
    ]
    tensors = [torch.rand(shape, dtype=torch.float64, generator=generator) * 0.8 + 0.1 for shape in shapes]
    return [tensor.to(dtype).requires_grad_() for tensor in tensors]


def masked(values, confidence, gates, **options):
    """With a confidence that is 0 where the mask is, and NaN as the value there."""
    poisoned = torch.where(MASK > 0, values, torch.nan)
    return spnkit.fill(poisoned, confidence * MASK, gates, **options)


def to_nan(values, confidence, gates):
    return spnkit.fill(values, confidence, gates, empty="nan")


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_numbers_are_those_of_numpy(dtype):
    tensors = [tensor.detach() for tensor in problem(dtype=dtype, samples=2)]
    y = spnkit.fill(*tensors, backend="reference")
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, spnkit.fill(*map(np.asarray, tensors), backend="reference"))


def test_bfloat16_is_computed_in_float32():
    tensors = [tensor.detach() for tensor in problem(dtype=torch.bfloat16)]
    expected = spnkit.fill(*(tensor.float() for tensor in tensors))
    torch.testing.assert_close(spnkit.fill(*tensors), expected.bfloat16(), rtol=0, atol=0)


def test_channels_last_is_the_same():
    values, *others = [tensor.detach() for tensor in problem()]
    last = values.contiguous(memory_format=torch.channels_last)
    assert_close(spnkit.fill(last, *others), spnkit.fill(values, *others))


@pytest.mark.parametrize("call", [spnkit.fill, masked])
@pytest.mark.parametrize(
    ("own_gates", "own_confidence", "connections", "rule"),
    [(False, False, 3, "clip"), (True, False, 3, "softmax"), (False, True, 1, "clip")],
)
def test_derivatives(own_gates, own_confidence, connections, rule, call):
    tensors = problem(own_gates, own_confidence, connections)

    def filled(*tensors):
        return call(*tensors, normalization=rule, backend="reference")

    assert torch.autograd.gradcheck(filled, tensors, fast_mode=True)
    assert torch.autograd.gradgradcheck(filled, tensors, fast_mode=True)


def test_derivatives_of_a_cascade():
    values, confidence, gates = problem()
    more = problem(own_gates=True)[2]

    def filled(values, confidence, gates, more):
        return spnkit.fill(values, confidence, [gates, more], backend="reference")

    assert torch.autograd.gradcheck(filled, (values, confidence, gates, more), fast_mode=True)


def test_no_gradient_goes_to_the_unknown():
    values, confidence, gates = problem()
    values = torch.where(MASK > 0, values, torch.inf).detach().requires_grad_()
    confidence = (confidence * MASK).detach().requires_grad_()
    gradients = torch.autograd.grad(spnkit.fill(values, confidence, gates).square().sum(), (values, confidence, gates))
    assert all(gradient.isfinite().all() for gradient in gradients)
    for gradient in gradients[:2]:
        assert (gradient[..., MASK == 0] == 0).all()
        assert (gradient[..., MASK > 0] != 0).all()


def test_where_nothing_is_heard_the_gradient_goes_to_the_value_there():
    tensors = problem()
    empty = torch.rand(2, 3, 4, dtype=torch.float64, requires_grad=True)
    silent = [tensors[0], torch.zeros_like(tensors[1], requires_grad=True), tensors[2]]
    for filled in (spnkit.fill(*silent, empty=empty), spnkit.fill(*silent, empty="nan")):
        assert all((grad == 0).all() for grad in torch.autograd.grad(filled.sum(), silent, retain_graph=True))
    filled = spnkit.fill(*silent, empty=empty)
    assert (torch.autograd.grad(filled.sum(), empty)[0] == 1).all()


def test_a_sure_pixel_hands_its_gradient_to_its_own_value():
    values, _, gates = problem()
    sure = torch.ones(1, 1, 3, 4, dtype=torch.float64)
    grad = torch.rand_like(values)
    torch.testing.assert_close(torch.autograd.grad(spnkit.fill(values, sure, gates), values, grad)[0], grad)


def test_a_compiled_call_is_the_eager_one():
    tensors = problem()
    compiled = torch.compile(to_nan, backend="aot_eager", fullgraph=True)
    for ours, expected in zip(derivatives(compiled, tensors), derivatives(to_nan, tensors), strict=True):
        assert_close(ours.detach(), expected.detach())


def derivatives(call, tensors):
    y = call(*tensors)
    return y, *torch.autograd.grad(y.square().sum(), tensors)


def test_vmap_and_export():
    tensors = [tensor.detach() for tensor in problem(samples=3)]
    one_by_one = torch.vmap(lambda *t: to_nan(*(each[None] for each in t))[0])(*tensors)
    assert_close(one_by_one, to_nan(*tensors))

    class Module(torch.nn.Module):
        forward = staticmethod(to_nan)

    assert_close(torch.export.export(Module(), tuple(tensors)).module()(*tensors), to_nan(*tensors))


def test_an_error_that_depends_on_numbers_is_refused_where_there_are_none():
    tensors = [tensor.detach() for tensor in problem()]
    batch, meta = ([change(tensor) for tensor in tensors] for change in (lambda t: t[None], lambda t: t.to("meta")))
    for call, arguments in ((torch.vmap(spnkit.fill), batch), (spnkit.fill, meta)):
        with pytest.raises(ValueError, match="empty got 'error', which looks at the numbers"):
            call(*arguments)


def test_autocast():
    tensors = [tensor.detach() for tensor in problem(dtype=torch.float32)]
    with torch.autocast("cpu", torch.bfloat16):
        y = spnkit.fill(tensors[0], tensors[1].bfloat16(), tensors[2].bfloat16())
    assert y.dtype == torch.float32
    assert_close(y, spnkit.fill(*tensors), "bfloat16")


def test_tensors_that_lie_elsewhere_are_named():
    values, confidence, gates = (tensor.detach() for tensor in problem())
    with pytest.raises(ValueError, match="confidence is on meta, expected the device of values, cpu"):
        spnkit.fill(values, confidence.to("meta"), gates)
    with pytest.raises(TypeError, match="empty is a ndarray, expected the same kind as values, a Tensor"):
        spnkit.fill(values, confidence, gates, empty=np.zeros(4))
