"""Arrays by DLPack: address, shape, strides, dtype, device and stream, and scratch, by one protocol on every device.

A library that offers the C exchange API (torch from 2.10 on) is asked by it, all arrays of a call at once; others by
`__dlpack__`, see `capsules.py`. Either way a call gets the same bytes.
"""

from __future__ import annotations

import ctypes
import struct
from functools import cache, lru_cache, partial
from typing import Any

from spnkit.backends import capsules
from spnkit.backends import exchange_code as code
from spnkit.backends.dlpack import CODES, MAJOR, Api, Tensor, pointer_of
from spnkit.backends.exchange_code import ARRAYS, AXES, HEAD

NAME, CAPSULE = "__dlpack_c_exchange_api__", b"dlpack_exchange_api"

LAYOUTS = 8 * HEAD  # bytes of what was read, from which on a plan depends on them

_pair = struct.Struct("=2q").unpack
_head = struct.Struct(f"={HEAD}q").unpack_from
_refuse = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)(lambda *_: None)
_drop = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(("Py_DecRef", ctypes.pythonapi))


class Prototype(ctypes.Structure):
    """A DLTensor that tells what is to be allocated, and what to call if that is refused."""

    _fields_ = (("tensor", Tensor), ("refuse", ctypes.c_void_p))


class Exchange:
    """The C exchange API of a library."""

    def __init__(self, api: Api):
        table = ctypes.addressof(api)
        self._read = code.builtin(code.read, table)
        # To give scratch takes two more, which are compiled when they are needed.
        self._allocate, self._release = (
            cache(partial(code.builtin, of, table)) for of in (code.allocate, code.release)
        )
        self._to_object = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(api.to_object)

    def read(self, arrays: dict[str, Any]) -> tuple[tuple[int, ...], bytes, Any]:
        """Read the arrays of a call, all of them at once.

        Returns
        -------
        Addresses in order, 0 for None and at the end the stream that the library of the first works on at present;
        layouts in bytes, see `dlpack.decoded`; and what must be kept for as long as addresses are used.
        """
        try:
            data = self._read(*arrays.values())
        except Exception as error:
            raise self._refusal(arrays) from error
        if not data:
            raise self._refusal(arrays)
        return _head(data), data[LAYOUTS:], None

    def _refusal(self, arrays):
        """The error that names the first array that cannot be read."""
        if len(arrays) > ARRAYS:
            return ValueError(f"a call has {len(arrays)} arrays, expected at most {ARRAYS}")
        for name, array in arrays.items():  # noqa: B007
            try:
                reason = "" if self._read(array) else "no memory that can be told"
            except Exception as error:
                reason = str(error).partition("\n")[0]
            if reason:
                break
        return ValueError(
            f"{name} is a {type(array).__name__} that DLPack does not describe ({reason}), "
            f"expected a dense array of at most {AXES} dimensions in memory of its own"
        )

    def scratch(self, like, shape: tuple, dtype: str, device: int, number: int) -> tuple[int, Any]:
        """New memory: its address, and what `release` takes. The library says itself why it has none."""
        tensor, address = _pair(self._allocate()(_prototype(shape, dtype, device, number)[0]))
        return (address, tensor) if tensor else capsules.scratch(like, shape, dtype, device, number)

    def array(self, like, shape: tuple, dtype: str, device: int, number: int) -> Any:
        """New memory as an array of the library."""
        _, tensor = self.scratch(like, shape, dtype, device, number)
        if not isinstance(tensor, int):
            return tensor
        made = ctypes.c_void_p()
        self._to_object(tensor, ctypes.byref(made))  # it takes the tensor over
        try:
            return ctypes.cast(made, ctypes.py_object).value
        finally:
            _drop(made)

    def release(self, tensor) -> None:
        """Give scratch back, when all that works on it is in the stream's queue."""
        if isinstance(tensor, int):
            self._release()(tensor)


@lru_cache(maxsize=256)
def _prototype(shape, dtype, device, number) -> tuple:
    """The address of a `Prototype`, with what lives there."""
    sizes = (ctypes.c_int64 * len(shape))(*shape)
    kind, bits = CODES[dtype]
    refuse = ctypes.cast(_refuse, ctypes.c_void_p)
    made = Prototype(Tensor(None, device, number, len(shape), kind, bits, 1, sizes, None, 0), refuse)
    return ctypes.addressof(made), made, sizes


def reader(kind: type) -> Any:
    """The function that reads arrays of a type, see `exchange_code.read`; None where it offers nothing of the kind."""
    return (of := _exchange(kind)) and of._read


def way(arrays: dict[str, Any]) -> Any:
    """How arrays are read: the `Exchange` that all of them share, or else `capsules`.

    Raises
    ------
    TypeError
        If an array only stands for another one, as those do that a tracer, a transform or a mode of torch makes.
    """
    return _way(tuple(map(type, arrays.values())))


@cache
def _way(kinds):
    ways = {_exchange(kind) for kind in kinds if kind is not type(None)}
    return ways.pop() if len(ways) == 1 and None not in ways else capsules


@cache
def _exchange(kind: type) -> Exchange | None:
    """What a type of arrays offers, if anything; types that inherit it must not have given it another meaning."""
    owner = next((base for base in kind.__mro__ if NAME in vars(base)), None)
    if owner is None:
        return None
    hook = "__torch_dispatch__"
    if getattr(kind, hook, None) is not getattr(owner, hook, None):
        raise TypeError(f"got a {kind.__name__}, which stands for another array, expected a plain {owner.__name__}")
    api = _understood(pointer_of(getattr(owner, NAME), CAPSULE))
    return None if api is None else _of_table(ctypes.addressof(api))


@cache
def _of_table(address):
    return Exchange(Api.from_address(address))


def _understood(address: int | None) -> Api | None:
    """The newest table, of this one and those before it, that is understood; None if it lacks what is needed."""
    while address:
        api = Api.from_address(address)
        if api.major == MAJOR:
            return api if all((api.describe, api.allocate, api.to_object, api.current_stream)) else None
        address = api.previous
    return None
