"""The weights that one can choose from, each one-way and three-way, all with the same two sliders."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from spnkit.affinity import color_similarity_weights, domain_transform_weights, edge_scale, recursive_filter_weights
from spnkit.directions import CONNECTIONS, DIRECTIONS

Maker = Callable[..., NDArray]


class Photo:
    """A photo, and what is found out about it once.

    Parameters
    ----------
    colours : numpy.ndarray, (H, W, 3)
        In [0, 1], float32.

    Raises
    ------
    ValueError
        If it is none.
    """

    def __init__(self, colours: NDArray[np.float32]) -> None:
        if colours.ndim != 3 or colours.shape[2] != 3 or not colours.size:
            raise ValueError(f"photo must have shape (H, W, 3), got {colours.shape}")
        self.colours = np.ascontiguousarray(colours, np.float32)
        self.shape: tuple[int, int] = (colours.shape[0], colours.shape[1])

    @cached_property
    def scale(self) -> float:
        """How large a difference is an edge."""
        return edge_scale(self.colours)

    @cached_property
    def learned(self) -> NDArray[np.float32]:
        """What the refiner that comes with the project lets its first unit propagate with, (4, 3, H, W)."""
        if LEARNED not in available():
            raise ValueError("weights that are learned need torch: pip install 'spnkit[torch]'")
        import torch

        from spnkit.nn import mask_refiner

        image = torch.from_numpy(self.colours).permute(2, 0, 1)[None]
        with torch.inference_mode():  # the weights depend on the photo alone, whatever its map is
            weights, _, _ = mask_refiner().guidance(image, torch.full_like(image[:, :2], 0.5))
        return weights[0, 0, :, :, 0].numpy()


def _domain_transform(photo: NDArray, direction: str, connection: str, strength: float, sigma: float) -> NDArray:
    """A flat pixel's weight is exp(-sqrt(2) / sigma_s)."""
    sigma_s = -np.sqrt(2) / np.log(strength)
    return domain_transform_weights(photo, direction, sigma_s=sigma_s, sigma_r=3 * sigma, connection=connection)


def _recursive_filter(photo: NDArray, direction: str, connection: str, strength: float, sigma: float) -> NDArray:
    return recursive_filter_weights(photo, direction, coefficient=strength, sigma=sigma, connection=connection)


def _color(photo: NDArray, direction: str, connection: str, strength: float, sigma: float) -> NDArray:
    return color_similarity_weights(photo, direction, strength=strength, sigma=sigma, connection=connection)


HAND_MADE: dict[str, Maker] = {
    "domain transform": _domain_transform,
    "recursive filter": _recursive_filter,
    "colour": _color,
}
LEARNED = "learned"
KINDS = (*HAND_MADE, LEARNED)


def available() -> tuple[str, ...]:
    """Those that can be had: learned ones need torch."""
    return KINDS if find_spec("torch") else tuple(HAND_MADE)


def made(kind: str, photo: Photo, strength: float, sigma: float) -> dict[str, NDArray]:
    """Weights of all directions, (4, K, H, W) float32, for each connection.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    photo : Photo
    strength : float
        Within (0, 1): the weights' sum in a flat part; what learned ones are multiplied by.
    sigma : float
        How large a difference is an edge, in multiples of the photo's scale; learned weights do not ask.

    Raises
    ------
    ValueError
        If there are no such weights, or they need what is not installed.
    """
    if kind == LEARNED:
        three = np.float32(strength) * photo.learned
        return {"one_way": three.sum(axis=1, keepdims=True), "three_way": three}
    if kind not in HAND_MADE:
        raise ValueError(f"weights must be one of {', '.join(KINDS)}, got {kind!r}")
    make, scale = HAND_MADE[kind], sigma * photo.scale
    return {
        connection: np.stack([make(photo.colours, d, connection, strength, scale) for d in DIRECTIONS]).astype("f4")
        for connection in CONNECTIONS
    }
