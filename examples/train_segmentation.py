"""Refine segmentations of any photos with an SPN: streets, animals, whatever a folder has classes for.

Trains baseline parsers that see the photos four times smaller, the SPN and a control without photos, and ends with a
table and two pictures. The folder is laid out as PASCAL VOC is, or as images/ + labelsNN/ + splits/ + classes.txt:

    python examples/train_segmentation.py --data VOC2012
"""

import os

# Two pools of threads take turns here, torch's and Numba's: the idle one must sleep, not spin on its core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from spnkit.tasks import Segmentation
from spnkit.training import main

if __name__ == "__main__":
    main(Segmentation, __doc__)
