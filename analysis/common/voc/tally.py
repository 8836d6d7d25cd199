"""Counts of every photo of a split, from which every score and its interval follow."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from analysis.common.resampling import draws, interval
from spnkit.data import IGNORE
from spnkit.tasks import within

COUNTED = (0, 6, 7, 8, 9, 10, 12, 13, 15, 17, 18, 19)
"""Classes with ten or more test photos: the mean over the other nine is noise."""
BAND, REACH = 12, 24
"""Pixels from the void band: what counts as beside an outline, and how far a refinement is thought to reach."""
WAYS = ("restricted", "free")
"""Refined maps with the classes of their coarse maps alone, and as they come."""


@dataclass
class Tally:
    """One method on the photos of a split with the maps of one model."""

    pixels: np.ndarray  # (ways, photos, C, C) by true and claimed class
    band: np.ndarray  # the same, within BAND of the void band
    reachable: np.ndarray  # (photos,) pixels that are wrong in the coarse map and that a refinement could put right
    changed: np.ndarray  # (ways, photos) of these, how many are right afterwards

    @classmethod
    def each(cls, method, photos):
        """Counts of `method(photo, coarse) -> probabilities (C, H, W)` on `(photo, coarse maps, truth)`, by map."""
        found = [
            [count(torch.as_tensor(method(photo, coarse)), coarse, truth) for coarse in maps]
            for photo, maps, truth in photos
        ]
        return [cls.joined(of) for of in zip(*found, strict=True)]

    @classmethod
    def joined(cls, counts):
        """The counts of some photos, in the order of the fields."""
        axes = (1, 1, 0, 1)
        return cls(*(np.stack(each, axis) for each, axis in zip(zip(*counts, strict=True), axes, strict=True)))

    @classmethod
    def load(cls, path):
        """Read what `save` wrote."""
        with np.load(path) as saved:
            return cls(**saved)

    def save(self, file):
        """Write all counts."""
        np.savez_compressed(file, **{each.name: getattr(self, each.name) for each in fields(self)})

    def scores(self, way="restricted", photos=slice(None)):
        """The columns of Table 2, in percent, of all photos or some of them."""
        pixels, band = (of[WAYS.index(way)][photos].sum(0).astype(float) for of in (self.pixels, self.band))
        return columns(pixels) | {"band": 100 * accuracy(band), "band IoU": columns(band)["mean IoU"]}

    def wrong(self, way="restricted"):
        """Pixels that are wrong, by photo."""
        pixels = self.pixels[WAYS.index(way)]
        return pixels.sum((1, 2)) - np.einsum("ncc->n", pixels)


def count(said, coarse, truth):
    """Counts of one photo, in the order of the fields of `Tally`."""
    labels = coarse.argmax(0).numpy()
    known, classes = truth != IGNORE, len(coarse)
    to_void = distance_transform_edt(known) if not known.all() else np.full(truth.shape, np.inf)
    reachable = known & (labels != truth) & (to_void <= REACH) & np.isin(truth, np.unique(labels))
    ways = [each.argmax(0).numpy() for each in (within(said, coarse), said)]
    pixels = [confusion(way[known], truth[known], classes) for way in ways]
    band = [confusion(way[near], truth[near], classes) for near in [known & (to_void <= BAND)] for way in ways]
    return pixels, band, reachable.sum(), [(reachable & (way == truth)).sum() for way in ways]


def confusion(claimed, true, classes):
    """Pixels by true and claimed class."""
    return np.bincount(true.astype(int) * classes + claimed, minlength=classes**2).reshape(classes, classes)


def accuracy(pixels):
    """Share of pixels that are right."""
    return float(np.trace(pixels) / pixels.sum())


def columns(pixels):
    """Overall accuracy, mean accuracy and mean IoU of the classes that are counted, in percent."""
    right = np.diag(pixels)
    there = [c for c in COUNTED if c < len(pixels) and pixels[c].any()]
    each = right / pixels.sum(1).clip(1), right / (pixels.sum(0) + pixels.sum(1) - right).clip(1)
    mean_accuracy, mean_iou = (100 * float(of[there].mean()) for of in each)
    return {"overall AC": 100 * accuracy(pixels), "mean AC": mean_accuracy, "mean IoU": mean_iou}


def resampled(tallies, seed, way="restricted"):
    """Mean IoU on resampled photos, averaged over tallies."""
    pixels = np.stack([tally.pixels[WAYS.index(way)] for tally in tallies])
    weights = np.stack([np.bincount(one, minlength=pixels.shape[1]) for one in draws(pixels.shape[1], seed)])
    sums = np.einsum("rn,tncd->rtcd", weights.astype(float), pixels.astype(float), optimize=True)
    return np.array([[columns(each)["mean IoU"] for each in of] for of in sums]).mean(1)


def summary(rows, seed, base="coarse"):
    """Of each row, over its seeds: scores, gains with intervals over photos, shares of the error removed."""
    (coarse,) = rows[base]
    before, chance = coarse.scores(), resampled([coarse], seed)
    found = {}
    for row, tallies in rows.items():
        each = [tally.scores() for tally in tallies]
        mean = {name: round(float(np.mean([of[name] for of in each])), 2) for name in before}
        put_right = np.mean([coarse.wrong().sum() - tally.wrong().sum() for tally in tallies])
        found[row] = {
            "scores": mean,
            "free": {k: round(float(np.mean([t.scores("free")[k] for t in tallies])), 2) for k in before},
            "mean IoU by seed": [round(of["mean IoU"], 2) for of in each],
            "gain": round(mean["mean IoU"] - before["mean IoU"], 2) + 0.0,
            "gain over photos": interval(resampled(tallies, seed) - chance),
            "share of the error removed": round(float(put_right / coarse.wrong().sum()), 4),
            "share of the reachable error": round(float(put_right / coarse.reachable.sum()), 4),
            "reachable put right": round(
                float(np.mean([t.changed[0].sum() for t in tallies]) / coarse.reachable.sum()), 4
            ),
        }
    return found
