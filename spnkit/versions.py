"""The versions that numbers depend on, for whoever reports some."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from spnkit import __version__


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of Python, spnkit and those of the packages that are installed."""
    found = {"python": platform.python_version(), "spnkit": __version__}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
