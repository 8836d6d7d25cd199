"""Section 5's speed rows: seconds to refine one image of 512 x 512 pixels, and what of it is the guidance network.

The SPN has the paper's widths, 32 propagated channels and two units. The paper does not say at which size it
propagates for such an image: both readings are here, 64 x 64 for every 128 x 128 pixels, as in training, and
64 x 64 for the whole image. Dense CRF, guided filter and domain transform take the same map. All take turns. The
photo is one that scikit-image ships: on noise dense CRF takes three times as long.
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

import spnkit
from analysis.common import record
from analysis.common.faces.classical import METHODS
from analysis.common.timing import alternate, median
from spnkit.nn import SPN

CLASSES, HIDDEN = 11, 32
SHARES = {"propagated at 64 x 64 a patch of 128 x 128": 64, "propagated at 64 x 64 in all": 16}


def contestants(side, rng):
    """Name to what is timed, without gradients."""
    photo = astronaut()[:side, :side]
    coarse = rng.dirichlet(np.ones(CLASSES), (side, side)).transpose(2, 0, 1).astype(np.float32)
    image, given = torch.from_numpy(photo).permute(2, 0, 1)[None] / 255, torch.from_numpy(coarse)[None]
    found = {}
    for name, size in SHARES.items():
        spn = SPN(CLASSES, hidden=HIDDEN, size=size).eval()
        found[f"SPN, {name}"] = lambda spn=spn: spn(image, given)
        found[f"SPN, {name}: guidance network"] = lambda spn=spn: spn.guidance(image)
    x, gates = torch.rand(1, HIDDEN, 64, 64), torch.randn(1, 4, 3, HIDDEN, 64, 64)
    found["one unit of 64 x 64 x 32"] = lambda: spnkit.propagate(x, gates)
    for name, (call, choices) in METHODS.items():
        found[name] = lambda call=call, chosen=choices[0]: call(photo, coarse, **chosen)
    return found


@torch.inference_mode()
def main() -> None:
    """Measure, write, and print a line for each."""
    options = record.parser(__file__, __doc__).parse_args()
    side, turns = (128, 1) if options.small else (512, 5)
    seconds = median(alternate(contestants(side, np.random.default_rng(options.seed)), turns))
    share = {name: seconds[f"SPN, {name}: guidance network"] / seconds[f"SPN, {name}"] for name in SHARES}
    figures = {
        "side": side,
        "threads": torch.get_num_threads(),
        "milliseconds": {name: 1e3 * value for name, value in seconds.items()},
        "share of the guidance network": share,
        "dense CRF over SPN": {name: seconds["dense CRF"] / seconds[f"SPN, {name}"] for name in SHARES},
    }
    record.write("refinement_speed", figures, seed=options.seed, out=record.folder(options))
    for name, value in seconds.items():
        print(f"{1e3 * value:9.1f} ms  {name}")


if __name__ == "__main__":
    main()
