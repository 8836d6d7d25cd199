"""Photos through the refiner, whole."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from spnkit.nn.arrays import one_hot
from spnkit.nn.refiner import MaskRefiner


@torch.inference_mode()
def refined(photo: NDArray[np.float32], coarse: NDArray[np.float32], refiner: MaskRefiner) -> NDArray[np.float32]:
    """Refined probabilities (K, H, W) of a photo (H, W, 3) in [0, 1] and its coarse map (K, H, W)."""
    image = torch.from_numpy(np.ascontiguousarray(photo.transpose(2, 0, 1)))[None]
    return refiner(image, torch.from_numpy(np.ascontiguousarray(coarse))[None])[0].numpy()


def refined_labels(
    photo: NDArray[np.float32], indices: NDArray[np.integer], classes: int, refiner: MaskRefiner
) -> NDArray[np.integer]:
    """Refined labels (H, W) of indices (H, W), 0 to `classes` - 1, or less than 0 where nothing is known."""
    return refined(photo, one_hot(indices, classes), refiner).argmax(0)
