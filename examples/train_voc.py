"""Refine the segmentations of any model with one SPN, on PASCAL VOC or any folder in its layout.

The coarse maps are in a file, whoever made them: train on those of one model, then score those of another:

    python examples/train_voc.py --data VOC2012 --maps fcn8s.npz --guidance efficientnet_lite0
    python examples/train_voc.py --data VOC2012 --evaluate runs/voc/spn.ckpt --maps deeplab.npz
"""

import os

# Two pools of threads take turns here, torch's and Numba's: the idle one must sleep, not spin on its core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from spnkit.tasks import Voc
from spnkit.training import main

if __name__ == "__main__":
    main(Voc, __doc__)
