"""The context module of Yu and Koltun (2016): dilated convolutions of the class maps themselves."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from spnkit.nn.checks import check_counts

CONTEXT = ((3, 1), (3, 1), (3, 2), (3, 4), (3, 8), (3, 16), (3, 1), (1, 1))
"""Kernel and dilation of each layer of the basic module; it has 64 C^2 weights for C classes, and reaches 67 x 67."""


def context_module(num_classes: int = 21, layers: Sequence[tuple[int, int]] = CONTEXT) -> nn.Sequential:
    """The basic context module: class maps in, class maps of the same size out; it begins as the identity.

    Parameters
    ----------
    num_classes : int
        Channels of all layers.
    layers : sequence of (kernel, dilation)
        Of each.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn.segmenters import context_module
    >>> maps = torch.rand(1, 21, 33, 33)
    >>> bool(torch.allclose(context_module()(maps), maps, atol=1e-6))
    True
    """
    check_counts(num_classes=num_classes)
    made: list[nn.Module] = []
    for kernel, dilation in layers:
        layer = nn.Conv2d(num_classes, num_classes, kernel, padding=dilation * (kernel // 2), dilation=dilation)
        nn.init.dirac_(layer.weight)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        made += [layer, nn.ReLU()]
    return nn.Sequential(*made[:-1])
