"""Bring a face into a fixed frame by a similarity transform (section 5, HELEN)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.filters import gaussian
from skimage.transform import SimilarityTransform, warp

from spnkit.data.classes import IGNORE
from spnkit.data.masks import whole_labels

# Share of the frame's width and height. The eyes are a quarter of the frame apart, which leaves room for
# the chin (about 1.85 eye distances below them) and for most of the hair (about 1.8 above).
_FRAME = np.array([[0.375, 0.45], [0.625, 0.45], [0.5, 0.595], [0.397, 0.735], [0.603, 0.735]])
_MARGIN = 1.05
_OTHER_SIDE = [1, 0, 2, 4, 3]


def frame_keypoints(size: int) -> NDArray[np.float64]:
    """Where the five keypoints lie in a frame of `size` x `size` pixels.

    Parameters
    ----------
    size : int
        Side of the frame.

    Returns
    -------
    numpy.ndarray, (5, 2)
        Left eye, right eye, nose tip, left and right mouth corner as (x, y), in pixels.

    Examples
    --------
    >>> frame_keypoints(1024)[0].tolist()
    [383.5, 460.3]
    """
    return _FRAME * size - 0.5  # pixel centres have whole coordinates


def sides_of_the_viewer(keypoints: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """Keypoints with the viewer's left as left, and whether they had the person's own.

    With the person's own left no similarity transform leads onto the frame, but a reflection: the best one without
    would shrink the face to a dot.

    Examples
    --------
    >>> points = frame_keypoints(64)
    >>> _, swapped = sides_of_the_viewer(points[[1, 0, 2, 4, 3]])
    >>> swapped
    True
    """
    from_centre, onto = (points - points.mean(axis=0) for points in (keypoints, _FRAME))
    swapped = bool(np.linalg.det(onto.T @ from_centre) < 0)
    return (keypoints[_OTHER_SIDE] if swapped else keypoints), swapped


def align(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], keypoints: ArrayLike | None, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Move a face into the frame of `size` x `size` pixels by the similarity transform nearest its keypoints.

    The photo is interpolated bilinearly, after a Gaussian where it shrinks; labels take the nearest pixel.
    Without keypoints (a profile hides an eye) the upright square around everything that is not background
    is scaled to the frame instead. Keypoints may have the viewer's left or the person's: where the second is so,
    a reflection would be needed, and the sides change places.

    Parameters
    ----------
    image : numpy.ndarray
        Photo, uint8 (H, W, 3).
    labels : numpy.ndarray
        Class indices, whole numbers 0..255 (H, W), or a boolean mask.
    keypoints : array_like or None
        Left eye, right eye, nose tip, left and right mouth corner, (5, 2) as (x, y).
    size : int
        Side of the frame; 1024 in the paper.

    Returns
    -------
    image : numpy.ndarray
        uint8 (size, size, 3); beyond the photo its border is repeated.
    labels : numpy.ndarray
        uint8 (size, size); 255 beyond the photo.

    Raises
    ------
    TypeError
        If the photo is not uint8.
    ValueError
        If shapes do not agree, labels are not whole numbers 0..255, or the keypoints are not finite or (nearly)
        coincide.

    Examples
    --------
    >>> photo, labels = np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), np.uint8)
    >>> aligned, _ = align(photo, labels, frame_keypoints(64), size=32)
    >>> aligned.shape
    (32, 32, 3)
    """
    if image.dtype != np.uint8:  # rounding would leave black of a photo in [0, 1]
        raise TypeError(f"image: expected uint8, got {image.dtype}")
    labels = whole_labels("labels", labels)
    if image.ndim != 3 or labels.shape != image.shape[:2]:
        raise ValueError(f"labels: expected shape (H, W) of an image (H, W, 3), got {labels.shape}, {image.shape}")
    if size < 1:
        raise ValueError(f"size: expected a positive number of pixels, got {size}")
    to_frame = _around(labels, size) if keypoints is None else _onto(np.asarray(keypoints, float), size)
    blur = max(0.0, (1 / to_frame.scale - 1) / 2)  # scikit-image's own rule for its `resize`
    smooth = gaussian(image, (blur, blur, 0), mode="nearest", preserve_range=True) if blur > 1e-3 else image
    options = {"inverse_map": to_frame.inverse, "output_shape": (size, size), "preserve_range": True}
    moved = warp(smooth, order=1, mode="edge", **options)
    moved_labels = warp(labels, order=0, mode="constant", cval=IGNORE, **options)
    return np.rint(moved).astype(np.uint8), moved_labels.astype(np.uint8)


def _onto(keypoints: NDArray[np.float64], size: int) -> SimilarityTransform:
    if keypoints.shape != _FRAME.shape or not np.isfinite(keypoints).all():
        raise ValueError(f"keypoints: expected five finite points (5, 2), got {keypoints.tolist()}")
    transform = SimilarityTransform.from_estimate(sides_of_the_viewer(keypoints)[0], frame_keypoints(size))
    if np.ptp(keypoints, axis=0).max() >= 1 and isinstance(transform, SimilarityTransform):
        return transform
    raise ValueError(f"keypoints: the five points (nearly) coincide, got {keypoints.tolist()}")


def _around(labels: NDArray[np.uint8], size: int) -> SimilarityTransform:
    rows, columns = np.nonzero((labels != 0) & (labels != IGNORE))
    if not rows.size:
        rows, columns = (np.array([0, n - 1]) for n in labels.shape)
    ends = np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]])
    scale = size / (_MARGIN * (np.ptp(ends, axis=0).max() + 1))
    return SimilarityTransform(scale=scale, translation=(size - 1) / 2 - scale * ends.mean(axis=0))
