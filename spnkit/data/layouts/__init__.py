"""The folder layouts that can be read, and which of them a folder has."""

from __future__ import annotations

import os
from pathlib import Path

from spnkit.data.layouts.base import SPLITS, Choose, Layout
from spnkit.data.layouts.helen import Helen, HelenStar
from spnkit.data.layouts.indexed import Indexed, most_classes
from spnkit.data.layouts.voc import Voc

__all__ = ["LAYOUTS", "SPLITS", "Helen", "HelenStar", "Indexed", "Layout", "Voc", "layout_of"]

LAYOUTS: list[type[Layout]] = [Helen, Indexed, Voc, HelenStar]
"""All that are looked for, in this order; a layout of one's own is added here."""


def layout_of(
    folder: str | os.PathLike[str], labels: str | None = None, *, what: str = "photos", choose: Choose = most_classes
) -> Layout:
    """Tell the layout of a folder by what is in it.

    Raises
    ------
    FileNotFoundError
        If the folder or one of its lists is missing.
    ValueError
        If the layout is none that is known, or `labels` is not in the folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder of {what}")
    found = next((layout for layout in LAYOUTS if layout.matches(root)), None)
    if found is None:
        looked_for = "; ".join(f"{layout.title}: {layout.expects}" for layout in LAYOUTS)
        raise ValueError(f"{root}: unknown layout, looked for {looked_for}")
    return found.of(root, labels, choose)
