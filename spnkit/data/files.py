"""Reading pictures and lists with errors that name the file; writing a folder whole or not at all."""

from __future__ import annotations

import errno
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from spnkit.data.masks import whole_labels

PHOTO_ENDINGS = (".jpg", ".png", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
LABEL_ENDINGS = (".png", ".bmp", ".tif", ".tiff", ".webp")
"""Neither `.jpg` nor `.gif`, which leave other numbers of class indices than were written."""


class Shelf:
    """Pictures by folder and name, whatever their endings and the case of these; hidden files are none.

    macOS leaves a `._NAME.jpg` beside a NAME.jpg on disks that are not its own.
    """

    def __init__(self) -> None:
        self._seen: dict[Path, dict[str, list[Path]]] = {}

    def listing(self, folder: Path) -> dict[str, list[Path]]:
        """The files in a folder by their names without ending."""
        if folder not in self._seen:
            names: dict[str, list[Path]] = {}
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if not path.name.startswith("."):
                    names.setdefault(path.stem, []).append(path)
            self._seen[folder] = names
        return self._seen[folder]

    def find(self, path: Path, endings: tuple[str, ...]) -> Path:
        """The picture at `path`, which has no ending; where there is none, the name that it should have."""
        found = self._found(path, endings)
        if found and not found.exists():  # something changed since the folder was listed
            del self._seen[path.parent]
            found = self._found(path, endings)
        return found or path.with_name(path.name + endings[0])

    def _found(self, path: Path, endings: tuple[str, ...]) -> Path | None:
        kinds = {other.suffix.lower(): other for other in reversed(self.listing(path.parent).get(path.name, []))}
        return next((kinds[ending] for ending in endings if ending in kinds), None)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """A picture whose file is open; whatever is wrong with it is told by its name."""
    try:
        with Image.open(path) as picture:
            yield picture
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such image") from None
    except Exception as error:  # there is hardly one that Pillow has not been seen to raise on a bad file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise OSError(f"{path}: unreadable or truncated image ({reason})") from error


def open_picture(path: Path) -> Image.Image:
    """A picture with its pixels, and in `info["pages"]` how many there are in the file."""
    with opened(path) as picture:
        picture.load()
        picture.info["pages"] = getattr(picture, "n_frames", 1)  # not to be asked of a closed file
        return picture


def size_of(path: Path) -> tuple[int, int]:
    """Height and width of a picture, whose pixels are not read."""
    with opened(path) as picture:
        width, height = picture.size
        return height, width


def _converted(picture: Image.Image, path: Path, mode: str) -> NDArray[np.uint8]:
    """A picture in another mode; levels beyond 255, which Pillow would clip, are refused."""
    if picture.mode.startswith(("I", "F")):
        raise ValueError(f"{path}: expected a picture with 8 bits a channel, got mode {picture.mode}")
    return np.asarray(picture.convert(mode))


def read_photo(path: Path) -> tuple[NDArray[np.uint8], bool]:
    """A picture as RGB, uint8 (H, W, 3), and whether its EXIF says that it is to be turned.

    Its pixels lie as stored, whatever EXIF says: so do those of its labels.
    """
    picture = open_picture(path)
    return _converted(picture, path, "RGB"), orientation_of(picture) != 1


def orientation_of(picture: Image.Image) -> int:
    """How EXIF says that a picture is to be turned, 1 to 8; 1 is not at all."""
    with suppress(Exception):  # EXIF that makes no sense says nothing
        found = picture.getexif().get(ExifTags.Base.Orientation, 1)
        return found if found in range(1, 9) else 1
    return 1


def read_levels(path: Path) -> NDArray[np.uint8]:
    """A picture as levels of grey, uint8 (H, W), also where it was stored with a palette or as black and white."""
    return _converted(open_picture(path), path, "L")


def read_indices(path: Path) -> NDArray[np.uint8]:
    """A single-channel picture of whole numbers 0..255 (grey, palette, black and white or floating), uint8 (H, W)."""
    picture = open_picture(path)
    if len(picture.getbands()) != 1:
        raise ValueError(f"{path}: expected a single-channel picture of class indices, got mode {picture.mode}")
    if (pages := picture.info["pages"]) != 1:
        raise ValueError(f"{path}: expected one picture of class indices, got {pages} in one file")
    return whole_labels(str(path), np.asarray(picture))


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that hold anything, stripped."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such list") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a text file ({error})") from error
    if strange := next((c for line in lines for c in line if unicodedata.category(c) == "Cc" and c != "\t"), ""):
        raise ValueError(f"{path}: expected a text file, got the character {strange!r}")
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
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside `path` that takes its name when the block ends well, and vanishes when not."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        if path.parent.is_dir():
            partial.unlink(missing_ok=True)


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
