"""The architecture, enforced: who may import whom, and how light the top level is."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import spnkit

PACKAGE = Path(spnkit.__file__).parent

DEFINITION = {"scalars", "recurrence", "normalization", "integration", "directions", "plan"}
MAY_IMPORT = {  # layer: what of ours it may import
    "scalars": set(),
    "directions": set(),
    "recurrence": set(),
    "normalization": {"scalars"},
    "integration": {"scalars"},
    "plan": DEFINITION,
    "backends": DEFINITION | {"backends"},
    "adapters": DEFINITION | {"backends", "adapters"},
    "propagation": {"adapters", "directions", "plan"},
    "affinity": {"affinity", "propagation", "directions", "plan"},
    "nn": {"nn", "propagation", "directions", "plan", "adapters"},  # a layer refuses names when it is made
    "data": {"data"},
    "training": {"training", "data", "nn", "propagation", "directions", "plot"},
    "plot": {"affinity", "propagation", "directions"},
}


def layer(module):
    """The layer of `spnkit.layer.rest`."""
    return module.split(".")[1] if "." in module else "spnkit"


def ours(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("spnkit"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spnkit"):
            if node.module == "spnkit":
                yield from (f"spnkit.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_respect_the_layers(path):
    relative = path.relative_to(PACKAGE).with_suffix("")
    if relative.name == "__init__" and len(relative.parts) == 1:
        return
    own = relative.parts[0]
    for module in ours(ast.parse(path.read_text())):
        if module.split(".")[-1] in {"spnkit", *spnkit.__all__} and "propagation" in MAY_IMPORT[own]:
            continue  # the public top level
        assert layer(module) in MAY_IMPORT[own], f"{relative} imports {module}"


def test_every_rule_has_an_oracle():
    """A new rule is tested where these names are walked over."""
    from naive import RULES

    from spnkit.normalization import Normalization

    assert set(RULES) == set(Normalization.__members__)


def test_backends_do_not_import_each_other():
    for path in (PACKAGE / "backends").glob("*.py"):
        if path.stem in ("reference", "cpu", "cuda"):
            imported = set(ours(ast.parse(path.read_text())))
            assert not imported & {f"spnkit.backends.{name}" for name in {"reference", "cpu", "cuda"} - {path.stem}}


def test_matrices_do_not_use_the_kernels():
    """The theory checks the kernels, so it must not be made of them."""
    for name in ("matrices", "blocks", "structure", "weights"):
        path = PACKAGE / "affinity" / f"{name}.py"
        if path.exists():
            assert not any(layer(module) == "propagation" for module in ours(ast.parse(path.read_text())))


LIGHT = """
import sys, time
start = time.perf_counter()
import spnkit
assert time.perf_counter() - start < 60  # a hang, not a speed
heavy = {"torch", "matplotlib", "lightning", "skimage", "numba", "scipy.sparse"} & set(sys.modules)
assert not heavy, heavy
"""


def test_the_top_level_is_light():
    subprocess.run([sys.executable, "-c", LIGHT], check=True)
