"""Masks as people have them: what a mask in memory was taken for, what the refiner is given, and the way back.

A `Coding` holds class indices or probabilities, and makes a mask of the same kind of what they become.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spnkit.nn.checks import ROUNDING, warn
from spnkit.nn.grey import labels_of, looks_soft, top_of

KINDS = ("labels", "soft", "probabilities", "masks")
"""Whole labels; how much of one object; of each class how likely; a mask for each class."""
MANY = 1000
"""More labels than this are no labels."""

Void = int | None | Literal["auto"]


@dataclass(frozen=True)
class Coding:
    """A mask as the refiner takes it.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    words : str
        What the mask was taken for.
    content : numpy.ndarray
        Class indices (H, W), less than 0 where nothing is known, or probabilities (K, H, W) in float32.
    names : sequence of int
        What the classes are called in the mask.
    back : callable
        From such content, of any size, to a mask of the kind that came.
    """

    kind: str
    words: str
    content: NDArray
    names: tuple[int, ...]
    back: Callable[[NDArray], NDArray]


def coding_of(mask: NDArray, kind: str | None = None, void: Void = "auto", classes_last: bool = False) -> Coding:
    """What a mask is taken for.

    Parameters
    ----------
    mask : numpy.ndarray, (H, W), (K, H, W) or (H, W, K)
        Of booleans, whole or floating numbers.
    kind : {"labels", "soft", "probabilities", "masks"}, optional
        Overrules what its numbers say.
    void : int, None or "auto"
        The label of pixels of which nothing is known. By default -1; and 255, and without 253 also 254, where labels
        between them and 0 are there, but none above 255.
    classes_last : bool
        The mask is (H, W, K).

    Raises
    ------
    TypeError, ValueError
        If it is not a mask of that kind.

    Examples
    --------
    >>> coding_of(np.array([[0, 0, 255]], np.uint8)).words
    '0 and 255: a mask of one object'
    >>> coding = coding_of(np.array([[0, 15, 255]], np.uint8))
    >>> coding.words, coding.content.tolist(), coding.back(coding.content).tolist()
    ('2 labels, 0 and 15, with 255 unknown', [[0, 1, -1]], [[0, 15, 255]])
    """
    check_mask(mask)
    if kind not in (None, *KINDS):
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    axis = 2 if classes_last else 0
    if mask.ndim == 3 and mask.shape[axis] == 1:
        kind = kind if kind in ("labels", "soft") else None
        return _stretched(coding_of(mask.squeeze(axis), kind, void), axis)
    kind = kind or kind_of(mask)
    if (kind in ("labels", "soft")) != (mask.ndim == 2):
        raise ValueError(f"mask must be {'(H, W)' if mask.ndim == 3 else '(K, H, W)'} for {kind}, got {mask.shape}")
    if mask.ndim == 3 and classes_last:
        found = _stack_of(np.ascontiguousarray(mask.transpose(2, 0, 1)), kind)
        return Coding(found.kind, found.words, found.content, found.names, lambda c: found.back(c).transpose(1, 2, 0))
    if mask.ndim == 3:
        return _stack_of(mask, kind)
    return _soft(mask) if kind == "soft" else _labels(mask, void)


def check_mask(mask: NDArray) -> None:
    """Refuse what holds no numbers, or not of a picture."""
    if mask.dtype.kind not in "buif":
        raise TypeError(f"mask must hold numbers or booleans, got {mask.dtype}")
    if mask.ndim not in (2, 3) or not mask.size:
        raise ValueError(f"mask must be (H, W) or (K, H, W) and not empty, got {mask.shape}")
    if mask.dtype.kind == "f" and not np.isfinite(mask).all():
        raise ValueError("mask must be finite, got NaN or infinity")


def kind_of(mask: NDArray) -> str:
    """What the numbers of a mask say that it is."""
    if mask.ndim == 3:
        return "masks" if mask.dtype.kind != "f" and two_valued(mask) else "probabilities"
    if mask.dtype.kind == "f":
        within = mask.min() >= 0 and mask.max() <= 1
        return "soft" if within and (mask != np.floor(mask)).any() else "labels"
    return "soft" if looks_soft(mask) else "labels"


def _stretched(found: Coding, axis: int) -> Coding:
    """A single mask that came with an axis for classes."""
    return Coding(
        found.kind, found.words, found.content, found.names, lambda content: np.expand_dims(found.back(content), axis)
    )


def _labels(mask: NDArray, void: Void) -> Coding:
    """Whole labels; each that stands for nothing known has an index below 0 of its own, the last of the table."""
    names, voids, indices = labels_of(mask, void)
    if len(names) > MANY:
        raise ValueError(f"mask must have at most {MANY} labels, got {len(names)} (kind='soft': it is one object)")
    table = np.array([*names, *reversed(voids)]).astype(mask.dtype)
    unknown = f", with {' and '.join(map(str, voids))} unknown" if voids else ""
    if mask.dtype == bool:
        words = "a mask of one object"
    elif len(names) == 2 and names[0] == 0 and names[1] in (1, 255, 65535):
        words = f"0 and {names[1]}: a mask of one object{unknown}"
    elif len(names) < 3:
        words = f"{len(names)} label{'s' * (len(names) != 1)}, {' and '.join(map(str, names)) or 'none'}{unknown}"
    else:
        words = f"{len(names)} labels, {names[0]} to {names[-1]}{unknown}"
    return Coding("labels", words, indices, names, lambda content: table[content])


def _soft(mask: NDArray) -> Coding:
    """How much of one object is in a pixel, as levels of grey or in [0, 1]."""
    top = top_of(mask)
    if mask.min() < 0 or mask.max() > top:
        raise ValueError(f"mask must be in [0, {top}] for a soft mask, got {mask.min():.6g} to {mask.max():.6g}")
    share = mask.astype(np.float32) / top
    return Coding(
        *("soft", f"0 to {top}: a soft mask of one object", np.stack([1 - share, share]), (0, top)),
        lambda content: _levels(content[1], mask.dtype, top),
    )


def _levels(share: NDArray[np.float32], dtype: np.dtype, top: int) -> NDArray:
    """Shares in [0, 1] as numbers of a type."""
    if dtype.kind == "b":
        return share >= 0.5
    levels = share.clip(0, 1) * top
    return (levels if dtype.kind == "f" else np.rint(levels)).astype(dtype)


@np.errstate(over="ignore")  # sums that are infinite are refused
def _stack_of(mask: NDArray, kind: str) -> Coding:
    """A map for each class, classes first."""
    if kind == "masks" and two_valued(mask):
        return _apart(mask)
    top = top_of(mask)
    shares = mask.astype(np.float32) / top
    if shares.min() < 0:
        raise ValueError(f"mask must hold probabilities, got {shares.min():.6g} (logits? apply softmax)")
    if kind == "masks":
        rest = 1 - shares.sum(0, keepdims=True)
        shares, first = np.concatenate([rest.clip(0), shares]).astype(np.float32), 1
        words = f"{len(mask)} soft masks, one a class"
    else:
        first, words = 0, f"probabilities of {len(mask)} classes"
    content = _summing_to_one(shares, exact=mask.dtype.kind != "f")
    return Coding(kind, words, content, tuple(range(len(content))), lambda c: _levels(c[first:], mask.dtype, top))


def overlapping(mask: NDArray) -> bool:
    """Whether masks of classes (K, H, W) claim a pixel more than once."""
    return bool((mask.astype(np.float32) / top_of(mask)).sum(0).max() > 1 + ROUNDING)


def _apart(mask: NDArray) -> Coding:
    """Masks that do not overlap: labels, with one more for what none of them has."""
    on = mask.max()
    found = mask != 0
    first = int(not found.any(0).all())
    indices = np.where(found.any(0), found.argmax(0) + first, 0)

    def back(content: NDArray) -> NDArray:
        classes = np.arange(first, first + len(mask))[:, None, None]
        return np.where(content == classes, on, 0).astype(mask.dtype)

    names = tuple(range(1 - first, len(mask) + 1))
    return Coding("masks", f"{len(mask)} masks, one a class", indices, names, back)


def two_valued(mask: NDArray) -> bool:
    """Whether there is nothing but 0 and what usually stands for an object."""
    return bool(((mask == 0) | (mask == mask.max())).all()) and mask.max() in (0, 1, 255, 65535)


def _summing_to_one(maps: NDArray, exact: bool) -> NDArray[np.float32]:
    """Probabilities that were rounded, or did not sum to one; zeros, where nothing is known, stay."""
    total = maps.sum(0)
    if (off := np.abs(total - 1) > ROUNDING).any():
        found = f"sum to one, got up to {total.max():.3g}, not one at {off.mean():.0%} of the pixels"
        if exact or not isfinite(total.max()):
            raise ValueError(f"mask must hold probabilities that {found} (a picture in colours?)")
        warn(f"mask should hold probabilities that {found}; they are divided by their sum (zero: unknown)")
    return (maps / np.maximum(total, np.finfo(np.float32).tiny)).astype(np.float32)
