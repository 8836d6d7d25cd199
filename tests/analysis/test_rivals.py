"""Rivals of the refiner that no library brings, and the maps of one class that they are given."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

pytest.importorskip("torch")

import torch

from analysis.common.refinement import maps
from analysis.common.refinement.bilateral import bilateral_solver, blur, vertices


@pytest.fixture(scope="module")
def edge():
    """Black beside grey, and a map that is out of focus and off by some pixels."""
    photo = np.zeros((40, 64, 3), np.uint8)
    photo[:, 32:] = 150
    right = gaussian_filter((np.arange(64) >= 36).astype(np.float32)[None].repeat(40, 0), 5)
    return photo, np.stack([1 - right, right])


def test_the_bilateral_solver_finds_the_edge(edge):
    photo, coarse = edge
    found = bilateral_solver(photo, coarse, reach=8, colour=8, strength=16.0)
    true = (np.arange(64) >= 32)[None].repeat(40, 0)
    assert (coarse.argmax(0) != true).mean() > 0.05
    assert ((found.argmax(0) != true).sum()) == 0
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-3)


def test_the_bilateral_solver_solves_what_it_says(edge):
    """On a photo of few vertices, against dense matrices made by their definition."""
    photo, coarse = edge[0][:9, 28:38], edge[1][:, :9, 28:38]
    splat, cells = vertices(photo, 3, 8, 8)
    near = blur(cells).toarray()
    apart = np.abs(cells[:, None] - cells[None]).sum(-1)
    np.testing.assert_array_equal(near, np.where(apart == 0, 10, apart == 1))
    mass, scale = splat.toarray().sum(1), np.ones(len(cells))
    for _ in range(20):
        scale = np.sqrt(scale * mass / (near @ scale))
    weights = scale[:, None] * near * scale
    sure = coarse.max(0).ravel()
    system = 4 * (np.diag(weights.sum(1)) - weights) + np.diag(splat @ sure)
    for one, found in zip(coarse, bilateral_solver(photo, coarse, reach=3, colour=8, strength=4.0), strict=True):
        wanted = splat.T @ np.linalg.solve(system, splat @ (sure * one.ravel()))
        np.testing.assert_allclose(found.ravel(), wanted, atol=1e-3)


def test_objects_are_all_classes_but_the_first():
    truth = np.array([[0, 3, 255]], np.uint8)
    coarse = np.array([[[0.5, 0.1, 0.2]], [[0.2, 0.3, 0.2]], [[0.3, 0.6, 0.6]]], np.float32)
    found = maps.of_objects(maps.Case("voc2012", "one", np.zeros((1, 3, 3), np.uint8), truth, coarse))
    assert found.set == maps.OBJECTS
    np.testing.assert_array_equal(found.truth, [[0, 1, 255]])
    np.testing.assert_allclose(found.coarse, [[[0.5, 0.1, 0.2]], [[0.5, 0.9, 0.8]]])


def test_the_control_knows_no_classes_either():
    from analysis.common.refinement.plain import PlainMaskRefiner
    from spnkit.nn.refiner import MaskRefiner

    torch.manual_seed(0)
    network = PlainMaskRefiner().eval()
    sizes = [sum(each.numel() for each in one.parameters()) for one in (network, MaskRefiner())]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)
    photo, coarse = torch.rand(1, 3, 33, 42), torch.rand(1, 4, 33, 42).softmax(1)
    order = [2, 0, 3, 1]
    with torch.no_grad():
        network.sight.weight.mul_(100)
        found = network(photo, coarse)
        torch.testing.assert_close(network(photo, coarse[:, order]), found[:, order])
    torch.testing.assert_close(found.sum(1), torch.ones(1, 33, 42))
    assert (found - coarse).abs().max() > 1e-3
