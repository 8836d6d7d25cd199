"""Damage files in 200 ways: each is named in one line of error, or read as it was; none gives another answer unsaid.

Photos, labels, lists, class names, landmarks, options, checkpoints, prepared faces, weights and npz files of a small
run, cut, zeroed, flipped, replaced, of another size or kind, or in places where no file is. What a format without
checksums cannot tell is not among the ways: see `WAYS`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
import torch
from PIL import Image
from rich.console import Console

from analysis.common import record
from analysis.common.damage import BYTES, PICTURES, PLACES, TEXTS, damage, mend
from analysis.common.faces.tally import Tally
from spnkit.data import make_faces, open_faces
from spnkit.nn import face_refiner
from spnkit.nn.pretrained import build, pack
from spnkit.training import AlignedFaces, Options, load_model, options_of, train
from spnkit.training.runs import check_stage

OURS = (OSError, ValueError)
COUNT = 200
TINY = {"size": 64, "patch": 32, "width": 0.05, "hidden": 2, "made": 4, "parser_batch": 4, "batch": 2}
CHECKED = (*BYTES, *PLACES)
"""Whatever happens to a file with checksums is seen."""
HALF = [how for how in CHECKED if how not in ("flipped", "block")]
"""JPEG, text and NumPy's own files have none: that a bit is another one, or that some are zero, may not be seen."""
WAYS = {
    "photo": [*HALF, "another size", "16 bits"],
    "labels": [*CHECKED, *PICTURES],
    "mask": [*CHECKED, "another size", "16 bits", "turned"],
    "list": [how for how in (*TEXTS, *PLACES) if how != "cut"],  # what ends with a line is a shorter list
    "classes": [*TEXTS, *PLACES],
    "landmarks": [*TEXTS, "folder"],  # without any, the labels say where eyes are
    "options": [*TEXTS, *PLACES],
    "checkpoint": CHECKED,
    "stage": CHECKED,
    "weights": CHECKED,
    "prepared": [how for how in CHECKED if how not in PLACES],
    "counts": CHECKED,
    "recipe": [*HALF, "wide"],
}


@dataclass
class Reader:
    """What reads a file, in which folder, and what it gives of a whole one."""

    kind: str
    path: Path
    read: Any

    def __post_init__(self) -> None:
        self.content, self.expected = self.path.read_bytes(), self.read()


def plain(value: Any) -> bytes:
    """What is compared: arrays, weights and names as bytes."""
    return repr([np.asarray(v).tobytes() if hasattr(v, "shape") else v for v in value]).encode()


def outcome(reader: Reader, how: str, rng: np.random.Generator) -> tuple[str, str]:
    """What a damage leads to, and the line that tells."""
    damage(reader.path, how, rng)
    try:
        found = reader.read()
    except OURS as error:
        line = str(error)
        named = reader.path.name in line or reader.path.parent.name in line
        return ("named" if named and "\n" not in line else "not named in one line"), line
    except Exception:
        return "traceback", traceback.format_exc(limit=-1)
    finally:
        mend(reader.path, reader.content)
    return ("as it was" if found == reader.expected else "another answer"), ""


def layouts(place: Path) -> tuple[Path, Path, Path]:
    """The same made-up faces in the three layouts."""
    helen = make_faces(place / "helen", train=2, val=1, test=1, size=64)
    star, indexed = place / "star", place / "indexed"
    for part in ("images", "labels11", "splits", "landmarks70"):
        (indexed / part).mkdir(parents=True)
    for split, names in helen.splits.items():
        (indexed / "splits" / f"{split}.txt").write_text("\n".join(names) + "\n")
        for name in names:
            photo, labels = helen.root / "images" / f"{name}.jpg", Image.fromarray(helen.load(name).labels)
            (star / ("test" if split == "test" else "train")).mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, indexed / "images" / photo.name)
            labels.save(indexed / "labels11" / f"{name}.png")
            beside = star / ("test" if split == "test" else "train") / name
            shutil.copy(photo, f"{beside}_image.jpg")
            labels.save(f"{beside}_label.png")
            np.savetxt(indexed / "landmarks70" / f"{name}.txt", np.random.default_rng(0).uniform(9, 55, (70, 2)))
    (indexed / "classes.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(helen.classes)))
    return helen.root, star, indexed


def of_folders(place: Path) -> list[Reader]:
    """Photos, labels and lists, each read as training reads them: the folder is opened, its faces loaded."""
    helen, star, indexed = layouts(place)

    def faces(root):
        def read():
            folder = open_faces(root)
            loaded = [folder.load(name) for split in folder.splits.values() for name in split]
            return plain(
                [folder.classes, folder.splits] + [x for f in loaded for x in (f.image, f.labels, f.keypoints)]
            )

        return read

    found = [
        ("photo", helen, "images/train_0000.jpg"),
        ("mask", helen, "labels/train_0000/train_0000_lbl06.png"),
        ("list", helen, "exemplars.txt"),
        ("list", helen, "testing.txt"),
        ("photo", star, "test/test_0000_image.jpg"),
        ("labels", star, "train/train_0001_label.png"),
        ("photo", indexed, "images/val_0000.jpg"),
        ("labels", indexed, "labels11/test_0000.png"),
        ("list", indexed, "splits/val.txt"),
        ("classes", indexed, "classes.txt"),
        ("landmarks", indexed, "landmarks70/train_0001.txt"),
    ]
    recipe = Reader("recipe", helen / "made-up.json", lambda: repr(make_faces(helen, 2, 1, 1, 64)))
    return [*(Reader(kind, root / path, faces(root)) for kind, root, path in found), recipe]


def of_runs(place: Path) -> list[Reader]:
    """What a run leaves, each read as the next step reads it."""
    out, options = place / "run", Options(**TINY, parser_steps=1, steps=1, control=False)
    train(options, out, console=Console(quiet=True))
    folder = open_faces(out / "faces")
    names = folder.splits["train"][:1]
    prepared = AlignedFaces(folder, names, 64, place / "cache")
    made_of = {"classes": ["a", "b"], "widths": [2, 4], "connection": "one_way", "hidden": 2, "size": 32, "factor": 4}
    made_of["edge"] = True
    weights, counts = place / "weights.pt", place / "counts.npz"
    torch.save(pack(build(**made_of), made_of), weights)
    with counts.open("wb") as file:
        Tally(np.arange(8.0).reshape(2, 2, 2), np.ones((2, 2, 4))).save(file)

    def state(module):
        return plain([*module.state_dict(), *module.state_dict().values()])

    def stage(name):
        found = check_stage(out / name, folder.classes, options, {})["state_dict"]
        return plain([*found, *found.values()])

    def tally():
        loaded = Tally.load(counts)
        return plain([loaded.pixels, loaded.edges])

    return [
        Reader("options", out / "options.json", lambda: repr(options_of(out))),
        Reader("checkpoint", out / "spn.ckpt", lambda: state(load_model(out / "spn.ckpt"))),
        Reader("stage", out / "parsers.ckpt", lambda: stage("parsers.ckpt")),
        Reader("weights", weights, lambda: state(face_refiner(weights))),
        Reader("prepared", prepared.paths[0], lambda: AlignedFaces(folder, names, 64, place / "cache").digest()),
        Reader("counts", counts, tally),
    ]


def campaign(count: int, seed: int, place: Path) -> dict:
    """Damage files in turn, each in all the ways of its kind as often as it takes."""
    rng = np.random.default_rng(seed)
    readers = [*of_folders(place), *of_runs(place)]
    ways = [(reader, how) for reader in readers for how in WAYS[reader.kind]]
    chosen = [ways[i % len(ways)] for i in range(0, count * 7, 7)] if count < len(ways) else (ways * 9)[:count]
    tally: Counter[str] = Counter()
    each = []
    for reader, how in chosen:
        found, line = outcome(reader, how, rng)
        tally[found] += 1
        each.append({"kind": reader.kind, "file": reader.path.name, "damage": how, "outcome": found})
        if found not in ("named", "as it was"):
            print(each[-1], line, flush=True)
    return {"damages": len(each), "ways": len(ways), "outcomes": dict(tally), "each": each}


def main() -> None:
    """Damage, read, and write what came of it."""
    options = record.parser(__file__, __doc__).parse_args()
    warnings.simplefilter("ignore")  # landmarks are drawn by lot, and their left may be any
    with tempfile.TemporaryDirectory(prefix="spnkit-damage-") as place:
        figures = campaign(20 if options.small else COUNT, options.seed, Path(place))
    record.write("damaged_files", figures, seed=options.seed, out=record.folder(options))
    if set(figures["outcomes"]) - {"named", "as it was"}:
        sys.exit(f"error: {figures['outcomes']}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
