"""Scores of refined maps: mean IoU, boundary F within three pixels, error beside outlines, seconds."""

from __future__ import annotations

import time

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from analysis.common.voc.tally import confusion
from spnkit.data import IGNORE
from spnkit.training.scores import edge_counts

NEAR, BAND = 3, 8


class Tally:
    """Counts over photos."""

    def __init__(self, classes, counted=None):
        self.classes = classes
        self.counted = list(range(classes) if counted is None else counted)
        self.pixels = np.zeros((classes, classes), np.int64)
        self.edges = np.zeros((classes, 4), np.int64)
        self.beside = np.zeros(2, np.int64)
        self.seconds = []

    def add(self, method, case):
        """Refine a map, and count."""
        began = time.perf_counter()
        found = method(case.photo, case.coarse).argmax(0)
        self.seconds.append(time.perf_counter() - began)
        known = case.truth != IGNORE
        self.pixels += confusion(found[known], case.truth[known], self.classes)
        whole = completed(case.truth)
        self.edges += edge_counts(torch.from_numpy(found), torch.from_numpy(whole), self.classes, reach=NEAR).numpy()
        near = known & (to_outline(whole) <= BAND)
        self.beside += (near & (found != case.truth)).sum(), near.sum()

    def scores(self):
        """Column to value, in percent."""
        pixels, edges = self.pixels.astype(float), self.edges[self.counted].astype(float)
        agreed = np.diag(pixels)
        union = pixels.sum(0) + pixels.sum(1) - agreed
        there = [c for c in self.counted if pixels[c].sum()]
        precision, recall = edges[:, 0] / edges[:, 1].clip(1), edges[:, 2] / edges[:, 3].clip(1)
        boundary = (2 * precision * recall / (precision + recall).clip(1e-9))[edges[:, 1] + edges[:, 3] > 0]
        return {
            "mean IoU": 100 * float((agreed[there] / union[there]).mean()),
            "boundary F": 100 * float(boundary.mean()),
            "error": 100 * float(1 - agreed.sum() / pixels.sum()),
            "error in the band": 100 * float(self.beside[0] / max(1, self.beside[1])),
            "seconds": float(np.median(self.seconds)),
        }


def completed(truth):
    """Labels where what is unknown belongs to its nearest class: the outline in the middle of a band of void."""
    known = truth != IGNORE
    if known.all() or not known.any():
        return truth.copy()
    return truth[tuple(distance_transform_edt(~known, return_distances=False, return_indices=True))]


def to_outline(whole):
    """Distance of each pixel to the nearest outline between classes."""
    edge = np.zeros(whole.shape, bool)
    edge[:, 1:] |= whole[:, 1:] != whole[:, :-1]
    edge[1:] |= whole[1:] != whole[:-1]
    return distance_transform_edt(~edge) if edge.any() else np.full(whole.shape, np.inf)
