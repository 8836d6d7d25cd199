"""Figures: into the Axes that are given, with named axes, and without matplotlib until one is drawn."""

import subprocess
import sys

import numpy as np
import pytest

from spnkit import plot
from spnkit.affinity import AffinityOperator, MixedAffinityOperator, build_G, gradient_norms

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib.figure import Figure  # noqa: E402

P = np.full((3, 6, 6), 0.3)
ROW = AffinityOperator(P).row((2, 4))
DRAW = {
    "sparsity": lambda ax: plot.sparsity(build_G(P), ax, lanes=6, title="G"),
    "reach": lambda ax: plot.reach(ROW, (2, 4), ax, title="G"),
    "listens_to": lambda ax: plot.listens_to(np.ones((6, 6, 3)), ROW, (2, 4), ax, title="G"),
    "gershgorin": lambda ax: plot.gershgorin(P, step=2, ax=ax, title="G"),
    "decay": lambda ax: plot.decay({"even": gradient_norms(P)}, ax, title="G"),
}


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_goes_into_its_axes(name):
    figure = Figure()
    ax = figure.subplots()
    assert DRAW[name](ax) is ax
    assert ax.get_title().startswith("G")
    if name != "listens_to":
        assert ax.get_xlabel()
        assert ax.get_ylabel()
    figure.canvas.draw()


def test_without_axes_a_figure_is_made():
    import matplotlib.pyplot as pyplot

    ax = plot.gershgorin(P)
    assert ax.figure.number in pyplot.get_fignums()
    pyplot.close(ax.figure)


def test_dense_and_empty_matrices_are_shown():
    dense, sparse = plot.sparsity(build_G(P).toarray()), plot.sparsity(build_G(P))
    assert np.ma.allequal(dense.images[0].get_array(), sparse.images[0].get_array())
    assert plot.sparsity(np.zeros((4, 4))).images[0].get_array().mask.all()


def test_a_photo_of_bytes_is_a_photo():
    photo = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    bytes_, floats = (plot.listens_to(each, ROW, (2, 4)) for each in (photo, photo / 255))
    assert np.allclose(bytes_.images[0].get_array(), floats.images[0].get_array())
    with pytest.raises(ValueError, match=r"same height and width, got \(5, 6\) and \(6, 6\)"):
        plot.listens_to(photo[1:], ROW, (2, 4))


def test_sparsity_hides_zeros_and_nothing_else():
    ax = Figure().subplots()
    G = build_G(P)
    shown = plot.sparsity(G, ax).images[0].get_array()
    assert (shown.mask == (G.toarray() == 0)).all()


def test_reach_marks_the_pixel():
    ax = plot.reach(ROW, (2, 4), Figure().subplots())
    assert {tuple(np.ravel(line.get_xydata())) for line in ax.lines} == {(4, 2)}


def test_discs_hold_the_eigenvalues():
    ax = plot.gershgorin(P, ax=Figure().subplots())
    radii = [patch.get_radius() for patch in ax.patches]
    assert max(radii) == 1
    assert len(radii) == 2 * 6 + 1
    assert len(ax.lines[0].get_xdata()) == 6


def test_diffusion_draws_every_time():
    mix, axes = MixedAffinityOperator(np.full((4, 3, 6, 6), 0.3)), Figure().subplots(1, 3)
    drawn = plot.diffusion(mix, np.eye(6), (0, 1, 50), axes)
    pictures = [ax.images[0].get_array() for ax in drawn]
    assert (pictures[0] == np.eye(6)).all()
    assert np.ptp(pictures[2]) < 0.01
    with pytest.raises(ValueError, match="one Axes for each of the 2 times, got 3"):
        plot.diffusion(mix, np.eye(6), (0, 1), axes)


def test_matplotlib_is_imported_late_and_missed_by_name():
    code = """
import sys
import numpy as np
from spnkit import plot
assert "matplotlib" not in sys.modules
sys.modules["matplotlib.pyplot"] = None
try:
    plot.gershgorin(np.full((1, 2, 2), 0.5))
except ModuleNotFoundError as error:
    assert "needs matplotlib" in str(error)
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
