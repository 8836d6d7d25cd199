"""Arrays of any library that speaks DLPack: viewed in NumPy or torch, and the result handed back."""

from __future__ import annotations

from collections.abc import Callable
from sys import modules
from typing import Any

import numpy as np

FOREIGN = True  # arrays are made into others
CPU = 1  # the type of a device, in DLPack


def call(function: Callable, arrays: dict[str, Any], **options: Any) -> Any:
    """A public function on arrays that need not be NumPy's or torch's; the library of the first takes the result.

    Raises
    ------
    TypeError, ValueError
        If an argument has no `__dlpack__` or cannot be viewed, or the library of the first has no `from_dlpack`.
    """
    take_back = _from_dlpack(*next(iter(arrays.items())))
    return take_back(function(*(_view(name, array) for name, array in arrays.items()), **options))


def _from_dlpack(name, array):
    """Where the library of an array takes a result: in its array namespace, or else at its top level."""
    if hasattr(array, "__array_namespace__"):
        library = array.__array_namespace__()
    else:
        library = modules.get(type(array).__module__.partition(".")[0])
    if not hasattr(library, "from_dlpack"):
        raise TypeError(
            f"{name} is a {type(array).__name__}, whose library has no from_dlpack to take the result; "
            f"pass numpy.from_dlpack({name}) or torch.from_dlpack({name})"
        )
    return library.from_dlpack


def _view(name, array):
    """NumPy's view of an array in host memory, for it knows every stride; torch's of all else, on its stream."""
    if not hasattr(array, "__dlpack__"):
        raise TypeError(f"{name} is a {type(array).__name__}, expected an array with __dlpack__")
    if array.__dlpack_device__()[0] == CPU and "bfloat16" not in str(getattr(array, "dtype", "")):
        return np.from_dlpack(array)
    import torch

    if min(getattr(array, "strides", None) or (0,)) < 0:
        raise ValueError(f"{name} has strides {array.strides}, expected none below zero: torch cannot view it")
    return torch.from_dlpack(array)
