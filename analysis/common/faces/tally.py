"""Counts of every face, from which every score, its spread and its interval follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from analysis.common.faces.rows import BASELINE, PAIRS
from analysis.common.resampling import draws, interval
from spnkit.data import OVERALL_GROUPS, score_groups
from spnkit.training import FaceScores, scores_of


@dataclass
class Tally:
    """One method on the faces of a split: counts per face as `FaceScores` has them."""

    pixels: np.ndarray  # (faces, C, C)
    edges: np.ndarray  # (faces, C, 4)

    @classmethod
    def of(cls, method, faces, coarse, classes):
        """Refine the coarse map of every face: `method(photo, map) -> scores of the classes (C, H, W)`."""
        pixels, edges = [], []
        for (photo, labels), given in zip(faces, coarse, strict=True):
            counts = FaceScores(classes)
            counts.update(torch.as_tensor(method(photo, given)).argmax(0), torch.from_numpy(labels.copy()))
            pixels.append(counts.confmat.numpy())
            edges.append(counts.edges.numpy())
        return cls(np.stack(pixels), np.stack(edges))

    @classmethod
    def load(cls, path):
        """Read what `save` wrote."""
        try:
            with np.load(path) as saved:
                return cls(**saved)
        except FileNotFoundError:
            raise
        except Exception as error:  # NumPy, zipfile and zlib have their own for each damage
            raise ValueError(f"{path}: damaged, or not counts of faces; remove it to count anew") from error

    def save(self, file):
        """Write all counts."""
        np.savez_compressed(file, pixels=self.pixels, edges=self.edges)

    def scores(self, classes):
        """Scores in percent."""
        pixels, edges = (torch.from_numpy(counts.sum(0)) for counts in (self.pixels, self.edges))
        return scores_of(pixels, edges, classes)


def resampled(tallies, classes, seed, people):
    """The overall F-score on resampled people, averaged over tallies; a `seed` always draws the same.

    Photos of one person are drawn together: they go right or wrong together.
    """
    drawn, each = draws(max(people) + 1, seed), []
    for tally in tallies:
        found, sizes = (np.bincount(people, of) for of in pooled(tally.pixels, classes))
        each.append(200 * found[drawn].sum(1) / sizes[drawn].sum(1))
    return np.mean(each, axis=0)


def pooled(pixels, classes):
    """Of every face what "overall" is made of: pixels found, and pixels claimed plus pixels true."""
    groups = score_groups(classes)
    found, sizes = np.zeros(len(pixels)), np.zeros(len(pixels))
    for name in OVERALL_GROUPS:
        members = list(groups.get(name, ()))
        found += pixels[:, members][:, :, members].sum((1, 2))
        sizes += pixels[:, members].sum((1, 2)) + pixels[:, :, members].sum((1, 2))
    return found, sizes


def summary(counts, classes, seed, people, column="overall"):
    """The numbers of one source: row to scores, spread over seeds, interval over people, share of the error removed."""
    samples = {row: resampled(tallies, classes, seed, people) for row, tallies in counts.items()}
    base = np.mean([tally.scores(classes)[column] for tally in counts[BASELINE]])
    rows = {}
    for row, tallies in counts.items():
        each = [tally.scores(classes) for tally in tallies]
        overall = [scores[column] for scores in each]
        mean = {name: float(np.mean([scores[name] for scores in each])) for name in each[0]}
        rows[row] = {
            "scores": {name: round(value, 2) for name, value in mean.items() if value == value},
            "overall by seed": [round(value, 2) for value in overall],
            "interval over faces": interval(samples[row]),
            "share of the error removed": round((mean[column] - base) / (100 - base), 3),
        }
    differences = {
        f"{one} - {other}": {
            "mean": round(rows[one]["scores"][column] - rows[other]["scores"][column], 2),
            "interval over faces": interval(samples[one] - samples[other]),
            "by seed": np.subtract(rows[one]["overall by seed"], rows[other]["overall by seed"]).round(2),
        }
        for one, other in PAIRS
        if one in rows and other in rows
    }
    return {"rows": rows, "differences": differences}
