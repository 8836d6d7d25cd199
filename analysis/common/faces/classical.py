"""What a user would otherwise refine a map with: dense CRF, guided filter, domain transform.

Each is a function `(photo uint8 (H, W, 3), coarse float32 (C, H, W), **parameters) -> (C, H, W)`, with the
parameters that are tried on the validation split.
"""

from __future__ import annotations

from itertools import product

import numpy as np


def dense_crf(photo, coarse, *, reach, colour, strength):
    """Five mean-field steps of the fully connected CRF (Kraehenbuehl and Koltun, 2011)."""
    from pydensecrf import densecrf

    classes, height, width = coarse.shape
    crf = densecrf.DenseCRF2D(width, height, classes)
    crf.setUnaryEnergy(np.ascontiguousarray(-np.log(coarse.clip(1e-3)).reshape(classes, -1), np.float32))
    crf.addPairwiseGaussian(sxy=2, compat=2)
    crf.addPairwiseBilateral(sxy=reach, srgb=colour, rgbim=np.array(photo), compat=strength)
    return np.array(crf.inference(5)).reshape(coarse.shape)


def guided_filter(photo, coarse, *, radius, smoothness):
    """Every class's probability, filtered under the photo's guidance (He et al., 2010)."""
    import cv2

    guide = cv2.ximgproc.createGuidedFilter(np.ascontiguousarray(photo), radius, smoothness * 255**2)
    return np.stack([guide.filter(channel) for channel in coarse])


def domain_transform(photo, coarse, *, reach, colour):
    """Every class's probability, filtered recursively along the photo's edges (Gastal and Oliveira, 2011).

    Its recursion is the paper's one-way propagation with weights made by hand from colour differences.
    """
    import cv2

    guide = np.ascontiguousarray(photo)
    options = {"mode": cv2.ximgproc.DTF_RF, "numIters": 3}
    return np.stack([cv2.ximgproc.dtFilter(guide, channel, reach, colour, **options) for channel in coarse])


def grid(**choices):
    """All combinations of the choices, as keyword arguments."""
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


METHODS = {
    "dense CRF": (dense_crf, grid(reach=(10, 30), colour=(5, 10), strength=(2, 5))),
    "guided filter": (guided_filter, grid(radius=(2, 4, 8, 16), smoothness=(1e-4, 1e-3, 1e-2))),
    "domain transform": (domain_transform, grid(reach=(2, 5, 10, 20), colour=(20, 50, 100))),
}
