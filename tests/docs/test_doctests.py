"""Every example in a docstring runs, and the API reference leaves no public object out."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import spnkit

REFERENCE = Path(__file__).parents[2] / "docs" / "api"
MODULES = ["spnkit", *(module.name for module in pkgutil.walk_packages(spnkit.__path__, "spnkit."))]
PUBLIC = (
    "spnkit",
    *(f"spnkit.{name}" for name in ("affinity", "data", "data.scenes", "look", "nn", "plot", "tasks", "training")),
)


def import_or_skip(name):
    """The module; a skip where an optional package is missing, an error where one of ours is."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("spnkit"):
            raise
        pytest.skip(f"{name} needs {error.name}, which is not installed")


@pytest.fixture
def no_windows(monkeypatch):
    """Figures go nowhere, and are closed."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    before = pyplot.get_backend()
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")
    pyplot.switch_backend(before)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, request):
    module = import_or_skip(name)
    if name.startswith("spnkit.plot"):
        request.getfixturevalue("no_windows")
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", PUBLIC)
def test_reference_is_complete(name):
    module = import_or_skip(name)
    assert {f"{name}.{one}" for one in module.__all__} <= set(listed())


def listed():
    """Full names of what the pages have; two modules may each have one of the same name."""
    module = ""
    for page in sorted(REFERENCE.glob("*.md")):
        for kind, name in re.findall(r"^\.\. (currentmodule|auto\w+|data):: ([\w.]+)", page.read_text(), re.MULTILINE):
            if kind == "currentmodule":
                module = name
            else:
                yield name if name.startswith("spnkit.") else f"{module}.{name}"
