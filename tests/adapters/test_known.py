"""A call like one before is checked once, and only where nothing that is looked at can have changed."""

import pytest

import spnkit

torch = pytest.importorskip("torch")
known = pytest.importorskip("spnkit.adapters.known")
pytestmark = pytest.mark.skipif(
    not hasattr(torch.Tensor, "__dlpack_c_exchange_api__"), reason="torch before 2.10 has no C exchange API"
)


@pytest.fixture(autouse=True)
def calls(monkeypatch):
    """What is remembered, at first nothing."""
    empty = {}
    monkeypatch.setattr(known, "_calls", empty)
    return empty


def drawn(dtype=torch.float32):
    torch.manual_seed(0)
    return torch.randn(1, 2, 5, 6).to(dtype), torch.randn(1, 4, 3, 2, 5, 6).to(dtype)


def test_once_for_all_values_and_anew_for_other_layouts(calls):
    x, gates = drawn()
    first = spnkit.propagate(x, gates)
    torch.testing.assert_close(spnkit.propagate(x.clone(), gates), first, rtol=0, atol=0)
    assert len(calls) == 1
    turned = x.mT.contiguous().mT
    torch.testing.assert_close(spnkit.propagate(turned, gates), first, rtol=0, atol=0)
    spnkit.propagate(x, gates, integration="mean")
    assert len(calls) == 3


def test_what_is_kept_is_bounded(calls, monkeypatch):
    monkeypatch.setattr(known, "MOST", 2)
    x, gates = drawn()
    for rule in ("clip", "always", "softmax"):
        spnkit.propagate(x, gates, normalization=rule)
    assert len(calls) == 1


def test_mistakes_are_refused_as_ever():
    x, gates = drawn()
    spnkit.propagate(x, gates)
    with pytest.raises(ValueError, match="normalization got \\[\\]"):
        spnkit.propagate(x, gates, normalization=[])
    with pytest.raises(TypeError, match=r"gates has dtype torch\.float64"):
        spnkit.propagate(x, gates.double())
    with pytest.raises(TypeError, match="expected a dense tensor"):
        spnkit.propagate(x.to_sparse(), gates)
    with pytest.raises(ValueError, match="gates has shape"):
        spnkit.propagate(x, gates[:, :3])


def test_a_view_that_is_negative_in_name_alone():
    x, gates = drawn()
    spnkit.propagate(x, gates)
    negative = torch.complex(torch.zeros_like(x), x).conj().imag
    for _ in range(2):
        torch.testing.assert_close(spnkit.propagate(negative, gates), spnkit.propagate(-x, gates), rtol=0, atol=0)


def test_who_looks_on_is_seen_each_time():
    x, gates = drawn()
    expected = spnkit.propagate(x, gates)
    with torch.autocast("cpu"):
        assert spnkit.propagate(x.bfloat16(), gates.bfloat16()).dtype == torch.float32
    assert spnkit.propagate(x.clone().requires_grad_(), gates).requires_grad
    with torch.no_grad():
        assert not spnkit.propagate(x.clone().requires_grad_(), gates).requires_grad
    batched = torch.vmap(lambda one: spnkit.propagate(one, gates))(torch.stack([x, x]))
    torch.testing.assert_close(batched[1], expected)
    _, change = torch.func.jvp(lambda one: spnkit.propagate(one, gates), (x,), (x,))
    torch.testing.assert_close(change, expected)  # the unit is positively homogeneous in x
