"""Train a refiner without classes: it sharpens anybody's masks, whatever they show.

    python examples/train_refiner.py                  # on scenes that it makes up
    python examples/train_refiner.py --data FOLDER    # on photos with masks of any classes

Ends with a table, pictures, a validation curve and the weights: `spnkit refine PHOTO MASK --weights RUN/refiner.pt`.
"""

import os

# Two pools of threads take turns here, torch's and Numba's: the idle one must sleep, not spin on its core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from spnkit.tasks import Refinement
from spnkit.training import main

if __name__ == "__main__":
    main(Refinement, __doc__)
