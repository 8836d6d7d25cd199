"""Every layout reads the same faces; the classes group as in Table 1."""

import shutil

import numpy as np
import pytest
from PIL import Image
from tolerances import assert_close

from spnkit.data import HELEN_CLASSES, IGNORE, OVERALL_GROUPS, open_faces, score_groups


def test_layouts_agree_on_the_same_faces(any_layout, made):
    for name in made.splits["train"][:2] + made.splits["test"]:
        face, original = any_layout.load(name), made.load(name)
        np.testing.assert_array_equal(face.image, original.image)
        np.testing.assert_array_equal(face.labels, original.labels)
        np.testing.assert_array_equal(face.keypoints, original.keypoints)


def test_a_face_that_is_not_there_is_a_missing_file(any_layout):
    with pytest.raises(FileNotFoundError, match="nobody"):
        any_layout.load("nobody")


def test_every_split_loads(any_layout):
    assert set(any_layout.splits) == {"train", "val", "test"}
    assert any_layout.classes == HELEN_CLASSES
    for names in any_layout.splits.values():
        face = any_layout.load(names[-1])
        assert face.image.dtype == face.labels.dtype == np.uint8
        assert face.image.shape == (*face.labels.shape, 3)


def test_endings_of_photos_do_not_matter(helen_star, made):
    first, second = sorted((helen_star / "train").glob("*_image.jpg"))[:2]
    first.rename(first.with_suffix(".JPG"))
    Image.open(second).save(second.with_suffix(".png"))
    second.unlink()
    faces = open_faces(helen_star)
    assert sorted(faces.splits["train"] + faces.splits["val"]) == sorted(made.splits["train"])
    assert faces.load(first.name.removesuffix("_image.jpg")).image.shape == (64, 64, 3)


@pytest.mark.parametrize("layout", ["helen", "helen_star", "indexed"])
@pytest.mark.parametrize(("photo", "label"), [(".JPG", ".PNG"), (".bmp", ".bmp"), (".webp", ".tif"), (".Jpeg", ".Tif")])
def test_endings_of_photos_and_labels_in_every_layout(request, layout, photo, label):
    root = request.getfixturevalue(layout)
    before = open_faces(root)
    for path in sorted(root.rglob("*.*")):
        ending = {".jpg": photo, ".png": label}.get(path.suffix)
        if ending:
            Image.open(path).save(path.with_suffix(ending), **({"lossless": True} if ending == ".webp" else {}))
            path.unlink()
    after = open_faces(root)
    assert after.splits == before.splits
    assert after.load(after.splits["val"][0]).image.shape == (64, 64, 3)


@pytest.mark.parametrize("layout", ["helen", "helen_star", "indexed"])
def test_hidden_files_are_no_faces(request, layout):
    root = request.getfixturevalue(layout)
    before = open_faces(root)
    for path in list(root.rglob("*.*")):
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7Mac OS X")
    after = open_faces(root)
    assert after.splits == before.splits
    after.load(after.splits["train"][0])


def test_a_photo_to_be_turned_is_said_once(indexed):
    """Its pixels stay as they are stored, like those of its labels."""
    for path in (indexed / "images").iterdir():
        picture = Image.open(path)
        exif = picture.getexif()
        exif[274] = 6
        picture.save(path, exif=exif)
    expected = np.asarray(Image.open(indexed / "images/val_0000.jpg"))
    faces = open_faces(indexed)
    with pytest.warns(UserWarning, match=r"val_0000\.jpg: its EXIF says that it is to be turned") as told:
        turned, _ = (faces.load(name).image for name in faces.splits["val"])
    assert len(told) == 1
    np.testing.assert_array_equal(turned, expected)
    path = indexed / "labels11/val_0000.png"
    Image.new("L", (64, 60)).save(path)
    with pytest.raises(ValueError, match=r"labels of 64 x 60 .* \(its EXIF says"):
        faces.load("val_0000")


def test_masks_with_a_palette_are_levels(helen, made):
    """Not numbers in that palette, in whatever order it has them."""
    name = made.splits["train"][0]
    for path in (helen / "labels" / name).iterdir():
        mask = Image.open(path).point(lambda level: 255 * (level > 127))
        mask.save(path)
        exact = open_faces(helen).load(name).labels
        reversed_palette = Image.fromarray(255 - np.asarray(mask))
        reversed_palette.putpalette(np.arange(255, -1, -1, dtype=np.uint8).repeat(3).tobytes())
        reversed_palette.save(path)
        np.testing.assert_array_equal(open_faces(helen).load(name).labels, exact)


def test_lists_may_begin_with_a_mark(indexed, made):
    path = indexed / "splits" / "val.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert open_faces(indexed).splits["val"] == made.splits["val"]


def test_helen_lists_become_splits(helen, made):
    lines = (helen / "tuning.txt").read_text().splitlines()
    assert [line.split(" , ")[1] for line in lines] == list(open_faces(helen).splits["val"])
    assert made.layout == "HELEN"


def test_helen_star_holds_out_every_tenth_training_face(helen_star, made):
    faces = open_faces(helen_star)
    known = sorted(made.splits["train"])
    assert faces.splits["val"] == tuple(known[::10])
    assert sorted(faces.splits["train"] + faces.splits["val"]) == known
    assert "every 10th training face" in faces.note


def test_helen_star_falls_back_on_the_resized_test_faces(helen_star, made):
    (helen_star / "test").rename(helen_star / "test_resize")
    faces = open_faces(helen_star)
    assert faces.load(made.splits["test"][0]).name == made.splits["test"][0]


def test_soft_masks_give_the_strongest_class(helen, made):
    name = made.splits["train"][0]
    for index in range(11):
        soft = np.full((64, 64), 90 if index == 6 else 80, np.uint8)
        Image.fromarray(soft).save(helen / "labels" / name / f"{name}_lbl{index:02d}.png")
    assert (open_faces(helen).load(name).labels == 6).all()


def test_labels_can_be_chosen(indexed, made):
    faces = open_faces(indexed, labels="labels2")
    assert faces.classes == ("background", "skin")
    name = faces.splits["val"][0]
    np.testing.assert_array_equal(faces.load(name).labels, made.load(name).labels > 0)
    assert faces.load(name).keypoints is None


def test_the_label_set_with_most_parts_is_the_default(indexed):
    (indexed / "labels11").rename(indexed / "labels3")
    (indexed / "classes3.txt").write_text("0 sky\n1 road\n2 tree\n")
    assert open_faces(indexed).classes == ("background", "skin")


def test_helens_own_classes_come_first_then_nine(indexed):
    """Though a set of twelve classes has more parts."""
    names = [*HELEN_CLASSES, "mouth"]
    for number in (9, 12):
        shutil.copytree(indexed / "labels2", indexed / f"labels{number}")
        lines = [f"{i} {name}\n" for i, name in enumerate(names[:number])]
        (indexed / f"classes{number}.txt").write_text("".join(lines))
    assert open_faces(indexed).labels == "labels11"
    shutil.rmtree(indexed / "labels11")
    assert open_faces(indexed).labels == "labels9"


def test_ignored_pixels_stay(indexed):
    faces = open_faces(indexed)
    path = indexed / "labels11" / f"{faces.splits['train'][0]}.png"
    labels = np.array(Image.open(path))
    labels[:4] = IGNORE
    Image.fromarray(labels).save(path)
    np.testing.assert_array_equal(faces.load(faces.splits["train"][0]).labels, labels)


def test_palette_labels_are_read_as_indices(indexed):
    faces = open_faces(indexed)
    path = indexed / "labels11" / f"{faces.splits['train'][0]}.png"
    picture = Image.open(path)
    expected = np.array(picture)
    picture.putpalette([7 * i % 256 for i in range(768)])
    picture.save(path)
    assert Image.open(path).mode == "P"
    np.testing.assert_array_equal(faces.load(faces.splits["train"][0]).labels, expected)


def test_landmarks_come_before_labels(indexed):
    name = open_faces(indexed).splits["train"][0]
    points = np.arange(140.0).reshape(70, 2)
    (indexed / "landmarks70").mkdir()
    np.savetxt(indexed / "landmarks70" / f"{name}.txt", points)
    expected = [points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]]
    assert_close(open_faces(indexed).load(name).keypoints, expected)


def test_keypoints_lie_in_their_parts(made):
    for name in made.splits["train"]:
        face = made.load(name)
        columns, rows = face.keypoints.round().astype(int).T
        left, right, nose = (made.classes[i] for i in face.labels[rows[:3], columns[:3]])
        assert (left, right, nose) == ("left_eye", "right_eye", "nose")
        assert face.keypoints[3, 0] < face.keypoints[2, 0] < face.keypoints[4, 0]


@pytest.mark.parametrize("turns", range(4))
def test_keypoints_of_drawn_parts(indexed, turns):
    """Centres of the eyes, the lower half of the nose, the ends of the mouth, however the head is tilted."""
    labels = np.zeros((64, 64), np.uint8)
    for index, rows, columns in [
        (4, slice(20, 23), slice(15, 18)),
        (5, slice(20, 23), slice(47, 50)),
        (6, slice(25, 41), slice(28, 37)),
        (7, slice(45, 47), slice(20, 45)),
        (8, slice(47, 49), slice(20, 45)),
        (9, slice(49, 51), slice(20, 45)),
    ]:
        labels[rows, columns] = index
    expected = np.array([[16, 21], [48, 21], [32, 36.5], [20, 47.5], [44, 47.5]])
    for _ in range(turns):
        labels = np.rot90(labels)
        expected = np.stack([expected[:, 1], 63 - expected[:, 0]], axis=1)
    name = open_faces(indexed).splits["train"][0]
    Image.fromarray(labels).save(indexed / "labels11" / f"{name}.png")
    assert_close(open_faces(indexed).load(name).keypoints, expected)


def test_no_keypoints_without_an_eye(indexed):
    faces = open_faces(indexed)
    path = indexed / "labels11" / f"{faces.splits['train'][0]}.png"
    labels = np.array(Image.open(path))
    Image.fromarray(np.where(labels == 4, 1, labels).astype(np.uint8)).save(path)
    assert faces.load(faces.splits["train"][0]).keypoints is None


def test_table_1_groups():
    groups = score_groups(HELEN_CLASSES)
    assert list(groups) == ["skin", "brows", "eyes", "nose", "mouth", "U-lip", "L-lip", "in-mouth"]
    assert groups["mouth"] == groups["U-lip"] + groups["in-mouth"] + groups["L-lip"]
    assert not {0, 10} & {index for indices in groups.values() for index in indices}
    assert set(OVERALL_GROUPS) <= set(groups)


@pytest.mark.parametrize("classes", [("sky", "road"), ("background", "hair")])
def test_classes_without_parts_have_no_groups(classes):
    assert score_groups(classes) == {}
