"""What numbers depend on besides their code: versions and the machine, for whoever reports some."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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


def machine(device: str | None = None) -> dict[str, str | int | None]:
    """Processor, GPU and threads; of a torch device, or of whatever torch would use if it is imported."""
    found: dict[str, str | int | None] = {"machine": platform.machine(), "cpus": os.cpu_count(), "cpu": _cpu_name()}
    torch = sys.modules.get("torch")
    if torch is None:
        return found
    if torch.cuda.is_available() if device is None else device.startswith("cuda"):
        found["gpu"] = torch.cuda.get_device_name(device)
    return found | {"threads": torch.get_num_threads()}


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
