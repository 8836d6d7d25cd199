"""The photo of the explorer on the docs' first page, as a script that needs no server: docs/_static/explorer/photo.js.

    python analysis/docs/explorer_photo.py

A cup of coffee from scikit-image: the photograph is Rachel Michetti's, who gives it away (CC0). Kept without loss, so
that browsers compute with the same numbers as the library.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from io import BytesIO
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

from PIL import Image
from skimage import data

from analysis.common import record

SIZE = (144, 96)


def script() -> str:
    """The photo, as a name for the page."""
    encoded = BytesIO()
    Image.fromarray(data.coffee()).resize(SIZE, Image.Resampling.BOX).save(
        encoded, "WEBP", lossless=True, quality=100, method=6
    )
    return (
        "/* A cup of coffee, by Rachel Michetti (CC0), of scikit-image: python analysis/docs/explorer_photo.py */\n"
        f'const EXPLORER_PHOTO = "data:image/webp;base64,{b64encode(encoded.getvalue()).decode()}";\n'
        'if (typeof module !== "undefined") module.exports = EXPLORER_PHOTO;\n'
    )


def main() -> None:
    options = record.parser(__file__, __doc__)
    options.set_defaults(results=record.ROOT / "docs" / "_static" / "explorer")
    folder = record.folder(options.parse_args())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "photo.js").write_text(script())
    print(folder / "photo.js")


if __name__ == "__main__":
    main()
