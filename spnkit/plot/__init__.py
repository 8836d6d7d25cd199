"""Figures of the affinity. Every function draws into `ax`, or into a new figure, and returns the Axes.

Titles that are not given say what is seen, and every map has a bar that says which colour is how much. The colour maps
grow evenly in lightness, so that they survive print and colour blindness; marks use the colours of Okabe and Ito.
"""

from spnkit.plot.maps import diffusion, listens_to, reach
from spnkit.plot.matrices import sparsity
from spnkit.plot.shown import COLORMAP, GREY, LINES
from spnkit.plot.stability import decay, gershgorin

__all__ = ["COLORMAP", "GREY", "LINES", "decay", "diffusion", "gershgorin", "listens_to", "reach", "sparsity"]
