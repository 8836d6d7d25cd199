"""What DLPack tells of arrays: by the C exchange API and by `__dlpack__` the same, and what neither may tell."""

import gc
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from spnkit.backends import capsules, dlpack, exchange

torch = pytest.importorskip("torch")
OFFERED = hasattr(torch.Tensor, exchange.NAME)
needs_api = pytest.mark.skipif(not OFFERED, reason="torch before 2.10 has no C exchange API")

RAW = torch.arange(240, dtype=torch.float32).reshape(2, 4, 5, 6)
ARRAYS = {
    "dense": RAW,
    "permuted": RAW.permute(0, 3, 1, 2),
    "narrow": RAW[:, 1:3, ::2, 1:],
    "expanded": RAW[:, :1].expand(2, 9, 5, 6),
    "gradient": RAW.clone().requires_grad_(),
    "parameter": torch.nn.Parameter(RAW),
    "float64": RAW.double(),
    "float16": RAW.half(),
    "bfloat16": RAW.bfloat16(),
    "uint8": RAW.byte(),
    "six axes": RAW.reshape(2, 2, 2, 5, 3, 2),
    "no axes": torch.tensor(1.5),
}


class Lender:
    """An array of a library that has nothing but `__dlpack__`, of the versions that it knows."""

    def __init__(self, array, versioned=True):
        self.array, self.versioned, self.asked = array, versioned, []

    def __dlpack__(self, **options):
        if not self.versioned and "max_version" in options:
            raise TypeError("unexpected argument max_version")
        self.asked.append(options)
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Substitute(torch.Tensor):
    """Stands for another tensor, as those of tracers do."""

    @classmethod
    def __torch_dispatch__(cls, function, kinds, args=(), kwargs=None):
        raise AssertionError("asked")


@pytest.fixture
def no_api(monkeypatch):
    """torch as it was before 2.10."""
    monkeypatch.setattr(exchange, "NAME", "__dlpack_c_exchange_api_of_nobody__")
    for remembered in (exchange._way, exchange._exchange):
        remembered.cache_clear()
    yield
    for remembered in (exchange._way, exchange._exchange):
        remembered.cache_clear()


def read(**arrays):
    """Addresses and layouts, by name."""
    places, layouts, _ = exchange.way(arrays).read(arrays)
    return dict(zip(arrays, places, strict=False)), dict(zip(arrays, dlpack.decoded(layouts), strict=True))


def check(array, address, layout):
    """They are what torch says of the array."""
    expected = array.shape, array.stride(), str(array.dtype).removeprefix("torch."), array.dtype.itemsize, dlpack.CPU, 0
    assert (address, layout) == (array.data_ptr(), dlpack.Layout(*expected))


@needs_api
@pytest.mark.parametrize("name", ARRAYS)
def test_the_exchange_api_tells_all(name):
    array = ARRAYS[name]
    assert isinstance(exchange.way({"x": array}), exchange.Exchange)
    places, layouts = read(x=array, nothing=None, again=array)
    check(array, places["x"], layouts["x"])
    check(array, places["again"], layouts["again"])
    assert (places["nothing"], layouts["nothing"]) == (0, None)


@pytest.mark.usefixtures("no_api")
@pytest.mark.parametrize("name", ARRAYS)
def test_capsules_tell_the_same(name):
    array = ARRAYS[name]
    assert exchange.way({"x": array}) is capsules
    places, layouts = read(x=array, nothing=None)
    check(array, places["x"], layouts["x"])
    assert (places["nothing"], layouts["nothing"]) == (0, None)


@needs_api
def test_both_give_the_same_bytes():
    arrays = ARRAYS["permuted"], None, ARRAYS["expanded"]
    named = dict(zip("abc", arrays, strict=True))
    assert exchange.way(named).read(named)[1] == capsules.read(named)[1]


@pytest.mark.parametrize("versioned", [True, False])
def test_a_library_with_capsules_alone(versioned):
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)[:, ::-1]
    lender = Lender(array, versioned)
    places, layouts = read(x=lender, y=RAW)
    assert places["x"] == array.ctypes.data
    assert layouts["x"] == dlpack.Layout((2, 3, 4), (12, -4, 1), "float32", 4, dlpack.CPU, 0)
    check(RAW, places["y"], layouts["y"])
    assert lender.asked == [{"max_version": (1, 0)} if versioned else {}]


def test_nobody_is_made_to_wait_for_memory_of_a_gpu():
    lender = Lender(np.zeros(3))
    lender.__class__ = type("Far", (Lender,), {"__dlpack_device__": lambda self: (dlpack.CUDA, 0)})
    lender.array = SimpleNamespace(__dlpack__=lambda **options: np.zeros(3).__dlpack__())
    capsules.read({"x": lender})
    assert lender.asked == [{"max_version": (1, 0), "stream": -1}]


def test_capsules_live_as_long_as_addresses_are_used():
    array = np.zeros(3)
    before = sys.getrefcount(array)
    read = capsules.read({"x": Lender(array)})
    assert sys.getrefcount(array) > before
    del read
    assert sys.getrefcount(array) == before


@needs_api
@pytest.mark.parametrize("way", ["exchange", "capsules"])
def test_what_has_no_memory_of_its_own_is_named(way):
    way = capsules if way == "capsules" else exchange.way({"x": RAW})
    for bad in (RAW.to_sparse(), torch.empty(2, device="meta")):
        with pytest.raises((ValueError, TypeError), match=r"^gates is a Tensor that DLPack does not describe \("):
            way.read({"x": RAW, "gates": bad})
    with pytest.raises(ValueError, match="gates is a Tensor"):
        way.read({"x": RAW, "gates": torch.empty(0, 3)})


@needs_api
def test_what_a_transform_wraps_is_named():
    def refused(one):
        with pytest.raises(ValueError, match="x is a Tensor that DLPack does not describe"):
            exchange.way({"x": one}).read({"x": one})
        return one

    torch.vmap(refused)(torch.ones(3, 2))


@needs_api
def test_more_than_there_is_room_for_is_refused():
    by = exchange.way({"x": RAW})
    with pytest.raises(ValueError, match="expected a dense array of at most 6 dimensions"):
        by.read({"x": RAW.reshape(2, 2, 2, 5, 3, 2, 1)})
    with pytest.raises(ValueError, match="8 arrays, expected at most 7"):
        by.read(dict.fromkeys("abcdefgh", RAW))


@needs_api
def test_what_stands_for_another_tensor_is_refused():
    from torch._subclasses import FakeTensorMode

    with FakeTensorMode():
        fake = torch.ones(2)
    for bad in (fake, RAW.as_subclass(Substitute)):
        with pytest.raises(TypeError, match=rf"got a {type(bad).__name__}, which stands for another array"):
            exchange.way({"x": RAW, "y": bad})
    harmless = RAW.as_subclass(type("Named", (torch.Tensor,), {}))
    assert exchange.way({"x": RAW, "y": harmless}) is exchange.way({"x": RAW})


def test_no_array_at_all():
    with pytest.raises(TypeError, match="gates is a list, expected an array with __dlpack__"):
        read(x=RAW, gates=[1.0])


@needs_api
def test_tables_of_other_versions():
    real = exchange.Api.from_address(dlpack.pointer_of(getattr(torch.Tensor, exchange.NAME), exchange.CAPSULE))
    newer = exchange.Api.from_buffer_copy(real)
    newer.major, newer.previous = 2, 0
    assert exchange._understood(exchange.ctypes.addressof(newer)) is None
    newer.previous = exchange.ctypes.addressof(real)
    assert exchange.ctypes.addressof(exchange._understood(exchange.ctypes.addressof(newer))) == newer.previous
    lacking = exchange.Api.from_buffer_copy(real)
    lacking.describe = None
    assert exchange._understood(exchange.ctypes.addressof(lacking)) is None


@needs_api
def test_scratch_is_the_librarys():
    by = exchange.way({"x": RAW})
    address, memory = by.scratch(RAW, (3, 5), "float32", dlpack.CPU, 0)
    exchange.ctypes.memset(address, 0, 60)
    by.release(memory)
    made = by.array(RAW, (3, 5), "bfloat16", dlpack.CPU, 0)
    assert (made.shape, made.dtype, made.is_contiguous()) == ((3, 5), torch.bfloat16, True)
    assert sys.getrefcount(made) == 2


@needs_api
def test_scratch_that_is_refused_is_asked_for_again_so_that_the_library_says_why():
    by = exchange.way({"x": RAW})
    for make in (by.scratch, by.array):
        with pytest.raises(RuntimeError):
            make(RAW, (1 << 60,), "float32", dlpack.CPU, 0)


@pytest.mark.parametrize("like", [RAW, RAW.numpy()], ids=["torch", "numpy"])
def test_scratch_without_the_api(like):
    address, memory = capsules.scratch(like, (3, 5), "float32", dlpack.CPU, 0)
    assert type(memory) is type(like)
    assert (tuple(memory.shape), str(memory.dtype).removeprefix("torch.")) == ((3, 5), "float32")
    assert read(x=memory)[0]["x"] == address


@pytest.mark.parametrize("api", [pytest.param(True, marks=needs_api), False])
def test_nothing_is_kept(api, request):
    """Neither arrays nor what tells of them, over many calls."""
    if not api:
        request.getfixturevalue("no_api")
    x, bad = torch.ones(2, 3), torch.empty(2, device="meta")
    by = exchange.way({"x": x})

    def use():
        by.read({"x": x, "none": None})
        by.release(by.scratch(x, (2, 3), "float32", dlpack.CPU, 0)[1])
        by.array(x, (2, 3), "float32", dlpack.CPU, 0)

    def fail():
        with pytest.raises(ValueError, match="bad"):
            by.read({"x": x, "bad": bad})

    for call, times in ((use, 10_000 if api else 1000), (fail, 30)):
        call()
        gc.collect()
        before, kept = sys.getrefcount(x), sys.getallocatedblocks()
        for _ in range(times):
            call()
        gc.collect()
        assert sys.getrefcount(x) == before
        assert sys.getallocatedblocks() - kept < times / 10 + 200
