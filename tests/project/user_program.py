"""What users write, and what mypy is to make of it: checked as by `mypy --strict`, never run."""

from typing import Any, assert_type

import numpy as np
import torch
from numpy.typing import NDArray

import spnkit
from spnkit import plot
from spnkit.affinity import AffinityOperator, MixedAffinityOperator, build_G, color_similarity_weights, diffuse, verify
from spnkit.nn import SPN, MaskRefiner, SpatialPropagation, mask_refiner, refine, soften

Floats = NDArray[np.float32]


def arrays(x: Floats, gates: Floats) -> None:
    """Arrays of a kind give arrays of that kind."""
    assert_type(spnkit.propagate(x, gates, normalization="softmax", integration="mean"), Floats)
    assert_type(spnkit.scan(x, gates[:, 0], "left_to_right"), Floats)
    assert_type(spnkit.normalize_gates(gates), Floats)
    assert_type(spnkit.fill(x, x[:, :1], gates, empty=0.5), Floats)


def tensors(x: torch.Tensor, gates: torch.Tensor) -> torch.Tensor:
    """Tensors give tensors, and layers are modules."""
    assert_type(spnkit.propagate(x, gates), torch.Tensor)
    refiner: MaskRefiner = mask_refiner()
    parts = torch.nn.ModuleList([refiner, SpatialPropagation(normalization="clip"), SPN(num_classes=11)])
    refined: torch.Tensor = parts[1](x, gates)
    return refined


def affinities(photo: NDArray[np.uint8]) -> None:
    """Matrices and figures."""
    weights = [color_similarity_weights(photo, direction) for direction in spnkit.DIRECTIONS]
    operator = MixedAffinityOperator(weights)
    row = operator.row((1, 1))
    plot.listens_to(photo, row, (1, 1)).set_title("whom it hears")
    plot.sparsity(build_G(weights[0], "left_to_right"), lanes=8)
    print(verify(weights[0], "left_to_right"), diffuse(operator, photo), AffinityOperator(weights[0]).column((0, 0)))


def masks(photo: NDArray[np.uint8], mask: NDArray[np.uint8]) -> Any:
    """Masks."""
    return refine(photo, mask), soften(mask, 2)
