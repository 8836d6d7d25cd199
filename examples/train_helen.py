"""Refine face parsings with an SPN: Section 5 of the paper, on HELEN or on faces made up for the purpose.

Without arguments: makes faces, trains the baseline parsers, the SPN and a control without photos, and ends
with a table like the paper's Table 1, in a few minutes on two CPU cores. The paper's sizes on HELEN are

    --data HELEN --size 1024 --factor 8 --folds 1 --width 1 --hidden 32 --batch 8 --steps 10000

and its recipe is --optimizer sgd --loss softmax --no-residual --no-batch-norm besides, with which the results page has
networks as small as these end below the map they were given.
"""

import os

# Two pools of threads take turns here, torch's and Numba's: the idle one must sleep, not spin on its core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from spnkit.tasks import Faces
from spnkit.training import main

if __name__ == "__main__":
    main(Faces, __doc__)
