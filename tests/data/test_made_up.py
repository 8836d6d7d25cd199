"""Made-up faces: exact, varied, repeatable, and written whole or not at all."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from spnkit.data import HELEN_CLASSES, make_face, make_faces


def test_a_face_depends_on_seed_split_and_index_alone():
    photo, masks = make_face(seed=3, index=1, size=64)
    again = make_face(seed=3, index=1, size=64)
    np.testing.assert_array_equal(photo, again[0])
    np.testing.assert_array_equal(masks, again[1])
    for other in (make_face(4, 1, 64), make_face(3, 2, 64), make_face(3, 1, 64, split="test")):
        assert (other[0] != photo).mean() > 0.5


def test_what_is_written_is_the_face_that_was_made(made):
    photo, masks = make_face(seed=0, index=0, size=64)
    face = made.load("train_0000")
    assert np.abs(face.image - photo.astype(float)).mean() < 3  # grain that JPEG rounds at quality 95, all colours kept
    np.testing.assert_array_equal(face.labels, masks.argmax(axis=0))


def test_masks_share_every_pixel_out():
    _, masks = make_face(seed=0, index=0, size=96)
    total = masks.astype(int).sum(axis=0)
    assert np.abs(total - 255).max() <= len(HELEN_CLASSES) / 2  # each mask is rounded


def test_all_classes_appear(made):
    seen = {int(index) for name in made.splits["train"] for index in np.unique(made.load(name).labels)}
    assert seen == set(range(len(HELEN_CLASSES)))


def test_small_parts_keep_pixels_at_an_eighth_of_the_size():
    """At 256 pixels an eye covers several pixels of the parser's 32 x 32 input."""
    for index in range(4):
        _, masks = make_face(seed=0, index=index, size=256)
        areas = (masks.argmax(axis=0)[None] == np.arange(11)[:, None, None]).sum(axis=(1, 2)) / 64
        assert areas[[4, 5, 7, 9]].min() > 1.5


@pytest.mark.parametrize("index", range(3))
def test_the_photo_changes_where_the_labels_do(index):
    """Hair, lips and eyes stand out: colours change more across a label edge than elsewhere in the face."""
    photo, masks = make_face(seed=1, index=index, size=192)
    labels, grey = masks.argmax(axis=0), photo.astype(float)
    step = np.abs(np.diff(grey, axis=0)).sum(axis=2)
    edge = np.diff(labels, axis=0) != 0
    face = (labels[1:] > 0) & (labels[:-1] > 0)
    assert step[edge & face].mean() > 2 * step[~edge & face].mean()


def test_labels_follow_the_photo_at_any_size():
    """The same face at twice the size has its parts in the same place."""
    small, large = (make_face(seed=2, index=0, size=size)[1] for size in (64, 128))
    halved = large.reshape(11, 64, 2, 64, 2).mean(axis=(2, 4))
    agree = halved.argmax(axis=0) == small.argmax(axis=0)
    assert agree[small.argmax(axis=0) != 10].mean() > 0.97


def test_split_sizes_do_not_change_the_faces(made, tmp_path):
    fewer = make_faces(tmp_path / "fewer", train=1, val=1, test=1, size=64)
    for split, names in fewer.splits.items():
        np.testing.assert_array_equal(fewer.load(names[0]).image, made.load(made.splits[split][0]).image)


def test_a_folder_of_the_same_recipe_is_used_again(tmp_path):
    calls = []
    for _ in range(2):
        make_faces(tmp_path / "faces", 1, 1, 1, size=32, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_a_folder_of_another_recipe_is_left_alone(tmp_path):
    make_faces(tmp_path / "faces", 1, 1, 1, size=32)
    recipe = (tmp_path / "faces/made-up.json").read_text()
    with pytest.raises(FileExistsError, match=r"faces: .*another recipe.*'size': 32"):
        make_faces(tmp_path / "faces", 1, 1, 1, size=40)
    assert (tmp_path / "faces/made-up.json").read_text() == recipe
    assert json.loads(recipe)["size"] == 32


@pytest.mark.parametrize("content", [None, "{", "[1]"])
def test_a_folder_of_something_else_is_left_alone(tmp_path, content):
    (tmp_path / "thesis.txt").write_text("years of work")
    if content is not None:
        (tmp_path / "made-up.json").write_text(content)
    with pytest.raises(FileExistsError, match=r"made-up\.json"):
        make_faces(tmp_path, 1, 1, 1, size=32)
    assert (tmp_path / "thesis.txt").exists()


def test_an_interrupted_run_leaves_nothing(tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_faces(tmp_path / "faces", 1, 1, 1, size=32, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("code", "reason"), [(errno.ENOSPC, "no room on disk"), (errno.EIO, "Input/output")])
def test_a_disk_that_refuses_leaves_nothing(tmp_path, monkeypatch, code, reason):
    written = []

    def refuse(path, data):
        written.append(path)
        if len(written) > 5:
            raise OSError(code, "Input/output error")
        return original(path, data)

    original = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OSError, match=f"faces: could not be written .*{reason}") as caught:
        make_faces(tmp_path / "faces", 1, 1, 1, size=32)
    assert caught.value.errno == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"train": 0}, "train"), ({"test": -1}, "test"), ({"size": 16}, "size"), ({"seed": -1}, "seed")],
)
def test_bad_arguments(tmp_path, arguments, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        make_faces(tmp_path / "faces", **{"train": 1, "val": 1, "test": 1, "size": 32, **arguments})
    assert list(tmp_path.iterdir()) == []


def test_unknown_split():
    with pytest.raises(ValueError, match=r"^split: .*'exam'"):
        make_face(0, 0, 64, split="exam")
