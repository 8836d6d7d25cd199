"""Seconds to refine one image of 512 x 512 pixels with 21 classes, what of it is the guidance network, and dense CRF.

The SPN has 32 propagated channels and two units, and reads the photo by EfficientNet-Lite0 or, as in the paper, by
VGG-16. All take turns. The photo is one that scikit-image ships; the map has three blurred classes, and eighteen
that are nowhere.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
import torch
from skimage.data import astronaut

from analysis.common import record
from analysis.common.faces.classical import dense_crf
from analysis.common.timing import alternate, median
from spnkit.nn import SPN, VGGGuidance, efficientnet_lite0, soften

CLASSES, HIDDEN = 21, 32
KINDS = {
    "EfficientNet-Lite0, propagated at a quarter": (efficientnet_lite0, 32),
    "VGG-16, propagated at a half": (VGGGuidance, 64),
}
CRF = {"reach": 30, "colour": 5, "strength": 5}


def contestants(side):
    """Name to what is timed, without gradients."""
    photo = np.ascontiguousarray(astronaut()[:side, :side])
    labels = torch.from_numpy(photo.mean(2) // 90).long()[None]
    coarse = soften(labels, CLASSES, 8)
    image, given = torch.from_numpy(photo).permute(2, 0, 1)[None] / 255, coarse[0].numpy()
    found = {}
    for name, (guidance, size) in KINDS.items():
        spn = SPN(CLASSES, guidance, hidden=HIDDEN, size=size).eval().to(memory_format=torch.channels_last)
        found[name] = lambda spn=spn: spn(image, coarse)
        found[f"{name}: guidance network"] = lambda spn=spn: spn.guidance(image)
    found["dense CRF, 21 classes"] = lambda: dense_crf(photo, given, **CRF)
    found["dense CRF, 3 classes that are there"] = lambda: dense_crf(photo, given[:3] / given[:3].sum(0), **CRF)
    return found


@torch.inference_mode()
def main() -> None:
    """Measure, write, and print a line for each."""
    options = record.parser(__file__, __doc__).parse_args()
    side, turns = (128, 1) if options.small else (512, 3)
    seconds = median(alternate(contestants(side), turns))
    figures = {
        "side": side,
        "threads": torch.get_num_threads(),
        "milliseconds": {name: 1e3 * value for name, value in seconds.items()},
        "share of the guidance network": {name: seconds[f"{name}: guidance network"] / seconds[name] for name in KINDS},
    }
    record.write("speed", figures, seed=options.seed, out=record.folder(options))
    for name, value in seconds.items():
        print(f"{1e3 * value:9.1f} ms  {name}")


if __name__ == "__main__":
    main()
