"""Intervals over photos or people: scores of resamples."""

from __future__ import annotations

import numpy as np

RESAMPLES = 1000


def draws(count, seed):
    """Which of `count` each resample holds; a seed always draws the same."""
    return np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))


def interval(samples):
    """The middle 95 percent."""
    return [round(float(q), 2) for q in np.percentile(samples, [2.5, 97.5])]
