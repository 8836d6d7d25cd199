"""What the doctor says, and that it knows the extras as pyproject.toml has them."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import spnkit as package
from spnkit.cli import doctor

cache = import_module("spnkit.backends.cache")
OPTIONAL = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_all_is_said(spnkit):
    code, said, complained = spnkit("doctor")
    assert (code, complained) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in said.splitlines())
    assert lines["spnkit"] == package.__version__
    assert lines["propagation"] == "works"
    assert str(cache.folder()) in lines["kernels"]
    assert {"python", "numba", "cpu", "gpu", "threads"} <= set(lines)


def test_the_version(spnkit):
    assert spnkit("--version") == (0, f"spnkit {package.__version__}\n", "")


def test_what_is_missing_is_said(spnkit, monkeypatch):
    found = doctor.find_spec
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name in ("torch", "PIL") else found(name))
    code, said, _ = spnkit("doctor")
    assert code == 0
    assert "missing: torch, pillow (pip install 'spnkit[refine]'), for spnkit refine" in said
    assert "not looked for without torch" in said


def test_kernels_that_cannot_be_kept(spnkit, monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "folder", lambda: None)
    assert "set NUMBA_CACHE_DIR" in spnkit("doctor")[1]
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "a" / "b")
    assert "(0 kept, can be written)" in spnkit("doctor")[1]
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    assert "cannot be written" in spnkit("doctor")[1]


@pytest.mark.parametrize("broken", ["fails: OSError: gone", "wrong results"])
def test_a_propagation_that_does_not_work(spnkit, monkeypatch, broken):
    def propagate(x, _gates):
        if broken == "wrong results":
            return x + 1
        raise OSError("gone")

    monkeypatch.setattr(package, "propagate", propagate)
    code, said, _ = spnkit("doctor")
    assert code == 1
    assert said.splitlines()[-1].endswith(broken)


def test_extras_are_those_of_the_package():
    assert set(doctor.EXTRAS) == set(OPTIONAL) - {"docs", "test", "dev", "analysis"}
    for extra, (packages, _) in doctor.EXTRAS.items():
        named = {re.match(r"[\w-]+", each).group() for each in everything(extra)}
        assert set(packages.values()) <= named, extra


def everything(extra):
    """What an extra asks for, with what others do that it names."""
    for each in OPTIONAL[extra]:
        own = re.match(r"spnkit\[([\w,]+)\]", each)
        yield from (inner for name in own.group(1).split(",") for inner in everything(name)) if own else [each]
