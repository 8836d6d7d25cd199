"""The screen without one: events as a window sends them, and what is drawn after them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

matplotlib = pytest.importorskip("matplotlib")
from matplotlib.backend_bases import KeyEvent, MouseButton, MouseEvent  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from spnkit.look import Explored, Photo, Screen, layout  # noqa: E402
from spnkit.look.colours import LEAST, faded, levels, painted, table  # noqa: E402

RNG = np.random.default_rng(0)
COLOURS = np.kron(RNG.random((2, 3, 3)), np.ones((12, 10, 1))).astype(np.float32)


@pytest.fixture(scope="module")
def shared():
    """One for all tests: to lay it out and draw it takes a second."""
    figure = Figure(figsize=layout.SIZE)
    FigureCanvasAgg(figure)
    made = Screen(Explored(Photo(COLOURS)), time=2, figure=figure)
    figure.canvas.draw()
    return made


@pytest.fixture
def screen(shared):
    """As it was in the beginning."""
    if shared.stale or (shared.explored.kind, shared.explored.strength, shared.time) != ("colour", 0.99, 2):
        choose(shared, shared.kind, "colour")
        choose(shared, shared.direction, "all four")
        for slider in (shared.strength, shared.sigma, shared.times):
            slider.reset()
        shared.settle()
    shared.look_at((12, 15))
    return shared


def mouse(screen, name, ax, place, button=MouseButton.LEFT):
    x, y = ax.transData.transform(place)
    MouseEvent(name, screen.figure.canvas, x, y, button)._process()


def click(screen, ax, place):
    for name in ("button_press_event", "button_release_event"):
        mouse(screen, name, ax, place)


def drag(screen, slider, value):
    """Press on a slider where it is, move and let go."""
    middle = 0.5
    mouse(screen, "button_press_event", slider.ax, (slider.val, middle))
    mouse(screen, "motion_notify_event", slider.ax, (value, middle))
    before = screen.explored
    mouse(screen, "button_release_event", slider.ax, (value, middle))
    return before


def seen(screen):
    """The pixels of the window, as they are."""
    return np.asarray(screen.figure.canvas.buffer_rgba()).copy()


def inside(screen, ax, picture):
    """The part of a window within some Axes."""
    x0, y0, x1, y1 = (round(v) for v in ax.bbox.extents)
    height = picture.shape[0]
    return picture[height - y1 : height - y0, x0:x1]


@pytest.mark.parametrize("name", [None, "row", "column", "diffused"])
def test_a_click_looks_at_that_pixel(screen, name):
    before = seen(screen)
    ax = screen.photo_axes if name is None else screen.axes["three_way", name]
    click(screen, ax, (22.3, 4.4))  # x, y
    assert screen.pixel == (4, 22)
    after = seen(screen)
    for at, map_axes in screen.axes.items():
        assert (inside(screen, map_axes, before) != inside(screen, map_axes, after)).any(), at
    for connection, heard in screen.explored.heard((4, 22)).items():
        for part, shares in (("row", heard.row), ("column", heard.column)):
            drawn = np.asarray(screen.pictures[connection, part].get_array())
            assert_array_equal(drawn, painted(faded(COLOURS), shares))
        across, down = screen.stripes[connection]
        place = screen.explored.cropped((4, 22))[connection].place
        assert across.get_y() + 1 == down.get_x() + 1 == place
    assert "row 4, column 22" in screen.photo_axes.get_title()


def test_what_is_drawn_quickly_is_what_is_drawn_whole(screen):
    click(screen, screen.photo_axes, (3, 20))
    quick = seen(screen)
    screen.figure.canvas.draw()
    assert_array_equal(quick, seen(screen))


def test_a_click_beside_the_maps_does_nothing(screen):
    before = screen.pixel
    click(screen, screen.axes["one_way", "matrix"], (3, 3))
    MouseEvent("button_press_event", screen.figure.canvas, 2, 2, MouseButton.LEFT)._process()
    assert screen.pixel == before


@pytest.mark.parametrize(
    ("key", "pixel"),
    [("left", (12, 14)), ("up", (11, 15)), ("shift+right", (12, 25)), ("shift+down", (22, 15)), ("a", (12, 15))],
)
def test_arrows_move(screen, key, pixel):
    KeyEvent("key_press_event", screen.figure.canvas, key)._process()
    assert screen.pixel == pixel


def test_arrows_stop_at_the_border(screen):
    for _ in range(3):
        KeyEvent("key_press_event", screen.figure.canvas, "shift+right")._process()
    assert screen.pixel == (12, 29)


def test_a_slider_counts_when_it_is_let_go(screen):
    before = drag(screen, screen.strength, 3.0)
    assert before.strength == pytest.approx(0.99)
    assert screen.explored.strength == pytest.approx(0.999)
    assert screen.strength.valtext.get_text() == "0.999"
    drag(screen, screen.sigma, 2.0)
    assert screen.explored.sigma == 4
    drag(screen, screen.times, 7)
    assert screen.time == 7
    drawn = np.asarray(screen.pictures["one_way", "diffused"].get_array())[..., :3]
    expected = Explored(Photo(COLOURS), strength=0.999, sigma=4).diffused(7)["one_way"]
    assert_allclose(drawn / 255, expected, atol=1.01 / 255)
    assert "T = 7" in screen.axes["one_way", "diffused"].get_title()


def test_weights_are_not_made_anew_for_another_time(screen):
    seen = screen.explored
    drag(screen, screen.times, 9)
    assert screen.time == 9
    assert screen.explored is seen


def choose(screen, chooser, name):
    chooser.set_active([label.get_text() for label in chooser.labels].index(name))


def test_other_weights_and_scans(screen):
    choose(screen, screen.kind, "domain transform")
    choose(screen, screen.direction, "↓ down")
    assert (screen.explored.kind, screen.explored.direction) == ("domain transform", "top_to_bottom")
    row = screen.explored.heard(screen.pixel)["three_way"].row
    assert row[screen.pixel[0] + 1 :].max() < 1e-12  # nothing comes from below
    assert_array_equal(np.asarray(screen.pictures["three_way", "row"].get_array()), painted(faded(COLOURS), row))


def test_learned_weights_are_not_offered_without_torch(monkeypatch):
    monkeypatch.setattr("spnkit.look.kinds.find_spec", lambda name: None)
    screen = Screen(Explored(Photo(COLOURS)), time=0)
    assert [label.get_text() for label in screen.kind.labels] == ["domain transform", "recursive filter", "colour"]


def test_colours_say_how_much():
    assert_allclose(levels(np.array([0, LEAST, 1e-3, 1.0, 2.0])), [0, 0, 0.5, 1, 1], atol=1e-6)
    ground = faded(np.zeros((1, 3, 3), np.float32))
    picture = painted(ground, np.array([[0.0, 1e-3, 1.0]]))
    assert_array_equal(picture[0, 0], ground[0, 0])  # nothing is nothing
    assert_allclose(picture[0, 1:], table()[[127, 255]], atol=1)


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_a_picture_of_the_screen_has_all_that_is_on_it(screen, tmp_path, name):
    screen.figure.savefig(tmp_path / name, dpi=100)
    if name.endswith("png"):
        from PIL import Image

        assert_array_equal(np.asarray(Image.open(tmp_path / name))[..., :3], seen(screen)[..., :3])
    click(screen, screen.photo_axes, (3, 20))  # and the screen goes on
    assert screen.pixel == (20, 3)


@pytest.mark.parametrize(("arguments", "words"), [({"time": 99}, "time must lie"), ({"pixel": (99, 0)}, "outside")])
def test_what_cannot_be_shown_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Screen(Explored(Photo(COLOURS)), **arguments)
