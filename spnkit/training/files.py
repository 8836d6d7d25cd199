"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spnkit.data.files import whole_file
from spnkit.nn.checks import UNREADABLE, load_whole


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What training left in a file, weights and plain values alone.

    Raises
    ------
    OSError, ValueError
        If the file is missing, damaged or something else.
    """
    try:
        found = load_whole(path)
        if isinstance(found, dict) and "state_dict" in found:
            return found
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such checkpoint") from None
    except UNREADABLE as error:
        raise ValueError(f"{path}: damaged, or not a checkpoint of a run, such as its spn.ckpt") from error
    raise ValueError(f"{path}: not a checkpoint of a run, such as its spn.ckpt")


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as file:
        file.write(text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
