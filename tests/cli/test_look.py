"""`spnkit look`: the photo that comes with a dependency, one's own, a file, a page, and what is refused."""

import asyncio
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from spnkit.cli.looking import shown_photo


def test_without_a_photo_one_comes_with_matplotlib(spnkit, tmp_path):
    code, out, err = spnkit("look", "-o", "seen/screen.png", "--side", 64, "--pixel", "30,20", "--time", 0)
    assert (code, err) == (0, "")
    assert "Rear Admiral Grace Hopper" in out
    assert "512 x 600 is shrunk to 55 x 64 (--side 600 leaves it)" in out
    assert out.endswith("written: seen/screen.png\n")
    assert Image.open(tmp_path / "seen/screen.png").size == (1280, 720)
    assert [path.name for path in (tmp_path / "seen").iterdir()] == ["screen.png"]
    code, _, err = spnkit("look", "-o", "seen/screen.png")
    assert (code, err) == (1, "error: seen/screen.png: is there already (--force overwrites it)\n")


@pytest.mark.parametrize("form", ["grey.png", "alpha.png", "deep.png", "turned.jpg"])
def test_a_photo_is_taken_as_it_comes(tmp_path, form):
    levels = np.random.default_rng(0).integers(0, 256, (10, 14), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6 if form == "turned.jpg" else 1
    stored = {
        "grey.png": levels,
        "alpha.png": np.stack([*[levels] * 3, 255 - levels], axis=2),
        "deep.png": levels.astype(np.uint16) * 257,
        "turned.jpg": levels,
    }[form]
    Image.fromarray(stored).save(tmp_path / form, exif=exif, **({"quality": 100} if form == "turned.jpg" else {}))
    colours = shown_photo(tmp_path / form, 999).colours
    expected = np.rot90(levels, -1) if form == "turned.jpg" else levels
    assert colours.shape == (*expected.shape, 3)
    assert abs(colours - expected[..., None] / 255).max() < (0.02 if form == "turned.jpg" else 1e-6)


def test_a_large_photo_is_shrunk_by_means(tmp_path):
    levels = np.kron(np.array([[0, 100], [200, 50]], np.uint8), np.ones((50, 60), np.uint8))
    Image.fromarray(levels).save(tmp_path / "large.png")
    colours = shown_photo(tmp_path / "large.png", 12).colours
    assert colours.shape == (10, 12, 3)
    assert abs(colours[::9, ::11, 0] * 255 - [[0, 100], [200, 50]]).max() < 1e-4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no.jpg"], "no.jpg: no such image"),
        (["text.png"], "text.png: unreadable or truncated image"),
        (["-o", "a.jpg"], "a.jpg: expected one of the endings .png .pdf .svg, got .jpg"),
        (["--weights", "magic", "-o", "a.png"], "weights must be one of domain transform, recursive filter, colour"),
        (["--strength", "1", "-o", "a.png"], "strength must lie within (0, 1), got 1"),
        (["--pixel", "999,0", "-o", "a.png"], "pixel (999, 0) lies outside the map of 256 rows and 218 columns"),
        (["--side", "0"], "--side must be at least 1, got 0"),
        (["--time", "-1", "-o", "a.png"], "time must lie between 0 and 40, got -1"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(spnkit, tmp_path, arguments, words):
    (tmp_path / "text.png").write_text("no picture")
    code, _, err = spnkit("look", *arguments)
    assert code == 1
    assert err.startswith("error: ")
    assert words in err
    assert err.count("\n") == 1
    assert not (tmp_path / "a.png").exists()


def test_what_serves_the_page_is_named_where_it_is_missing(spnkit, monkeypatch):
    monkeypatch.setitem(sys.modules, "tornado", None)
    code, _, err = spnkit("look", "--web", "--side", 16)
    assert (code, err) == (1, "error: this command needs tornado: pip install 'spnkit[look]'\n")


@pytest.fixture
def page(tmp_path):
    """The address of a page that is served by a process of its own, as on a machine without a screen."""
    pytest.importorskip("tornado")
    environment = {**os.environ, "MPLBACKEND": "agg", "BROWSER": "true", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "spnkit", "look", "--side", "40", "--pixel", "5,5", "--port", "18988"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as serving:
        said = []
        for line in serving.stdout:
            said.append(line)
            if found := re.search(r"http://(127\.0\.0\.1:\d+)", line):
                break
        else:
            pytest.fail("".join(said))
        try:
            yield found.group(1)
        finally:
            serving.terminate()
            serving.communicate(timeout=60)


def test_a_page_answers_a_click(page):
    """As the script of the page talks to the program: a click goes there, a new picture comes back."""
    from tornado.httpclient import AsyncHTTPClient
    from tornado.websocket import websocket_connect

    async def talk():
        html = (await AsyncHTTPClient().fetch(f"http://{page}/1")).body.decode()
        assert "mpl.js" in html
        socket = await websocket_connect(f"ws://{page}/1/ws")
        for name in ("supports_binary", "send_image_mode", "refresh", "draw"):
            await socket.write_message(json.dumps({"type": name, "value": True, "figure_id": "1"}))
        first = await picture(socket)
        at = {"x": 180, "y": 200, "button": 0, "buttons": 1, "modifiers": [], "figure_id": "1", "step": 0}
        for name in ("button_press", "button_release", "draw"):
            await socket.write_message(json.dumps({"type": name, **at}))
        return first, await picture(socket)

    async def picture(socket):
        while not isinstance(message := await socket.read_message(), bytes):
            assert message is not None, "closed"
        return message

    first, second = asyncio.run(asyncio.wait_for(talk(), 120))
    assert first.startswith(b"\x89PNG")
    assert second.startswith(b"\x89PNG")
    assert len(second) < len(first)  # what has changed
