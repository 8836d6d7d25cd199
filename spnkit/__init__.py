"""spnkit: learning affinity via spatial propagation networks (Liu et al., NIPS 2017).

The top level is the propagation itself, on NumPy arrays and torch tensors. `spnkit.affinity` has the theory,
`spnkit.nn` the networks, `spnkit.data` and `spnkit.training` what trains them, `spnkit.plot` the figures;
each is imported by whoever needs it, so that `import spnkit` stays light.
"""

from spnkit.backends import BackendUnavailableError
from spnkit.directions import DIRECTIONS
from spnkit.fill import fill
from spnkit.propagation import normalize_gates, propagate, scan

__version__ = "0.1.0"

__all__ = ["DIRECTIONS", "BackendUnavailableError", "fill", "normalize_gates", "propagate", "scan"]
