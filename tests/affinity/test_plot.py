"""Figures: into the Axes that are given, with named axes, and without matplotlib until one is drawn."""

import subprocess
import sys

import naive
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tolerances import assert_close

from spnkit import plot
from spnkit.affinity import (
    AffinityOperator,
    MixedAffinityOperator,
    build_G,
    diffuse,
    effective_area,
    gershgorin_discs,
    gradient_norms,
    step_matrices,
)
from spnkit.directions import DIRECTIONS

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib.figure import Figure  # noqa: E402

P = np.full((3, 6, 6), 0.3)
RANDOM = naive.normalize(np.random.default_rng(0).normal(size=(3, 5, 7)), "clip")
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


BARS = {
    "sparsity": "size of the entry",
    "reach": "share of what it hears",
    "listens_to": "share of what it hears",
    "column": "share of what they hear",
    "diffusion": "value of the map",
}
PLAIN = {
    "sparsity": lambda ax, **options: plot.sparsity(build_G(P), ax, **options),
    "reach": lambda ax, **options: plot.reach(ROW, (2, 4), ax, **options),
    "listens_to": lambda ax, **options: plot.listens_to(np.ones((6, 6)), ROW, (2, 4), ax, **options),
    "column": lambda ax, **options: plot.reach(AffinityOperator(P).column((2, 4)), (2, 4), ax, of="column", **options),
    "diffusion": lambda ax, **options: plot.diffusion(AffinityOperator(P), np.eye(6), (2,), ax, **options),
}
SAYS = {
    "sparsity": ["36 x 36", "% of all pairs"],
    "reach": ["Pixel (2, 4) listens to", "pixels' worth", "10% its own"],
    "listens_to": ["Pixel (2, 4) listens to", "10% its own"],
    "column": ["Who listens to pixel (2, 4)", "in sum"],
    "diffusion": ["after T = 2"],
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_map_says_what_is_seen_and_which_colour_is_how_much(name):
    figure = Figure(layout="constrained")
    PLAIN[name](figure.subplots())
    drawn, bar = figure.axes
    assert bar.get_ylabel() == BARS[name]
    for words in SAYS[name]:
        assert words in drawn.get_title()
    figure.canvas.draw()
    alone = Figure()
    PLAIN[name](alone.subplots(), colorbar=False)
    assert len(alone.axes) == 1


def test_what_titles_say_is_so():
    title = plot.reach(ROW, (2, 4), Figure().subplots()).get_title()
    assert f"{effective_area(ROW):.3g} pixels' worth, {ROW[2, 4] / ROW.sum():.0%} its own" in title
    column = AffinityOperator(P).column((2, 4))
    title = plot.reach(column, (2, 4), Figure().subplots(), of="column").get_title()
    assert f"{column.sum():.2g} in sum, {column[2, 4] / column.sum():.0%} its own" in title
    with pytest.raises(ValueError, match="of must be 'row' or 'column', got 'both'"):
        plot.reach(ROW, (2, 4), Figure().subplots(), of="both")
    assert plot.reach(ROW, (2, 4), Figure().subplots(), title="").get_title() == ""


@pytest.mark.parametrize("dense", [False, True])
def test_a_large_matrix_is_drawn_in_dots_that_lose_nothing(monkeypatch, dense):
    monkeypatch.setattr("spnkit.plot.matrices.LARGEST", 8)
    G = build_G(RANDOM)  # 35 x 35: dots of 5 x 5
    ax = plot.sparsity(G.toarray() if dense else G, Figure().subplots(), lanes=5)
    blocks = np.abs(G.toarray()).reshape(7, 5, 7, 5).max(axis=(1, 3))
    assert_close(ax.images[0].get_array().filled(0), blocks)
    assert "a dot for 5 x 5" in ax.get_title()
    assert f"{G.count_nonzero() / 35**2:.1%} of all pairs" in ax.get_title()
    assert ax.get_xlim() == (-0.5, 34.5)


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
    assert_close(bytes_.images[0].get_array(), floats.images[0].get_array())
    assert_close(bytes_.images[0].get_array(), 0.6 + 0.4 * photo.mean(axis=-1) / 255)
    with pytest.raises(ValueError, match=r"same height and width, got \(5, 6\) and \(6, 6\)"):
        plot.listens_to(photo[1:], ROW, (2, 4))


def test_sparsity_hides_zeros_and_nothing_else():
    ax = Figure().subplots()
    G = build_G(P)
    shown = plot.sparsity(G, ax).images[0].get_array()
    assert (shown.mask == (G.toarray() == 0)).all()


@pytest.mark.parametrize("draw", [plot.reach, lambda *args: plot.listens_to(np.ones((5, 7)), *args)])
def test_shares_span_three_decades_below_the_largest(draw):
    row = AffinityOperator(RANDOM, "bottom_to_top").row((1, 4))
    picture = draw(row, (1, 4), Figure().subplots()).images[-1]
    heard = np.abs(row) / np.abs(row).max()
    expected = np.clip(np.log10(heard, where=heard > 0, out=np.full_like(row, -9)) / 3 + 1, 0, 1)
    shown = np.ma.filled(picture.norm(picture.get_array()), 0)
    assert_close(shown, expected)


def test_reach_marks_the_pixel():
    ax = plot.reach(ROW, (2, 4), Figure().subplots())
    assert {tuple(np.ravel(line.get_xydata())) for line in ax.lines} == {(4, 2)}


def test_discs_hold_the_eigenvalues():
    ax = plot.gershgorin(P, ax=Figure().subplots())
    radii = [patch.get_radius() for patch in ax.patches]
    assert max(radii) == 1
    assert len(radii) == 2 * 6 + 1
    assert len(ax.lines[0].get_xdata()) == 6


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_discs_and_eigenvalues_are_those_of_the_step(direction, step):
    ax = plot.gershgorin(RANDOM, direction, step, Figure().subplots())
    *discs, unit = ax.patches
    for drawn in (discs[::2], discs[1::2]):  # filled, and outlined
        found = [(*disc.get_center(), disc.get_radius()) for disc in drawn]
        centers, radii = (values[step] for values in gershgorin_discs(RANDOM, direction))
        assert_array_equal(found, np.stack([centers, np.zeros_like(centers), radii], axis=1))
    assert (unit.get_center(), unit.get_radius()) == ((0, 0), 1)
    eigenvalues = np.linalg.eigvals(step_matrices(RANDOM, direction)[step])
    assert_close(ax.lines[0].get_xydata(), np.stack([eigenvalues.real, eigenvalues.imag], axis=1))


def test_decay_is_logarithmic_in_the_norms_alone():
    curves = {norm: gradient_norms(RANDOM, "top_to_bottom", norm=norm) for norm in ("sum", "max")}
    ax = plot.decay(curves, Figure().subplots())
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    for line, (name, curve) in zip(ax.lines, curves.items(), strict=True):
        assert line.get_label() == name
        assert_array_equal(line.get_xydata(), np.stack([np.arange(5), curve], axis=1))


def test_pictures_of_a_diffusion_share_the_scale_of_the_first():
    x, times = np.random.default_rng(1).normal(size=(5, 7)), (0.5, 2, 8)
    operator = AffinityOperator(np.abs(RANDOM), "right_to_left")
    for ax, time in zip(plot.diffusion(operator, x, times, Figure().subplots(1, 3)), times, strict=True):
        (picture,) = ax.images
        assert_close(np.asarray(picture.get_array()), diffuse(operator, x, time))
        assert picture.get_clim() == (x.min(), x.max())


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_photo_in_levels_looks_as_in_shares(dtype):
    """Sixteen bits were all white."""
    shares = np.linspace(0, 1, 12).reshape(3, 4)
    levels = (shares * np.iinfo(dtype).max).round().astype(dtype)
    row = np.full((3, 4), 1 / 12)
    shown, wanted = (plot.listens_to(photo, row, (1, 1)).get_images()[0].get_array() for photo in (levels, shares))
    np.testing.assert_allclose(shown, wanted, atol=0.5 / np.iinfo(dtype).max)
