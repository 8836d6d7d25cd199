"""Five keypoints of a face: both eyes, nose tip, both mouth corners; left is what the labels call left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spnkit.data.classes import score_groups
from spnkit.data.files import read_lines
from spnkit.data.names import meanings

_NOSE_TIP, _LEFT_CORNER, _RIGHT_CORNER = 30, 48, 54  # iBUG-68 numbering
_LEFT_EYE, _RIGHT_EYE = slice(36, 42), slice(42, 48)


def keypoints_from_landmarks(path: Path) -> NDArray[np.float64]:
    """Keypoints (5, 2) as (x, y) from a file of iBUG-68 landmarks (or more), one `x y` a line."""
    try:
        points = np.array([[float(v) for v in line.split()] for line in read_lines(path)])
    except ValueError as error:
        raise ValueError(f"{path}: expected two numbers 'x y' a line ({error})") from error
    if points.ndim != 2 or points.shape[0] < 68 or points.shape[1] != 2:
        raise ValueError(f"{path}: expected at least 68 lines 'x y', got an array of shape {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError(f"{path}: expected finite numbers 'x y', got {points[~np.isfinite(points)][0]}")
    eyes = points[_LEFT_EYE].mean(axis=0), points[_RIGHT_EYE].mean(axis=0)
    return np.stack([*eyes, points[_NOSE_TIP], points[_LEFT_CORNER], points[_RIGHT_CORNER]])


def keypoints_from_labels(labels: NDArray[np.uint8], classes: Sequence[str]) -> NDArray[np.float64] | None:
    """Keypoints (5, 2) as (x, y) from labels (H, W); None where an eye, the nose or the mouth is missing."""
    groups, named = score_groups(classes), meanings(classes)
    wanted = [
        *((named.index(name),) if name in named else () for name in ("left_eye", "right_eye")),
        *(groups.get(group, ()) for group in ("nose", "mouth")),
    ]
    left, right, nose, mouth = (_pixels(labels, indices) for indices in wanted)
    if not all(len(pixels) for pixels in (left, right, nose, mouth)):
        return None
    left_eye, right_eye = left.mean(axis=0), right.mean(axis=0)
    down = mouth.mean(axis=0) - (left_eye + right_eye) / 2
    across = right_eye - left_eye
    corners = _far_end(mouth, -across, 0.02), _far_end(mouth, across, 0.02)
    return np.stack([left_eye, right_eye, _far_end(nose, down, 0.5), *corners])


def _pixels(labels: NDArray[np.uint8], indices: Sequence[int]) -> NDArray[np.float64]:
    rows, columns = np.nonzero(np.isin(labels, indices))
    return np.stack([columns, rows], axis=1).astype(float)


def _far_end(pixels: NDArray[np.float64], along: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Mean of the `share` of the pixels that lie farthest along a vector: follows any tilt of the head."""
    reach = pixels @ along
    return pixels[reach >= np.quantile(reach, 1 - share)].mean(axis=0)
