"""Which photo belongs to which masks, and where the results go."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spnkit.data.files import PHOTO_ENDINGS
from spnkit.data.mask_files import ARRAYS, MASK_ENDINGS

WRITTEN = (".png", ".tif", ".tiff", ".bmp", ".webp", *ARRAYS)
"""Endings of results; of masks with others it is `.png`."""
PHOTOS = (*PHOTO_ENDINGS, ".gif")


@dataclass(frozen=True)
class Job:
    """A photo, its mask or masks, and the file for each of their results."""

    photo: Path
    masks: tuple[Path, ...]
    outs: tuple[Path, ...] = ()

    def beside(self, word: str) -> Path:
        """A file for one more picture, beside the result or the folder of results."""
        base = self.outs[0].with_suffix("") if len(self.outs) == 1 else self.outs[0].parent
        return base.with_name(f"{base.name}-{word}.png")


def jobs_of(photo: str, masks: Sequence[str], out: str | None) -> tuple[list[Job], list[str]]:
    """What is to be done, and what cannot be.

    Parameters
    ----------
    photo : str
        A file, a folder or a pattern.
    masks : sequence of str
        Files; or one folder or pattern.
    out : str, optional
        A file for one mask, or else a folder.

    Raises
    ------
    OSError, ValueError
        If there is nothing to do, or results would take the place of photos or masks.
    """
    photos = _files(photo, PHOTOS, "photo")
    if photos is None:
        job = _single(Path(photo), masks)
        if len(job.masks) == 1:
            return [replace(job, outs=(_out_file(job.masks[0], out),))], []
        target = Path(out) if out else job.photo.with_name(f"{job.photo.stem}-refined")
        return _into([job], target, lambda _: target), []
    if len(masks) != 1 or (found := _files(masks[0], MASK_ENDINGS, "mask")) is None:
        raise ValueError(f"{masks[0]}: expected one folder or pattern of masks for several photos")
    folder = Path(masks[0])
    if out is None and not folder.is_dir():
        raise ValueError(f"{masks[0]}: with a pattern of masks, -o must name the folder for the results")
    target = Path(out) if out else folder.resolve().with_name(f"{folder.resolve().name}-refined")
    jobs, problems = _matched(photos, found, folder)
    return _into(jobs, target, lambda job: target / job.photo.stem if _has_folder(job) else target), problems


def _files(name: str, endings: Sequence[str], what: str) -> list[Path] | None:
    """The files of a folder or pattern; None for a single file."""
    path = Path(name)
    if path.is_dir():
        found = _pictures(path.iterdir(), endings)
        if not found and what == "photo":
            raise ValueError(f"{name}: expected a folder with photos in it ({' '.join(endings)}), got none")
        return found
    if path.exists():
        return None
    if not glob.has_magic(name):
        raise FileNotFoundError(f"{name}: no such {what}")
    if found := _pictures(map(Path, glob.glob(name, recursive=True)), endings):
        return found
    raise FileNotFoundError(f"{name}: no {what} matches this pattern")


def _pictures(paths: Iterable[Path], endings: Sequence[str]) -> list[Path]:
    """Those with one of the endings, but for hidden ones."""
    return sorted(p for p in paths if p.suffix.lower() in endings and not p.name.startswith(".") and p.is_file())


def _single(photo: Path, masks: Sequence[str]) -> Job:
    """One photo with its masks: named, matching a pattern, or what a folder has under its name."""
    if len(masks) == 1:
        found = _files(masks[0], MASK_ENDINGS, "mask")
        if Path(masks[0]).is_dir():
            jobs, problems = _matched([photo], found or [], Path(masks[0]))
            if problems:
                raise ValueError(problems[0])
            return jobs[0]
        return Job(photo, tuple(found or [Path(masks[0])]))
    for name in masks:
        if not Path(name).is_file():
            what = "a folder beside other masks" if Path(name).is_dir() else "no such mask"
            raise ValueError(f"{name}: {what} (patterns must be in quotes, as in 'photos/*.jpg')")
    return Job(photo, tuple(map(Path, masks)))


def _matched(photos: Sequence[Path], masks: Sequence[Path], folder: Path) -> tuple[list[Job], list[str]]:
    """Photos with the masks of their name: a file, or a folder of files."""
    jobs, problems, of_name = [], [], _by_stem(masks)
    for name, same in _by_stem(photos).items():
        inside = _pictures((folder / name).iterdir(), MASK_ENDINGS) if (folder / name).is_dir() else []
        found = of_name.get(name, [])
        if len(same) > 1:
            problems.append(f"{same[0]}: expected one photo of this name, got {same[1].name} too")
        elif len(found) + bool(inside) > 1:
            problems.append(f"{same[0]}: expected one mask, or folder of masks, of its name, got several in {folder}")
        elif found or inside:
            jobs.append(Job(same[0], tuple(found or inside)))
        else:
            problems.append(f"{same[0]}: no mask for it, expected {name}.png (or the like) or {name}/ in {folder}")
    return jobs, problems


def _by_stem(paths: Sequence[Path]) -> dict[str, list[Path]]:
    named: dict[str, list[Path]] = {}
    for path in paths:
        named.setdefault(path.stem, []).append(path)
    return named


def _has_folder(job: Job) -> bool:
    return len(job.masks) > 1 or job.masks[0].stem != job.photo.stem


def _out_file(mask: Path, out: str | None) -> Path:
    """Where the result of one mask goes."""
    if out is None:
        return mask.with_name(f"{mask.stem}-refined{_ending(mask)}")
    if out.endswith(("/", "\\")) or Path(out).is_dir():
        return Path(out) / (mask.stem + _ending(mask))
    of_kind = [ending for ending in WRITTEN if (ending in ARRAYS) == (mask.suffix.lower() in ARRAYS)]
    if Path(out).suffix.lower() not in of_kind:
        got = Path(out).suffix or "none (a folder ends with /)"
        raise ValueError(f"{out}: expected one of the endings {' '.join(of_kind)} for the result, got {got}")
    return Path(out)


def _into(jobs: list[Job], target: Path, place) -> list[Job]:
    """Jobs with files for their results, all in a folder, none twice, and none that is a photo or mask."""
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target}: expected a folder for several results, got a file")
    jobs = [replace(job, outs=tuple(place(job) / (mask.stem + _ending(mask)) for mask in job.masks)) for job in jobs]
    inputs = inputs_of(jobs)
    for job in jobs:
        if any(out.resolve() in inputs for out in job.outs):
            raise ValueError(f"{target}: results would take the place of photos or masks; -o must name another folder")
        if len(set(job.outs)) < len(job.outs):
            raise ValueError(
                f"{job.photo}: expected masks of different names, got {', '.join(m.name for m in job.masks)}"
            )
    return jobs


def inputs_of(jobs: list[Job]) -> set[Path]:
    """All photos and masks, which no result may take the place of."""
    return {path.resolve() for job in jobs for path in (job.photo, *job.masks)}


def _ending(mask: Path) -> str:
    return mask.suffix.lower() if mask.suffix.lower() in WRITTEN else ".png"
