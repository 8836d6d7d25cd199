"""What the pages point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts)
FOLDERS = ("spnkit", "tests", "analysis", "examples")
SOURCES = "\n".join(f"/{path.relative_to(ROOT)}" for name in FOLDERS for path in ROOT.glob(f"{name}/**/*.py"))
TESTS = "\n".join(path.read_text() for path in ROOT.glob("tests/**/test_*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_named_files_and_tests_exist(page):
    text = page.read_text()
    for name in re.findall(r"`((?:\w+/)*\w+\.py)`", text):
        assert name == "conf.py" or f"/{name}" in SOURCES, name
    for name in re.findall(r"`(test_\w+)`", text):
        assert f"def {name}(" in TESTS, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_notebook_ends_in_assertions(page):
    text = page.read_text()
    if "file_format: mystnb" in text:
        cells = re.findall(r"```\{code-cell\}.*?```", text, re.DOTALL)
        assert "\nassert " in cells[-1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_figure_of_a_cell_has_a_text_in_its_place(page):
    for cell in re.findall(r"^```\{code-cell\}\n.*?^```", page.read_text(), re.DOTALL | re.MULTILINE):
        if "plt.subplots(" in cell:
            assert re.match(r"```\{code-cell\}\n---\nmystnb:\n  image:\n    alt: \w.*\n", cell), cell
