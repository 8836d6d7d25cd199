"""What every analysis script leaves behind: its numbers and pictures, with how they were made."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spnkit.provenance import machine, versions

ROOT = Path(__file__).resolve().parents[2]
SMALL_RESULTS = ROOT / "build" / "analysis"
PACKAGES = ("numpy", "scipy", "numba", "numba-cuda", "torch", "triton", "matplotlib", "scikit-image")


def parser(script: str, description: str | None) -> argparse.ArgumentParser:
    """Return the options that every script has: --small, --seed and --out; `script` is its file."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--small", action="store_true", help="sizes for a quick check; results go to build/")
    made.add_argument("--seed", type=int, default=0, help="source of all chance (default 0)")
    made.add_argument("--out", type=Path, help="folder of the results (default: results beside the script)")
    made.set_defaults(results=Path(script).resolve().parent / "results")
    return made


def folder(options: argparse.Namespace) -> Path:
    """Where results go: a quick check must not overwrite those that are reported."""
    return options.out or (SMALL_RESULTS if options.small else options.results)


def work(options: argparse.Namespace) -> Path:
    """Where work is kept: a quick check must not go on with a long run, nor the other way round."""
    return options.runs / "small" if options.small else options.runs


def write(
    name: str,
    figures: Mapping[str, Any],
    *,
    seed: int,
    out: Path,
    pictures: Mapping[str, Any] | None = None,
) -> Path:
    """Write `name`.json and one PNG for each picture, each whole or not at all.

    Parameters
    ----------
    name : str
        Of the script.
    figures : mapping
        The numbers; NumPy values and arrays are written as plain numbers and lists.
    seed : int
        What the numbers depend on.
    out : Path
        The folder, made if missing.
    pictures : mapping of str to matplotlib Figure, optional
        Written as `name`-`key`.png.

    Returns
    -------
    Path
        Of the JSON file.
    """
    out.mkdir(parents=True, exist_ok=True)
    for key, picture in (pictures or {}).items():
        draw(out / f"{name}-{key}.png", picture)
    record = {**provenance(seed), "figures": figures}
    text = json.dumps(record, indent=2, default=_plain, allow_nan=False) + "\n"
    path = _replace(out / f"{name}.json", lambda file: file.write(text.encode()))
    print(path)
    return path


def draw(path: Path, picture: Any, dpi: int = 160) -> Path:
    """Write a matplotlib Figure, whole or not at all."""
    return _replace(path, lambda file: picture.savefig(file, dpi=dpi, metadata={"Software": None}))


def provenance(seed: int) -> dict[str, Any]:
    """How a result was made: command, seed, versions and machine."""
    script = Path(sys.argv[0]).resolve()
    shown = script.relative_to(ROOT) if script.is_relative_to(ROOT) else script.name
    return {
        "command": shlex.join(["python", str(shown), *sys.argv[1:]]),
        "seed": seed,
        "versions": versions(PACKAGES),
        "device": machine(),
    }


def _plain(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot write a {type(value).__name__} into a result file")


def _replace(path: Path, save) -> Path:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            save(file)
        os.chmod(temporary, 0o644)  # mkstemp leaves it readable by the owner alone
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path
