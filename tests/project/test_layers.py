"""The architecture, enforced: who may import whom, and how light the top level is."""

import ast
import re
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
    "provenance": {"__version__"},
    "terminal": set(),
    "extras": set(),
    "backends": DEFINITION | {"backends"},
    "adapters": DEFINITION | {"backends", "adapters"},
    "checks": {"adapters"},
    "propagation": {"checks", "normalization", "directions", "plan"},
    "fill": {"checks", "propagation", "directions", "plan"},
    "affinity": {"affinity", "propagation", "directions", "plan"},
    "nn": {"nn", "propagation", "directions", "plan", "adapters", "normalization", "extras"},  # names are checked early
    "data": {"data", "extras"},
    "training": {"training", "data", "nn", "propagation", "directions", "plot", "provenance", "terminal", "extras"},
    "tasks": {"tasks", "training", "data", "nn", "directions", "extras"},
    "plot": {"plot", "affinity", "propagation", "directions"},
    "look": {"look", "affinity", "plot", "directions", "nn", "extras"},
    "cli": {"backends", "cli", "look", "nn", "data", "tasks", "training", "directions", "terminal", "__version__"}
    | {"propagation", "provenance"},  # the doctor's
    "__main__": {"cli"},
}
PUBLIC = {"spnkit", *(f"spnkit.{name}" for name in spnkit.__all__)}


def layer(module):
    """The layer of `spnkit.layer.rest`."""
    return module.split(".")[1] if "." in module else "spnkit"


def ours(path, package=PACKAGE):
    """What of ours a file imports: of `from a import b` both `a` and `a.b`, which may be a module or a name in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(package.parent).parts[: -node.level] if node.level else ()
            base = ".".join((*above, *filter(None, [node.module])))
            modules = [base] * (base != "spnkit") + [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (module for module in modules if module.split(".")[0] == "spnkit")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("import spnkit.plan, numpy", {"spnkit.plan"}),
        ("from spnkit import scan, backends", {"spnkit.scan", "spnkit.backends"}),
        ("from spnkit.backends import cpu", {"spnkit.backends", "spnkit.backends.cpu"}),
        ("from . import cpu", {"spnkit.inner", "spnkit.inner.cpu"}),
        ("from .cpu import scan", {"spnkit.inner.cpu", "spnkit.inner.cpu.scan"}),
        ("from .. import training", {"spnkit.training"}),
        ("from ..training.fit import train", {"spnkit.training.fit", "spnkit.training.fit.train"}),
        ("from spnkit_of_others import scan", set()),
    ],
)
@pytest.mark.parametrize("file", ["__init__.py", "module.py"])
def test_every_way_to_import_is_seen(tmp_path, file, statement, expected):
    path = tmp_path / "spnkit/inner" / file
    path.parent.mkdir(parents=True)
    path.write_text(f"def late():\n    {statement}\n")
    assert set(ours(path, tmp_path / "spnkit")) == expected


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_respect_the_layers(path):
    relative = path.relative_to(PACKAGE).with_suffix("")
    if relative.name == "__init__" and len(relative.parts) == 1:
        return
    own = relative.parts[0]
    for module in ours(path):
        if module in PUBLIC and "propagation" in MAY_IMPORT[own]:
            continue  # the public top level
        assert layer(module) in MAY_IMPORT[own], f"{relative} imports {module}"


def test_the_engine_knows_no_task():
    """Names of the face study lead from the door of `training` to it; nothing behind the door speaks of a task."""
    for path in sorted((PACKAGE / "training").glob("[!_]*.py")):
        text = path.read_text()
        assert "spnkit.tasks" not in text, path
        assert not re.search(r"\bfaces\b", code_of(text)), path


def code_of(text):
    """A module without its docstrings and comments, in one spelling."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def test_every_rule_has_an_oracle():
    """A new rule is tested where these names are walked over."""
    from naive import RULES

    from spnkit.normalization import Normalization

    assert set(RULES) == set(Normalization.__members__)


MACHINES = ("reference", "cpu", "cuda")


@pytest.mark.parametrize("name", MACHINES)
def test_backends_do_not_import_each_other(name):
    """Nor does what they share know one of them: `backends` alone chooses, by name."""
    base = PACKAGE / "backends"
    others = {f"spnkit.backends.{other}" for other in MACHINES if other != name}
    own = [base / f"{name}.py"] if name == "reference" else list(base.joinpath(name).glob("*.py"))
    shared = set(base.glob("*.py")) - {base / "reference.py"}
    assert own
    assert shared
    for path in (*own, *shared):
        imported = {".".join(module.split(".")[:3]) for module in ours(path)}
        assert not others & imported, f"{path.relative_to(PACKAGE)} imports {others & imported}"


@pytest.mark.parametrize("name", ["matrices", "blocks", "structure", "weights"])
def test_matrices_do_not_use_the_kernels(name):
    """The theory checks the kernels, so neither it nor what it imports may be made of them."""
    reached, ahead = set(), {PACKAGE / "affinity" / f"{name}.py"}
    while ahead:
        reached |= ahead
        imported = {module for path in ahead for module in ours(path)}
        beyond = {module for module in imported if layer(module) not in ("affinity", "directions")}
        assert not beyond
        ahead = set(filter(None, map(file_of, imported))) - reached


def file_of(module):
    """Where a module lies; None for a name within one."""
    base = PACKAGE.parent.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.exists()), None)


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


WITHOUT = """
import sys
sys.modules[{missing!r}] = None
from spnkit.data import blend, tiles
assert tiles(8, 8, 8, 0) == [(0, 0)]
try:
    from spnkit.data import make_face
except ModuleNotFoundError as error:
    assert str(error) == "spnkit.data.make_face needs {missing}: pip install 'spnkit[train]'", error
else:
    raise AssertionError("there without what it needs")
"""
PART = """
import sys
from importlib import import_module
sys.modules[{missing!r}] = None
for part, extra in {parts!r}.items():
    try:
        import_module(part)
    except ModuleNotFoundError as error:
        assert str(error) == f"{{part}} needs {missing}: pip install 'spnkit[{{extra}}]'", error
    else:
        raise AssertionError("there without what it needs")
"""
PARTS = {
    "torch": {"spnkit.nn": "torch", "spnkit.training": "train", "spnkit.tasks": "train"},
    "PIL": {"spnkit.look": "look", "spnkit.data.scenes": "train"},
}
COMMAND = """
import sys
sys.modules["torch"] = None
from spnkit.cli import parser
parser(None).format_help()
heavy = {"numba", "PIL", "rich"} & set(sys.modules)
assert not heavy, heavy
"""


LESS = [WITHOUT.format(missing=name) for name in ("PIL", "skimage")]
LESS += [PART.format(missing=name, parts=parts) for name, parts in PARTS.items()]


@pytest.mark.parametrize("code", [*LESS, COMMAND])
def test_what_is_missing_is_missed_by_those_alone_who_need_it(code):
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_imports_the_commands():
    others = [
        path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in ("cli", "__main__.py")
    ]
    assert not [path for path in others if "cli" in map(layer, ours(path))]
