"""The weights that the theory is looked at with: random, made from a photograph, and learned."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from skimage import data, transform

import spnkit
from spnkit.affinity import color_similarity_weights, domain_transform_weights

FACE = (slice(24, 200), slice(136, 312))
"""Where the astronaut's face is in scikit-image's photograph."""


def add_checkpoint(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the option that brings learned weights in."""
    help_text = "spn.ckpt of examples/train_helen.py, for learned weights as well"
    parser.add_argument("--checkpoint", help=help_text)
    return parser


def photograph(size: int) -> np.ndarray:
    """The astronaut's face, (size, size, 3) in [0, 1]."""
    return transform.resize(data.astronaut()[FACE] / 255, (size, size), anti_aliasing=True)


def weight_sets(options: argparse.Namespace, size: int) -> dict[str, np.ndarray]:
    """Normalised weights (4, K, size, size), one set of each kind and connection, by name."""
    rng = np.random.default_rng(options.seed)
    photo = photograph(size)
    sets = {
        "random, one-way": random_weights(rng, 1, size),
        "random, three-way": random_weights(rng, 3, size),
        "random, softmax": random_weights(rng, 3, size, "softmax"),
        "photograph, one-way": domain_transform(photo),
        "photograph, three-way": color_similarity(photo),
    }
    if options.checkpoint:
        learned = learned_weights(options.checkpoint, size)[0]
        sets[f"learned, {'three' if learned.shape[1] == 3 else 'one'}-way"] = learned
    return sets


def random_weights(rng: np.random.Generator, K: int, size: int, normalization: str = "clip") -> np.ndarray:
    """Normal gates under one of the rules: the authors' leaves them signed, and often marginal."""
    return spnkit.normalize_gates(rng.normal(size=(4, K, 1, size, size)), normalization)[:, :, 0]


def domain_transform(photo: np.ndarray) -> np.ndarray:
    """One-way weights of all four directions."""
    options = {"sigma_s": 60, "sigma_r": 1.0}
    return np.stack([domain_transform_weights(photo, d, **options) for d in spnkit.DIRECTIONS])


def color_similarity(photo: np.ndarray) -> np.ndarray:
    """Three-way weights of all four directions."""
    options = {"sigma": 0.15, "strength": 0.998}
    return np.stack([color_similarity_weights(photo, d, **options) for d in spnkit.DIRECTIONS])


def learned_weights(checkpoint: str, size: int, *, trained: bool = True) -> np.ndarray:
    """What the SPN of a training run propagates the photograph with, (hidden channels, 4, K, size, size).

    Without `trained` all its parameters are drawn anew, as before training.
    """
    import torch

    from spnkit.training import load_model

    network = load_model(Path(checkpoint)).networks["SPN"].eval()
    if not trained:
        torch.manual_seed(0)
        for module in network.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
    propagation = network.propagation
    photo = photograph(size * propagation.stride).transpose(2, 0, 1)[None]
    with torch.no_grad():
        guidance = network.guidance(torch.tensor(photo, dtype=torch.float32))
    gates = guidance.unflatten(1, propagation.gate_shape)[0, 0].double().numpy()
    return spnkit.normalize_gates(gates, "clip", axis=1).transpose(2, 0, 1, 3, 4)
