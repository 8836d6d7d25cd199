"""What else sharpens a coarse map along a photo, each with the parameters that are tried on the validation split.

Functions of a photo uint8 (H, W, 3) and a coarse map float32 (K, H, W); what they return is compared by its greatest
class. Dense CRF, guided filter and domain transform are those of the faces' Table 1.
"""

from __future__ import annotations

import numpy as np

from analysis.common.faces.classical import METHODS, grid
from analysis.common.refinement.bilateral import bilateral_solver


def random_walker(photo, coarse, *, band, contrast):
    """Seeds where the map is far from its outlines, a random walk on the photo between them (Grady, 2006)."""
    from skimage.segmentation import random_walker as walk

    labels = seeds(coarse, band)
    if not labels.any():
        return coarse
    present = np.unique(labels[labels > 0])
    found = np.zeros_like(coarse)
    if len(present) < 2:
        found[present - 1] = 1
        return found
    options = {"mode": "cg_j", "tol": 1e-2, "channel_axis": 2, "return_full_prob": True}
    found[present - 1] = walk(photo / 255, labels, beta=contrast, **options)
    return found


def matting(photo, coarse, *, band):
    """Closed-form matting (Levin et al., 2008) of a mask of one object, whose outline is unknown in a band."""
    from pymatting import estimate_alpha_cf

    labels = seeds(coarse, band)
    if not (labels == 1).any() or not (labels == 2).any():
        return coarse
    trimap = np.choose(labels, (0.5, 0.0, 1.0))
    alpha = estimate_alpha_cf(photo / 255, trimap)
    return np.stack([1 - alpha, alpha])


def seeds(coarse, band):
    """The class of each pixel from 1, and 0 within `band` pixels of another class."""
    from scipy.ndimage import maximum_filter, minimum_filter

    labels = coarse.argmax(0) + 1
    side = 2 * band + 1
    return np.where(minimum_filter(labels, side) == maximum_filter(labels, side), labels, 0)


RIVALS = {
    "guided filter": METHODS["guided filter"],
    "domain transform": METHODS["domain transform"],
    "fast bilateral solver": (bilateral_solver, grid(reach=(8, 16, 32), colour=(8, 16), strength=(4.0, 32.0))),
    "dense CRF": METHODS["dense CRF"],
}
BINARY_RIVALS = {
    "random walker": (random_walker, grid(band=(3, 6, 12), contrast=(100, 1000))),
    "closed-form matting": (matting, grid(band=(3, 6, 12))),
}
"""For masks of one object alone: with many classes they take minutes."""
