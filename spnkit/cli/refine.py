"""Sharpen masks along their photos: one, or folders of them. A result is of its mask's kind: labels, palette, depth.

    spnkit refine cat.jpg cat.png                     makes cat-refined.png
    spnkit refine photos/ masks/ -o sharp/            masks of the photos' names, or folders masks/NAME/
    spnkit refine 'photos/*.jpg' masks/ -o sharp/     patterns in quotes
    spnkit refine cat.jpg paws.png tail.png           a mask for each class
    spnkit refine dog.jpg dog.npy                     probabilities of a network, (K, H, W) or (H, W, K)

What is taken for what, and what is refused: docs/refine_command.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "sharpen masks along their photos"


def options(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add = command.add_argument
    add("photo", metavar="PHOTO", help="a photo, a folder, or a pattern in quotes")
    add("mask", metavar="MASK", nargs="+", help="a mask, several for one photo, a folder or a pattern")
    add("-o", "--out", metavar="OUT", help="a file, or a folder for several (default: beside the masks, NAME-refined)")
    add(
        "--kind", choices=("labels", "soft", "probabilities", "masks"), help="what masks are, where it is taken wrongly"
    )
    add("--void", type=void, default=None, metavar="N", help="the label, or colour R,G,B, of what is unknown; or none")
    add("--colours", type=Path, metavar="FILE", help="lines 'R G B name', or an indexed picture, for masks in colours")
    add("--exif", choices=("auto", "apply", "ignore"), default="auto", help="whether photos are turned as EXIF says")
    add("--size", choices=("photo", "mask"), default="photo", help="the size of results, where it is not the same")
    add("--probabilities", type=Path, metavar="FILE.npz", help="write these too; a folder for several photos")
    add("--overlay", action="store_true", help="write the photo tinted by its classes too (-overlay.png)")
    add("--cutout", action="store_true", help="write the photo without its background too (-cutout.png)")
    add("--trimap", action="store_true", help="write 0, 128 and 255 for matting too (-trimap.png)")
    add("--weights", type=Path, metavar="FILE", help="of spnkit train-refiner (default: those of the project)")
    add("--force", action="store_true", help="overwrite results that are there")


def void(text: str) -> int | str:
    """A label, a colour as the number that it is packed to, or "none"."""
    levels = text.split(",")
    if text == "none":
        return text
    try:
        numbers = [int(level) for level in levels]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        return numbers[0]
    if len(numbers) == 3 and all(0 <= number < 256 for number in numbers):
        return numbers[0] << 16 | numbers[1] << 8 | numbers[2]
    raise argparse.ArgumentTypeError(f"expected a whole number, a colour R,G,B or none, got {text!r}")


def run(asked: argparse.Namespace) -> int:
    """Refine; 1 if something was not."""
    from spnkit.cli.pairs import jobs_of
    from spnkit.cli.refining import Refining

    jobs, problems = jobs_of(asked.photo, asked.mask, asked.out)
    return Refining(asked, many=not Path(asked.photo).is_file()).all(jobs, problems)
