"""The explorer of the first page computes what the library computes, and answers clicks, keys and sliders."""

import json
import shutil
import subprocess
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spnkit.affinity import MixedAffinityOperator, color_similarity_weights, edge_scale
from spnkit.directions import CONNECTIONS, DIRECTIONS

FOLDER = Path(__file__).parents[2] / "docs" / "_static" / "explorer"
NODE = """
const A = require({folder} + "/affinity.js"), asked = JSON.parse(require("fs").readFileSync(0));
const [h, w] = asked.shape, found = {{scale: A.edgeScale(asked.photo, h, w)}};
for (const connection of ["one_way", "three_way"]) {{
  const scans = A.operator(asked.photo, h, w, connection, asked.sigma, asked.strength);
  found[connection] = {{
    weights: scans.map(s => s.p.map(k => [...k])),
    row: [...A.row(scans, asked.pixel)],
    column: [...A.column(scans, asked.pixel)],
  }};
}}
console.log(JSON.stringify(found));
"""


def photo():
    """That of the page."""
    encoded = (FOLDER / "photo.js").read_text().split("base64,")[1].split('"')[0]
    return np.asarray(Image.open(BytesIO(b64decode(encoded))).convert("RGB"))


def operators(image, sigma, strength):
    return {
        connection: MixedAffinityOperator(
            [
                color_similarity_weights(image, d, sigma=sigma, strength=strength, connection=connection)
                for d in DIRECTIONS
            ]
        )
        for connection in CONNECTIONS
    }


@pytest.mark.parametrize("shape", [(9, 7), (1, 6), (5, 1), (96, 144)])
def test_numbers_are_those_of_the_library(shape):
    if not (node := shutil.which("node")):
        pytest.skip("node is not installed")
    image = photo() if shape == (96, 144) else np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    sigma, strength, pixel = 0.3, 0.98, (shape[0] // 2, shape[1] // 3)
    number = pixel[0] * shape[1] + pixel[1]
    asked = {
        "photo": (image / 255).ravel().tolist(),
        "shape": shape,
        "sigma": sigma,
        "strength": strength,
        "pixel": number,
    }
    script = NODE.format(folder=json.dumps(str(FOLDER)))
    said = subprocess.run([node, "-e", script], input=json.dumps(asked), text=True, capture_output=True, check=True)
    found = json.loads(said.stdout)
    assert found["scale"] == pytest.approx(edge_scale(image), abs=1e-12)
    for connection, operator in operators(image, sigma, strength).items():
        theirs = found[connection]
        assert abs(np.array(theirs["weights"]).reshape(operator.p.shape) - operator.p).max() < 1e-12
        assert abs(np.array(theirs["row"]) - operator.row(pixel).ravel()).max() < 1e-12
        assert abs(np.array(theirs["column"]) - operator.column(pixel).ravel()).max() < 1e-12


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """The explorer alone, in a browser, as wide as a phone."""
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    from browse import browser

    if not browser():
        pytest.skip("no browser is installed")
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(FOLDER, folder / "_static" / "explorer")
    body = (FOLDER / "explorer.html").read_text()
    (folder / "index.html").write_text(f"<!doctype html><meta charset=utf-8>{body}")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        page = opened.new_page(viewport={"width": 390, "height": 900})
        page.goto((folder / "index.html").as_uri())
        page.wait_for_selector(".explorer.ready")
        yield page
        opened.close()


def shares(tab, connection):
    return np.array(tab.evaluate(f"[...document.getElementById('{connection}').shares]")).reshape(96, 144)


def test_clicks_keys_and_sliders_in_a_browser(tab):
    """On a page of a file, without a server: pixels of the photo, numbers of the library to 1e-5."""
    image = photo()
    box = tab.locator("#three_way").bounding_box()
    before = tab.locator("#three_way").screenshot()
    at = {"x": box["width"] * 60.5 / 144, "y": box["height"] * 50.5 / 96}
    tab.locator("#three_way").click(position=at)
    assert tab.locator("#three_way").screenshot() != before
    check(tab, image, (50, 60), 1, 0.99, "row")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Shift+ArrowUp")
    check(tab, image, (40, 61), 1, 0.99, "row")
    tab.locator("[value=column]").check()
    tab.locator("[name=strength]").fill("3")
    tab.locator("[name=sigma]").fill("1")
    check(tab, image, (40, 61), 2, 0.999, "column")
    assert "row 40, column 61 is heard" in tab.locator("#one_way").get_attribute("aria-label")
    for _ in range(9):
        tab.locator("#one_way").press("Shift+ArrowLeft")
    assert "row 40, column 0" in tab.locator("#one_way").get_attribute("aria-label")


def check(tab, image, pixel, sigma, strength, part):
    for connection, operator in operators(image, sigma * edge_scale(image), strength).items():
        expected = getattr(operator, part)(pixel)
        assert abs(shares(tab, connection) - expected).max() < 1e-5
