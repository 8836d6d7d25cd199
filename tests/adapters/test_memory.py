"""Results of torch calls live on memory that is used again, but never under anybody's feet."""

import copy
import gc
import threading

import pytest
import torch

import spnkit
from spnkit.adapters import memory


@pytest.fixture(autouse=True)
def small_results_too(monkeypatch):
    monkeypatch.setattr(memory, "LEAST", 1)
    monkeypatch.setattr(memory, "_waiting", type(memory._waiting)())


def waiting():
    return sum(block.nbytes() for block in memory._waiting)


def unit(channels=2, size=(9, 11)):
    return torch.randn(1, channels, *size), 0.3 * torch.randn(1, 4, 3, channels, *size)


def gradients(x, gates):
    x, gates = x.detach().requires_grad_(), gates.detach().requires_grad_()
    return torch.autograd.grad(spnkit.propagate(x, gates, backend="cpu").square().sum(), (x, gates))


def test_the_next_step_takes_the_memory_of_the_last():
    x, gates = unit()
    first = gradients(x, gates)
    places, kept = {tensor.data_ptr() for tensor in first}, [tensor.clone() for tensor in first]
    del first
    again = gradients(x, gates)
    assert {tensor.data_ptr() for tensor in again} <= places | {block.data_ptr() for block in memory._waiting}
    assert again[1].data_ptr() in places  # no other result is as large
    assert all(map(torch.equal, again, kept))


HOLDERS = {
    "view": lambda tensor: tensor[0, 1:].mT,
    "NumPy": lambda tensor: tensor.numpy(),
    "DLPack": lambda tensor: torch.from_dlpack(tensor),
    "storage": lambda tensor: tensor.untyped_storage(),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_memory_that_somebody_sees_is_not_used_again(holder):
    x, gates = unit()
    dgates = gradients(x, gates)[1]
    expected, place = HOLDERS[holder](dgates.clone()), dgates.data_ptr()
    held = HOLDERS[holder](dgates)
    del dgates
    other = gradients(-x, gates.flip(-1))[1]
    assert other.data_ptr() != place
    assert bytes(memoryview(bytes(held))) == bytes(expected) if holder == "storage" else (held == expected).all()
    del held
    gc.collect()
    assert place in {block.data_ptr() for block in memory._waiting}


def test_no_more_waits_than_was_in_use_at_once():
    small, large = unit(), unit(size=(20, 30))
    gradients(*small)
    before = waiting()
    held = gradients(*large)
    in_use = sum(tensor.nbytes for tensor in held)
    assert 0 < before < in_use
    del held
    results = large[0].nbytes  # of the way there, and its square, as autograd had them
    assert waiting() <= in_use + 2 * results


def test_what_waits_is_bounded(monkeypatch):
    x, gates = unit()
    monkeypatch.setattr(memory, "MOST", gates.nbytes)
    gradients(x, gates)
    gradients(*unit(size=(12, 10)))
    assert waiting() <= gates.nbytes


def test_threads_that_train_at_once():
    units = [unit() for _ in range(4)]
    expected, wrong = [gradients(*one) for one in units], []

    def train(number):
        for _ in range(30):
            if not all(map(torch.equal, gradients(*units[number]), expected[number])):
                wrong.append(number)

    threads = [threading.Thread(target=train, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_results_are_ordinary_tensors():
    x, gates = unit()
    dx, dgates = gradients(x, gates)
    assert torch.equal(copy.deepcopy(dgates), dgates)
    expected = dx.clone()
    assert torch.equal(dx.share_memory_(), expected)
    assert torch.equal(dx.add_(1), expected + 1)
    gates = gates.half()  # rounded from float32, whose memory is free at once
    assert gradients(x.half(), gates)[1].dtype == torch.float16
