"""Reading pictures and lists with errors that name the file; writing a folder whole or not at all."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    Image.DecompressionBombError,
)  # all seen from Pillow on bad files


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such image") from None
    except _UNREADABLE as error:
        raise OSError(f"{path}: unreadable or truncated image ({error})") from error


def _converted(path: Path, mode: str) -> NDArray[np.uint8]:
    """A picture in another mode; levels beyond 255, which Pillow would clip, are refused."""
    picture = _open(path)
    if picture.mode.startswith(("I", "F")):
        raise ValueError(f"{path}: expected a picture with 8 bits a channel, got mode {picture.mode}")
    return np.asarray(picture.convert(mode))


def read_photo(path: Path) -> NDArray[np.uint8]:
    """A picture as RGB, uint8 (H, W, 3). Its pixels lie as stored, whatever EXIF says: so do those of its labels."""
    return _converted(path, "RGB")


def read_levels(path: Path) -> NDArray[np.uint8]:
    """A picture as levels of grey, uint8 (H, W), also where it was stored with a palette or as black and white."""
    return _converted(path, "L")


def read_indices(path: Path) -> NDArray[np.uint8]:
    """A single-channel picture of numbers 0..255 (grey or palette), uint8 (H, W)."""
    picture = _open(path)
    if len(picture.getbands()) != 1:
        raise ValueError(f"{path}: expected a single-channel picture of class indices, got mode {picture.mode}")
    values = np.asarray(picture)
    if values.min() < 0 or values.max() > 255:
        raise ValueError(f"{path}: expected values 0..255, got {values.min()}..{values.max()}")
    return values.astype(np.uint8)


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that hold anything, stripped."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such list") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a text file ({error})") from error
    return [line.strip() for line in lines if line.strip()]


def write_picture(path: Path, pixels: NDArray[np.uint8], **options: Any) -> None:
    """Encode in memory first: Pillow does not pass on why the disk refused."""
    encoded = BytesIO()
    Image.fromarray(pixels).save(encoded, Image.registered_extensions()[path.suffix], **options)
    path.write_bytes(encoded.getvalue())


def not_written(target: Path, error: OSError) -> OSError:
    """What to raise for a file or folder that the disk refused."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = "no room on disk" if full else error.strerror or str(error)
    return OSError(error.errno or errno.EIO, f"{target}: could not be written ({reason}); nothing was left behind")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes `folder` when the block ends well, and vanishes when it does not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield partial
        partial.chmod(0o755)
        partial.replace(folder)
    except OSError as error:
        raise not_written(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
