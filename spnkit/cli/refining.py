"""The work of `spnkit refine`: a job at a time is read, refined and written, and what goes wrong with one is said."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from spnkit.cli.extras import EXTRAS, Refined
from spnkit.cli.pairs import Job, inputs_of
from spnkit.cli.said import about, complain, tell
from spnkit.data.colours import read_colours
from spnkit.data.mask_files import MaskFile, read_mask, write_mask
from spnkit.data.photo_files import fitting, read_stored
from spnkit.nn.arrays import photo_of
from spnkit.nn.codings import Coding, Void
from spnkit.nn.refine import codings_of, refine_coding, settled, together
from spnkit.nn.refiner import WEIGHTS, MaskRefiner, mask_refiner
from spnkit.nn.scales import place_in, resized
from spnkit.terminal import in_one_line


class Refining:
    """Jobs, done as the command line asks.

    Parameters
    ----------
    asked : argparse.Namespace
        The options of `spnkit refine`.
    many : bool
        There are several photos: what is there already is skipped, and what fails does not end the rest.
    """

    def __init__(self, asked: argparse.Namespace, many: bool) -> None:
        self.asked, self.many = asked, many
        self.colours = read_colours(asked.colours) if asked.colours else None
        self.told: set[tuple[str, str]] = set()

    @cached_property
    def refiner(self) -> MaskRefiner:
        return mask_refiner(self.asked.weights or WEIGHTS)

    def all(self, jobs: list[Job], problems: list[str]) -> int:
        """Do them, and say how it went; 1 if something was not done."""
        self._check_extras(jobs)
        if not self.many:
            self.one(jobs[0])
            return 0
        for problem in problems:
            complain(f"error: {problem}")
        failed, skipped = len(problems), 0
        for job in self._shown(jobs):
            try:
                skipped += not self.one(job)
            except (OSError, ValueError, TypeError, MemoryError) as error:
                complain(f"error: {in_one_line(error)}")
                failed += 1
        there = f", {skipped} there already (--force makes them anew)" if skipped else ""
        tell(f"{len(jobs) + len(problems) - failed - skipped} refined{there}" + (f", {failed} not" if failed else ""))
        return int(failed > 0)

    def _check_extras(self, jobs: list[Job]) -> None:
        """No photo and no mask is overwritten by what is made besides, whatever is forced."""
        inputs = inputs_of(jobs)
        for path in (path for job in jobs for path in self._extras(job)):
            if path.resolve() in inputs:
                raise ValueError(f"{path}: it would take the place of a photo or mask; name another place for it")

    def _shown(self, jobs: list[Job]) -> Iterable[Job]:
        """With a bar, where there is a terminal."""
        console = Console(stderr=True)
        return track(jobs, "refining", console=console, transient=True, disable=not console.is_terminal)

    def one(self, job: Job) -> bool:
        """Refine a photo's mask or masks; False if all there is to write is there already."""
        extras = self._extras(job)
        wanted = (*job.outs, *extras)
        there = set() if self.asked.force else {path for path in wanted if path.exists()}
        if there and not self.many:
            raise FileExistsError(f"{min(there)}: is there already (--force overwrites it)")
        if len(there) == len(wanted):
            return False
        masks = [read_mask(path, self.colours) for path in job.masks]
        array = _stacked(job, masks)
        photo = self._photo(job.photo, array.shape)
        with about(job.masks[0]):
            codings = codings_of(array, photo.shape[:2], self._kind(masks), self._void(masks[0]))
            self._tell(job, masks[0], codings)
            found = [refine_coding(photo, coding, self.refiner, maps=bool(extras)) for coding in codings]
        refined = Refined(photo, codings, found)
        writers: dict[Path, Callable[[Path], None]] = dict(self._results(job, masks, array.shape, refined))
        writers |= {path: partial(write, refined) for path, write in extras.items()}
        for path, write in writers.items():
            if path not in there:
                write(path)
        if not self.many:
            tell(f"written: {', '.join(map(str, wanted))}")
        return True

    def _photo(self, path: Path, shape: tuple[int, ...]) -> NDArray:
        """A photo, turned so that a mask of this shape fits it."""
        with about(path):
            stored, orientation = read_stored(path)
            fits = partial(_fits, shape)
            turned, note = fitting(path, stored, orientation, fits, self.asked.exif)
            if note:
                complain(f"note: {path}: {note}")
            return photo_of(turned)

    def _kind(self, masks: list[MaskFile]) -> str | None:
        return "masks" if len(masks) > 1 else self.asked.kind or masks[0].kind

    def _void(self, mask: MaskFile) -> Void:
        asked = self.asked.void
        return mask.void if asked is None else None if asked == "none" else asked

    def _tell(self, job: Job, mask: MaskFile, codings: list[Coding]) -> None:
        """What masks were taken for, once for each form and kind."""
        coding, several = codings[0], f"{len(codings)} masks that overlap, each " if len(codings) > 1 else ""
        if (key := (mask.form, coding.kind)) not in self.told:
            self.told.add(key)
            words = _classes(coding) if mask.packed else coding.words
            png = "; its format does not keep masks exactly, so the result is PNG" if mask.lossy else ""
            tell(f"{job.masks[0]}: {mask.form}, {several}{words}{png}")

    def _results(self, job: Job, masks: list[MaskFile], shape: tuple[int, ...], refined: Refined):
        """The files of the results and how to write each."""
        whole, parts = refined.photo.shape[:2], []
        for coding, content in zip(refined.codings, refined.found, strict=True):
            size = coding.content.shape[-2:] if self.asked.size == "mask" else whole
            parts.append(coding.back(resized(settled(coding, content), size)))
        made = together(parts, shape, whole)
        for mask, out, part in zip(masks, job.outs, made if len(masks) > 1 else [made], strict=True):
            yield out, partial(write_mask, made=mask.back(part))

    def _extras(self, job: Job) -> dict[Path, Callable[[Refined, Path], None]]:
        """What else is asked for: its files, and how to write each."""
        extras: dict[Path, Callable[[Refined, Path], None]]
        extras = {job.beside(word): write for word, write in EXTRAS.items() if getattr(self.asked, word)}
        if (path := self.asked.probabilities) is not None:
            if not self.many and path.suffix.lower() != ".npz":
                raise ValueError(f"{path}: expected a file that ends with .npz, got {path.suffix or 'no ending'}")
            extras[path / f"{job.photo.stem}.npz" if self.many else path] = Refined.write_probabilities
        return extras


def _classes(coding: Coding) -> str:
    """In words, where the labels are colours as numbers."""
    unknown = ", and one for what is unknown" if coding.content.min() < 0 else ""
    return f"{len(coding.names)} classes{unknown}"


def _fits(shape: tuple[int, ...], size: tuple[int, int]) -> bool:
    return place_in(shape, size) is not None


def _stacked(job: Job, masks: list[MaskFile]) -> NDArray:
    """The array of one mask, or of several for one photo, one a class (K, H, W)."""
    if len(masks) == 1:
        return masks[0].array
    first = masks[0].array
    for path, mask in zip(job.masks, masks, strict=True):
        if mask.array.ndim != 2 or mask.packed:
            raise ValueError(f"{path}: expected a grey mask, as one of several for {job.photo}, got {mask.form}")
        if (mask.array.shape, mask.array.dtype) != (first.shape, first.dtype):
            wanted, got = (f"{a.shape[1]} x {a.shape[0]} of {a.dtype}" for a in (first, mask.array))
            raise ValueError(f"{path}: expected a mask like {job.masks[0]}, {wanted}, got {got}")
    return np.stack([mask.array for mask in masks])
