"""One call for a photo and a mask of any coding: the mask, sharpened along the photo."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from spnkit.nn.arrays import as_numpy, like, one_hot, photo_of
from spnkit.nn.checks import warn
from spnkit.nn.codings import Coding, Void, check_mask, coding_of, kind_of, overlapping, two_valued
from spnkit.nn.pieces import LEAST, vanished
from spnkit.nn.refiner import MaskRefiner, mask_refiner
from spnkit.nn.scales import place_in, resized
from spnkit.nn.whole import refined, refined_labels


def refine(
    photo: Any, mask: Any, *, kind: str | None = None, void: Void = "auto", refiner: MaskRefiner | None = None
) -> Any:
    """Sharpen a mask along a photo.

    Parameters
    ----------
    photo : numpy.ndarray or torch.Tensor, (H, W, 3)
        uint8, uint16, or floating in [0, 1]; (H, W) is grey, of (H, W, 4) the alpha is left out, (3, H, W) will do.
    mask : numpy.ndarray or torch.Tensor
        Labels (H, W), booleans, 0 and 1 or 0 and 255; a soft mask (H, W) in [0, 1]; probabilities, or a mask for each
        class, (K, H, W) or (H, W, K). A mask smaller or larger than the photo, in both axes alike, is brought to
        its size.
    kind : {"labels", "soft", "probabilities", "masks"}, optional
        What the mask is, where its numbers leave a doubt: docs/refine_command.md has the rules.
    void : int, None or "auto"
        The label of pixels of which nothing is known; they keep it. By default -1, and 255 and 254 where other labels
        are there but 0.
    refiner : MaskRefiner, optional
        By default the one that comes with the project.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Of the kind, dtype and labels of `mask`, in the size of the photo.

    Raises
    ------
    TypeError, ValueError
        If photo or mask are none, or do not belong together.

    Warns
    -----
    UserWarning
        If the mask was brought to the photo's size, probabilities did not sum to one, or an object would have vanished.

    Examples
    --------
    >>> import numpy as np
    >>> from spnkit.nn import refine
    >>> photo = np.zeros((64, 64, 3), np.uint8)
    >>> mask = np.zeros((64, 64), np.uint8)
    >>> photo[:, 32:], mask[:, 30:] = 200, 255
    >>> sharp = refine(photo, mask)
    >>> sharp.shape, sharp.dtype, np.unique(sharp).tolist()
    ((64, 64), dtype('uint8'), [0, 255])
    """
    picture, array = photo_of(as_numpy("photo", photo)), as_numpy("mask", mask)
    refiner = refiner or mask_refiner()
    codings = codings_of(array, picture.shape[:2], kind, void)
    parts = [coding.back(refine_coding(picture, coding, refiner)) for coding in codings]
    return like(together(parts, array.shape, picture.shape[:2]), mask)


def codings_of(mask: NDArray, size: tuple[int, int], kind: str | None = None, void: Void = "auto") -> list[Coding]:
    """What a mask for a photo of some size (H, W) is taken for: one coding, or one for each of masks that overlap."""
    if mask.ndim not in (2, 3) or (axis := place_in(mask.shape, size)) is None:
        raise ValueError(
            f"mask must be of the photo's size {size[1]} x {size[0]}, or smaller or larger in both axes alike, "
            f"got {shown(mask.shape)}"
        )
    check_mask(mask)
    if mask.ndim == 3 and (kind or kind_of(mask)) == "masks" and overlapping(parts := np.moveaxis(mask, axis, 0)):
        return [coding_of(part, "labels" if two_valued(mask) else "soft", void=None) for part in parts]
    return [coding_of(mask, kind, void, classes_last=axis == 2)]


def together(parts: list[NDArray], shape: tuple[int, ...], size: tuple[int, int]) -> NDArray:
    """The result for a mask of some shape, from those for its codings."""
    return parts[0] if len(parts) == 1 else np.stack(parts, cast(int, place_in(shape, size)))


def shown(shape: tuple[int, ...]) -> str:
    """A mask's shape as people give it: width times height where it has no more."""
    return f"{shape[1]} x {shape[0]}" if len(shape) == 2 else str(shape)


def refine_coding(photo: NDArray, coding: Coding, refiner: MaskRefiner, maps: bool = False) -> NDArray:
    """What a coding holds, sharpened, in the size of the photo: labels or probabilities, as it is.

    With `maps` labels become probabilities too; unknown pixels have them of what is around.
    """
    before = resized(coding.content, size := photo.shape[:2])
    if before.shape != coding.content.shape:
        height, width = coding.content.shape[-2:]
        warn(f"mask of {width} x {height} is brought to the photo's {size[1]} x {size[0]}")
    if before.ndim == 3:
        likeliest = np.where(before.any(0), before.argmax(0), -1)
        return _with_pieces(before, likeliest, refined(photo, before, refiner))
    if maps:
        shares = one_hot(before, max(1, len(coding.names)))
        return _with_pieces(shares, before, refined(photo, shares, refiner))
    if len(coding.names) < 2:
        return before
    return settled(coding, _with_pieces(before, before, refined_labels(photo, before, len(coding.names), refiner)))


def settled(coding: Coding, found: NDArray) -> NDArray:
    """What the way back of a coding takes: of probabilities, for a coding of labels, the likeliest; unknown is kept."""
    if coding.content.ndim == 3:
        return found
    labels = found.argmax(0) if found.ndim == 3 else found
    before = resized(coding.content, labels.shape)
    return np.where(before < 0, before, labels)


def _with_pieces(before: NDArray, labels: NDArray, after: NDArray) -> NDArray:
    """What came of a map, and as it was where an object would have vanished."""
    gone, count = vanished(labels, after.argmax(0) if after.ndim == 3 else after)
    if count:
        what = "an object" if count == 1 else f"{count} objects"
        warn(f"{what} of {LEAST} pixels or more would have vanished, and stays as it was")
    return np.where(gone, before, after)
