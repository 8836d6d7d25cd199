"""Where coarse maps come from: the baseline that the refinement is trained on, and others that it is not.

A source is a function `(experiment, faces) -> maps (C, H, W)`, class probabilities at the size of the frame.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import avg_pool2d, one_hot

from analysis.common.faces.rows import HIGHRES
from spnkit.data import IGNORE
from spnkit.nn import soften
from spnkit.training import parse, upsample

USED = "the baseline it was trained on"
WHOLE = "a baseline trained on all faces"
TRUTH = "the truth at the baseline's resolution"
NOISE, SHIFT = 1.0, 4
"""Deviation of the noise on log-probabilities; pixels that a map is moved down and to the right."""


def low(experiment, faces):
    """Probabilities at the baseline's resolution."""
    factor = experiment.options.factor
    parsers = experiment.parsers()
    return [parse(parsers, photo, factor, experiment.device) for photo, _ in faces]


def from_baseline(experiment, faces):
    """Upsampled bilinearly."""
    return [upsample(p, experiment.options.factor) for p in low(experiment, faces)]


def highres_parsers(experiment):
    """The paper's Highres-CNN: another network, sharper maps. A step costs it several of the baseline's."""
    steps = -(-experiment.options.parser_steps // 3)
    return experiment.parsers(HIGHRES.lower(), highres=True, folds=1, parser_batch=4, parser_steps=steps)


def from_highres(experiment, faces):
    """Its maps."""
    parsers = highres_parsers(experiment)
    return [experiment.mapped(parsers, photo, 1) for photo, _ in faces]


def from_whole(experiment, faces):
    """A parser that learns from all training faces: to refine their own maps it must not, for unseen faces it may."""
    return from_another(experiment, faces, "parsers-whole", experiment.options.factor, folds=1)


def from_far(experiment, faces):
    """A baseline of its own that sees the face at half the resolution."""
    return from_another(experiment, faces, "parsers-far", 2 * experiment.options.factor)


def from_another(experiment, faces, name, factor, **change):
    """Maps of parsers that no refinement was trained on."""
    parsers = experiment.parsers(name, factor=factor, **change)
    return [experiment.mapped(parsers, photo, factor) for photo, _ in faces]


def halved(experiment, faces):
    """The baseline's map, kept at half its resolution."""
    return [upsample(avg_pool2d(p[None], 2)[0], 2 * experiment.options.factor) for p in low(experiment, faces)]


def noisy(experiment, faces):
    """Noise on the baseline's log-probabilities."""
    rng = np.random.default_rng(experiment.options.seed)

    def disturbed(p):
        noise = torch.from_numpy(rng.normal(0, NOISE, p.shape)).float()
        return (p.clamp(min=1e-6).log() + noise).softmax(0)

    return [upsample(disturbed(p), experiment.options.factor) for p in low(experiment, faces)]


def shifted(experiment, faces):
    """The baseline's map, a few pixels off."""
    return [torch.roll(p, (SHIFT, SHIFT), (1, 2)) for p in from_baseline(experiment, faces)]


def from_truth(experiment, faces):
    """The labels at the baseline's resolution: what of its error is left to a baseline that makes no mistakes."""
    factor, classes = experiment.options.factor, len(experiment.classes)
    return [soften(torch.from_numpy(labels % IGNORE)[None], classes, factor)[0] for _, labels in faces]


def hard(experiment, faces):
    """Labels without probabilities."""
    maps = from_baseline(experiment, faces)
    return [one_hot(p.argmax(0), len(p)).permute(2, 0, 1).float() for p in maps]


def softened(experiment, faces):
    """Labels without probabilities, averaged to the baseline's resolution: sure but near the outlines."""
    factor, classes = experiment.options.factor, len(experiment.classes)
    return [soften(p.argmax(0)[None], classes, factor)[0] for p in from_baseline(experiment, faces)]


SOURCES = {
    USED: from_baseline,
    WHOLE: from_whole,
    HIGHRES: from_highres,
    "a baseline that sees half as much": from_far,
    "the baseline's map, halved": halved,
    "the baseline's map with noise": noisy,
    "the baseline's map, shifted": shifted,
    "the baseline's labels alone": hard,
    "the baseline's labels, softened": softened,
    TRUTH: from_truth,
}
