"""The networks that come with the project."""

import numpy as np
import pytest
import torch

from spnkit.nn import face_refiner
from spnkit.nn.pretrained import WEIGHTS, build, pack

TINY = {
    "classes": ["background", "nose"],
    "widths": [2, 4],
    "connection": "one_way",
    "hidden": 2,
    "size": 32,
    "factor": 4,
    "edge": True,
}


def test_what_is_packed_is_read_back(tmp_path):
    made = build(**TINY).half().float().eval()  # the file holds half precision
    torch.save(pack(made, TINY), tmp_path / "tiny.pt")
    again = face_refiner(tmp_path / "tiny.pt")
    image = torch.rand(1, 3, 32, 32)
    for one, other in zip(made(image), again(image), strict=True):
        assert torch.equal(one, other)
    assert again.classes == ("background", "nose")


def test_labels_have_the_photos_size():
    photo = np.random.default_rng(0).integers(0, 256, (45, 45, 3)).astype(np.uint8)
    coarse, refined = build(**TINY).labels(photo)
    assert coarse.shape == refined.shape == (45, 45)
    assert coarse.dtype == refined.dtype == np.uint8
    assert max(coarse.max(), refined.max()) < 2


def test_stripes_of_a_large_photo_become_grey():
    """The frame's pixels are means of the photo's, not one in three of them."""
    refiner, seen = build(**TINY), []
    refiner.register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
    photo = np.zeros((96, 96, 3), np.uint8)
    photo[:, ::2] = 255
    refiner.labels(photo)
    assert (seen[0] - 0.5).abs().max() < 0.1


def test_labels_take_the_photo_to_the_weights():
    made, photo = build(**TINY), np.zeros((45, 45, 3), np.uint8)
    assert made.double().labels(photo)[1].shape == (45, 45)
    with pytest.raises(NotImplementedError, match="meta"):  # it went there; there are no values to bring back
        made.to("meta").labels(photo)


@pytest.mark.parametrize("shape", [(8, 9, 3), (8, 8), (0, 0, 3)])
def test_what_is_no_square_photo_is_refused(shape):
    with pytest.raises(ValueError, match=r"photo: expected uint8 \(H, H, 3\), got"):
        build(**TINY).labels(np.zeros(shape, np.uint8))


def test_a_photo_of_floats_is_refused():
    with pytest.raises(ValueError, match=r"got float64 \(8, 8, 3\)"):
        build(**TINY).labels(np.zeros((8, 8, 3)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_refines_too_and_the_mode_stays(dtype):
    made, photo = build(**TINY).to(dtype).train(), np.zeros((45, 45, 3), np.uint8)
    assert made.labels(photo)[1].shape == (45, 45)
    assert made.training


def test_no_weights_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pt: no weights there"):
        face_refiner(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("no weights")
    torch.save({"weights": {}}, tmp_path / "other.pt")
    for name in ("text.pt", "other.pt"):
        with pytest.raises(ValueError, match=f"{name}: damaged, or not what analysis/faces/face_refiner.py writes"):
            face_refiner(tmp_path / name)


def test_sides_that_the_parser_cannot_shrink_are_refused():
    with pytest.raises(ValueError, match=r"image must have sides that \d divides, got \(33, 32\)"):
        build(**TINY)(torch.rand(1, 3, 33, 32))


def test_the_shipped_weights_refine_a_face_that_they_have_not_seen():
    pytest.importorskip("skimage")
    from spnkit.data import HELEN_CLASSES, make_face

    assert WEIGHTS.stat().st_size < 1_200_000
    refiner = face_refiner()
    assert refiner.classes == HELEN_CLASSES
    wrong = np.zeros(2)
    for index in range(3):
        photo, masks = make_face(seed=99, index=index, size=refiner.size)
        wrong += [(labels != masks.argmax(0)).mean() / 3 for labels in refiner.labels(photo)]
    coarse, refined = wrong
    assert refined < coarse < 0.15
