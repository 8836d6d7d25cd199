"""Arrays by `__dlpack__`, for libraries without the C exchange API: slower, and the same in every other way."""

from __future__ import annotations

from sys import modules
from typing import Any

import numpy as np

from spnkit.backends.dlpack import CPU, MAJOR, Tensor, Versioned, encoded, pointer_of

AS_IT_IS = {"stream": -1}  # nothing is to wait: the kernels go into the queue of the stream that the array is made on


def read(arrays: dict[str, Any]) -> tuple[tuple[int, ...], bytes, Any]:
    """Read the arrays of a call, one by one; see `exchange.Exchange.read`."""
    held = [None if array is None else _capsule(name, array) for name, array in arrays.items()]
    tensors = [None if capsule is None else _tensor(capsule) for capsule in held]
    for (name, array), tensor in zip(arrays.items(), tensors, strict=True):
        if tensor is not None and not tensor.data:
            raise ValueError(f"{name} is a {type(array).__name__} without memory, expected an array that has some")
    addresses = [0 if tensor is None else tensor.data + tensor.byte_offset for tensor in tensors]
    first, tensor = next(pair for pair in zip(arrays.values(), tensors, strict=True) if pair[1] is not None)
    return (*addresses, _stream(first, tensor)), b"".join(map(encoded, tensors)), held


def scratch(like: Any, shape: tuple, dtype: str, device: int, number: int) -> tuple[int, Any]:
    """New memory from the library of an array: its address, and what `release` takes."""
    made = array(like, shape, dtype, device, number)
    return read({"scratch": made})[0][0], made


def array(like: Any, shape: tuple, dtype: str, device: int, number: int) -> Any:
    """A new array of the library of another, on the device that this one is on."""
    if isinstance(like, np.ndarray):
        return np.empty(shape, dtype)
    library = modules[type(like).__module__.partition(".")[0]]
    return library.empty(shape, dtype=getattr(library, dtype), device=like.device)


def release(scratch: Any) -> None:
    """Nothing: scratch is an array, and goes with its last reference."""


def _capsule(name, array):
    """What an array exports of itself, without a copy where it has a say in that."""
    if not hasattr(array, "__dlpack__"):
        raise TypeError(f"{name} is a {type(array).__name__}, expected an array with __dlpack__")
    plain = array.detach() if getattr(array, "requires_grad", False) else array
    try:
        return _exported(plain, {} if plain.__dlpack_device__()[0] == CPU else AS_IT_IS)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{name} is a {type(array).__name__} that DLPack does not describe ({reason}), expected a dense array in "
            "memory of its own"
        ) from error


def _exported(array, options):
    try:
        return array.__dlpack__(max_version=(MAJOR, 0), **options)
    except TypeError:  # from before versions
        return array.__dlpack__(**options)


def _tensor(capsule) -> Tensor:
    """The DLTensor in a capsule, which owns it."""
    if (address := pointer_of(capsule, b"dltensor_versioned")) is None:
        return Tensor.from_address(pointer_of(capsule, b"dltensor"))
    made = Versioned.from_address(address)
    if made.major != MAJOR:
        raise ValueError(f"an array is exported by DLPack {made.major}.{made.minor}, expected version {MAJOR}")
    return made.tensor


def _stream(array, tensor):
    """The stream that torch works on at present; that of other libraries is what DLPack knows as the default, 0."""
    if tensor.device == CPU or not hasattr(array, "data_ptr"):
        return 0
    return modules["torch"].cuda.current_stream(tensor.number).cuda_stream
