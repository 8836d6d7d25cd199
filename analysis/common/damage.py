"""Ways in which files are damaged: by disks, copies, editors and mistakes."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

TEXT = b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n"


def cut(content, rng):
    """A copy that was interrupted."""
    return content[: int(rng.integers(1, max(2, len(content))))]


def zeros(content, rng):
    """A disk that lost power: the length is right."""
    return bytes(len(content))


def empty(content, rng):
    return b""


def noise(content, rng):
    return rng.bytes(len(content))


def block(content, rng):
    """A sector of zeros in the middle."""
    start, size = int(rng.integers(0, len(content))), max(1, min(512, len(content) // 4))
    return content[:start] + bytes(len(content[start : start + size])) + content[start + size :]


def flipped(content, rng):
    """One bit."""
    changed = bytearray(content)
    changed[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def head(content, rng):
    """The first bytes lost."""
    return content[int(rng.integers(1, 9)) :]


def page(content, rng):
    """A download that was an error page."""
    return TEXT


def lines(content, rng):
    """An editor of another system: line ends and a mark at the beginning, which mean the same."""
    return b"\xef\xbb\xbf" + content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def wide(content, rng):
    """An editor that writes two bytes a letter."""
    return content.decode("latin-1").encode("utf-16")


BYTES = {of.__name__: of for of in (cut, zeros, empty, noise, block, flipped, head, page)}
TEXTS = {of.__name__: of for of in (cut, zeros, empty, noise, head, page, lines, wide)}


def picture(change):
    """A damage that leaves a whole picture, but not the right one."""

    def damaged(content, rng):
        made = BytesIO()
        change(Image.open(BytesIO(content))).save(made, "TIFF")
        return made.getvalue()

    return damaged


PICTURES = {
    "another size": picture(lambda p: p.resize((p.width // 2, p.height))),
    "turned": picture(lambda p: p.resize((p.width + 8, p.height)).transpose(Image.Transpose.ROTATE_90)),
    "colours": picture(lambda p: Image.merge("RGB", [p.convert("L")] * 3)),
    "16 bits": picture(lambda p: Image.fromarray(np.asarray(p.convert("L")).astype(np.uint16) + 300)),
    "not whole": picture(lambda p: Image.fromarray(np.asarray(p.convert("L")).astype(np.float32) + 0.4999)),
    "unknown": picture(lambda p: Image.fromarray(np.full((p.height, p.width), 77, np.uint8))),
}


def missing(path: Path) -> None:
    path.unlink()


def folder(path: Path) -> None:
    """A folder of the file's name."""
    path.unlink()
    path.mkdir()


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("gone"))


def round_trip(path: Path) -> None:
    """A link to itself."""
    path.unlink()
    path.symlink_to(path)


PLACES = {of.__name__: of for of in (missing, folder, dangling, round_trip)}


def damage(path: Path, how: str, rng: np.random.Generator) -> None:
    """Damage a file in place."""
    if how in PLACES:
        PLACES[how](path)
        return
    content = path.read_bytes()
    path.write_bytes((BYTES | TEXTS | PICTURES)[how](content, rng))


def mend(path: Path, content: bytes) -> None:
    """Put a file back."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.write_bytes(content)
