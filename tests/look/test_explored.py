"""What the explorer knows, against explicit matrices and the public calls."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import spnkit
from spnkit.affinity import build_G
from spnkit.directions import DIRECTIONS
from spnkit.look.explored import ALL, CROP, Explored
from spnkit.look.kinds import HAND_MADE, Photo, made

RNG = np.random.default_rng(0)
PHOTO = Photo(np.clip(np.kron(RNG.random((2, 3, 3)), np.ones((7, 6, 1))) + 0.02 * RNG.normal(size=(14, 18, 3)), 0, 1))


def matrix(explored, connection):
    """The mix of the matrices that the paper's formulas give, pixels row by row."""
    weights = explored.weights[connection].astype(float)
    parts = [build_G(p, d, order="image").toarray() for p, d in zip(weights, explored.directions, strict=True)]
    return np.mean(parts, axis=0)


@pytest.mark.parametrize("kind", HAND_MADE)
@pytest.mark.parametrize("direction", [ALL, "left_to_right", "bottom_to_top"])
@pytest.mark.parametrize("pixel", [(6, 9), (0, 0), (13, 17)])
def test_row_and_column_are_those_of_the_matrix(kind, direction, pixel):
    explored = Explored(PHOTO, kind, direction=direction)
    for connection, heard in explored.heard(pixel).items():
        G, number = matrix(explored, connection), pixel[0] * 18 + pixel[1]
        assert_allclose(heard.row.ravel(), G[number], atol=1e-6)
        assert_allclose(heard.column.ravel(), G[:, number], atol=1e-6)


def test_what_is_far_away_is_nothing_and_not_a_rounding_error():
    """An impulse on a little of everything would leave noise where nobody is heard."""
    photo = Photo(np.concatenate([np.zeros((20, 60, 3)), np.ones((20, 60, 3))]))
    explored = Explored(photo, "colour", strength=0.5)
    row = explored.heard((10, 30))["three_way"].row
    exact = matrix_free(explored, (10, 30))
    assert_allclose(row, exact, rtol=1e-5, atol=1e-20)


def matrix_free(explored, pixel):
    from spnkit.affinity import MixedAffinityOperator

    return MixedAffinityOperator(explored.weights["three_way"].astype(float)).row(pixel)


@pytest.mark.parametrize("kind", HAND_MADE)
def test_both_connections_hear_as_much_in_a_flat_part(kind):
    found = made(kind, Photo(np.full((6, 7, 3), 0.4)), 0.9, 1.0)
    assert (found["one_way"].shape, found["three_way"].shape) == ((4, 1, 6, 7), (4, 3, 6, 7))
    for p in found.values():
        assert_allclose(p.sum(axis=1)[:, 2:-2, 2:-2], 0.9, rtol=1e-6)


def test_learned_weights_are_those_of_the_refiner(monkeypatch):
    torch = pytest.importorskip("torch")
    from spnkit.nn import MaskRefiner, mask_refiner

    torch.manual_seed(0)
    small = MaskRefiner(widths=(4, 4, 4, 4, 4)).eval()
    monkeypatch.setattr("spnkit.nn.mask_refiner", lambda: small)
    photo = Photo(PHOTO.colours.copy())
    found = made("learned", photo, 0.5, 1.0)
    image = torch.from_numpy(photo.colours).permute(2, 0, 1)[None]
    with torch.no_grad():
        weights = [small.guidance(image, torch.rand(1, 5, 14, 18).softmax(1))[0][0, 0, :, :, 0] for _ in range(2)]
    for each in weights:  # whatever the map is
        assert_allclose(found["three_way"], 0.5 * each.numpy(), rtol=1e-6)
    assert_allclose(found["one_way"][:, 0], found["three_way"].sum(axis=1), rtol=1e-6)
    assert callable(mask_refiner)


def test_learned_weights_without_torch_say_what_they_need(monkeypatch):
    monkeypatch.setattr("spnkit.look.kinds.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"need torch: pip install 'spnkit\[torch\]'"):
        _ = Explored(Photo(PHOTO.colours.copy()), "learned").weights


def test_diffusion_is_steps_of_scans():
    explored = Explored(PHOTO)
    G = matrix(explored, "three_way")
    state = PHOTO.colours.reshape(-1, 3).astype(float)
    for _ in range(3):
        state = state + 2.5 / 3 * (G @ state - state)
    assert_allclose(explored.diffused(2.5)["three_way"].reshape(-1, 3), state, atol=1e-5)
    assert (explored.diffused(0)["one_way"] == PHOTO.colours).all()


@pytest.mark.parametrize("pixel", [(6, 9), (0, 17), (13, 0)])
@pytest.mark.parametrize("direction", [ALL, *DIRECTIONS])
def test_the_matrix_of_a_crop_is_that_of_its_weights(pixel, direction):
    explored = Explored(PHOTO, "recursive filter", direction=direction)
    for connection, crop in explored.cropped(pixel).items():
        rows, columns = (slice(c, c + n) for c, n in zip(crop.corner, crop.shape, strict=True))
        assert crop.shape == (CROP, CROP)
        p = explored.weights[connection][..., rows, columns].astype(float)
        if direction == ALL:
            parts = [build_G(each, d, order="image").toarray() for each, d in zip(p, DIRECTIONS, strict=True)]
            assert_allclose(crop.matrix, np.mean(parts, axis=0), atol=1e-12)
        else:
            assert_allclose(crop.matrix, build_G(p[0], direction).toarray(), atol=1e-12)
        inside = (pixel[0] - crop.corner[0], pixel[1] - crop.corner[1])
        impulse = np.zeros((1, 1, *crop.shape))
        impulse[0, 0][inside] = 1
        column = np.mean(
            [
                spnkit.scan(impulse, each[None, :, None], d, normalization="none")
                for each, d in zip(p, explored.directions, strict=True)
            ],
            axis=0,
        )
        assert_allclose(np.sort(crop.matrix[:, crop.place]), np.sort(column.ravel()), atol=1e-12)


def test_a_photo_smaller_than_the_crop_is_all_of_it():
    crop = Explored(Photo(np.full((3, 4, 3), 0.5))).cropped((2, 3))["three_way"]
    assert (crop.matrix.shape, crop.corner, crop.place) == ((12, 12), (0, 0), 11)
    assert Explored(Photo(np.full((1, 1, 3), 0.5))).heard((0, 0))["one_way"].row == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Photo(np.zeros((4, 5))), r"photo must have shape \(H, W, 3\), got \(4, 5\)"),
        (lambda: Explored(PHOTO, "magic"), "weights must be one of domain transform.* got 'magic'"),
        (lambda: Explored(PHOTO, strength=1), r"strength must lie within \(0, 1\), got 1"),
        (lambda: Explored(PHOTO, sigma=-1), "sigma must be positive, got -1"),
        (lambda: Explored(PHOTO, direction="up"), "direction must be one of all four, left_to_right.* got 'up'"),
        (lambda: replace(Explored(PHOTO), strength=0), "strength"),
        (lambda: Explored(PHOTO).heard((14, 0)), "lies outside the map"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
