"""Whatever is wrong with a folder is said in one line that names the file."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from spnkit.data import open_faces


def _fails(error, *parts):
    """Expect an error of one line that names all parts."""
    return pytest.raises(error, match=r"^" + "".join(f"(?=.*{part})" for part in parts) + "[^\n]*$")


def test_missing_folder(tmp_path):
    with _fails(FileNotFoundError, "nowhere", "no such folder"):
        open_faces(tmp_path / "nowhere")


def test_unknown_layout_says_what_was_looked_for(tmp_path):
    with _fails(ValueError, "unknown layout", "exemplars.txt", "labelsNN", "_label.png"):
        open_faces(tmp_path)


def test_missing_list(helen):
    (helen / "tuning.txt").unlink()
    with _fails(FileNotFoundError, "tuning.txt"):
        open_faces(helen)


def test_list_that_is_not_text(helen):
    (helen / "tuning.txt").write_bytes(b"\xff\xfe\x00")
    with _fails(ValueError, "tuning.txt", "text"):
        open_faces(helen)


@pytest.mark.parametrize(
    ("layout", "file", "split"), [("helen", "testing.txt", "test"), ("indexed", "splits/val.txt", "val")]
)
def test_empty_split(request, layout, file, split):
    root = request.getfixturevalue(layout)
    (root / file).write_text("\n")
    with _fails(ValueError, file, f"the {split} split is empty"):
        open_faces(root)


def test_empty_split_of_helen_star(helen_star):
    for path in (helen_star / "test").iterdir():
        path.unlink()
    with _fails(ValueError, "test", "empty"):
        open_faces(helen_star)


def test_a_face_twice_in_a_split(indexed):
    names = (indexed / "splits/train.txt").read_text()
    (indexed / "splits/train.txt").write_text(f"{names}\ntrain_0000\n")
    with _fails(ValueError, "train.txt", "train_0000", "twice"):
        open_faces(indexed)


def test_a_photo_of_16_bits(indexed):
    faces = open_faces(indexed)
    name = faces.splits["train"][0]
    Image.fromarray(np.full((64, 64), 999, np.uint16)).save(indexed / "images" / f"{name}.png")
    for path in (indexed / "images").glob(f"{name}.jpg"):
        path.unlink()
    with _fails(ValueError, f"{name}.png", "8 bits", "I;16"):
        faces.load(name)


@pytest.mark.parametrize("name", ["../images/train_0000", "/images/train_0000"])
def test_a_name_that_leads_out_of_the_folder(indexed, name):
    (indexed / "splits/val.txt").write_text(f"{name}\n")
    with _fails(ValueError, "val.txt", name, "leads out of the folder"):
        open_faces(indexed)


def test_two_classes_of_one_name(indexed):
    (indexed / "classes2.txt").write_text("0 nose\n1 nose\n")
    with _fails(ValueError, "classes2.txt", "a name of its own"):
        open_faces(indexed)


def test_a_face_in_two_splits(indexed):
    names = (indexed / "splits/train.txt").read_text()
    (indexed / "splits/test.txt").write_text(names)
    with _fails(ValueError, "test.txt", "train_0000", "train split too"):
        open_faces(indexed)


@pytest.mark.parametrize("alias", ["./train_0000", ".//train_0000", "train_0000/.", "linked"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_face_by_another_name_is_the_same_face(indexed, alias, split):
    if alias == "linked":
        for folder, ending in (("images", "jpg"), ("labels11", "png")):
            (indexed / folder / f"linked.{ending}").symlink_to(indexed / folder / f"train_0000.{ending}")
    path = indexed / f"splits/{split}.txt"
    path.write_text(path.read_text() + f"{alias}\n")
    with _fails(ValueError, f"{split}.txt", "twice" if split == "train" else "train split too"):
        open_faces(indexed)


def test_a_list_may_have_a_dot_before_every_name(indexed):
    path = indexed / "splits/train.txt"
    names = path.read_text().split()
    path.write_text("".join(f"./{name}\n" for name in names))
    assert open_faces(indexed).splits["train"] == tuple(names)


@pytest.mark.parametrize(
    ("layout", "file"),
    [
        ("helen", "images/test_0001.jpg"),
        ("helen_star", "test/test_0001_label.png"),
        ("indexed", "images/test_0001.jpg"),
        ("indexed", "labels11/test_0001.png"),
    ],
)
def test_missing_photo_or_labels_is_found_on_opening(request, layout, file):
    root = request.getfixturevalue(layout)
    (root / file).unlink()
    with _fails(FileNotFoundError, file, "test split"):
        open_faces(root)


def test_missing_mask(helen):
    path = helen / "labels/val_0000/val_0000_lbl07.png"
    path.unlink()
    with _fails(FileNotFoundError, path.name):
        open_faces(helen).load("val_0000")


def test_mask_of_another_size(helen):
    path = helen / "labels/val_0000/val_0000_lbl07.png"
    Image.new("L", (32, 64)).save(path)
    with _fails(ValueError, path.name, "shape"):
        open_faces(helen).load("val_0000")


@pytest.mark.parametrize("file", ["images/val_0000.jpg", "labels11/val_0000.png"])
@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_truncated_picture(indexed, file, keep):
    content = (indexed / file).read_bytes()
    (indexed / file).write_bytes(content[: int(keep * len(content))])
    with _fails(OSError, file, "unreadable or truncated"):
        open_faces(indexed).load("val_0000")


def test_a_picture_too_large_to_be_honest(indexed, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with _fails(OSError, "images/val_0000.jpg", "unreadable or truncated"):
        open_faces(indexed).load("val_0000")


def test_a_picture_with_a_broken_chunk(indexed):
    """Of which Pillow says that it is a SyntaxError."""
    content = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (160, 160, 3), np.uint8)).save(content, "PNG")
    head, first, rest = content.getvalue().split(b"IDAT", 2)
    (indexed / "images/val_0000.jpg").write_bytes(head + b"IDAT" + first + b"\0\0\0\0" + rest)
    with _fails(OSError, "images/val_0000.jpg", "unreadable or truncated"):
        open_faces(indexed).load("val_0000")


def test_labels_of_another_size(indexed):
    path = indexed / "labels11/val_0000.png"
    Image.open(path).resize((48, 64)).save(path)
    with _fails(ValueError, "labels11/val_0000.png", "48 x 64", "64 x 64"):
        open_faces(indexed).load("val_0000")


def test_unknown_class_index(indexed):
    path = indexed / "labels11/val_0000.png"
    labels = np.array(Image.open(path))
    labels[0, 0] = 11
    Image.fromarray(labels).save(path)
    with _fails(ValueError, "val_0000.png", r"\[11\]", "0..10 or 255"):
        open_faces(indexed).load("val_0000")


def test_coloured_labels(indexed):
    path = indexed / "labels11/val_0000.png"
    Image.open(path).convert("RGB").save(path)
    with _fails(ValueError, "val_0000.png", "single-channel", "RGB"):
        open_faces(indexed).load("val_0000")


def test_sixteen_bit_labels(indexed):
    path = indexed / "labels11/val_0000.png"
    Image.fromarray(np.full((64, 64), 300, np.uint16)).save(path)
    with _fails(ValueError, "val_0000.png", "0..255", "300"):
        open_faces(indexed).load("val_0000")


def test_labels_that_are_not_there(indexed, helen):
    with _fails(ValueError, "labels19", "labels11"):
        open_faces(indexed, labels="labels19")
    with _fails(ValueError, "labels11", "HELEN"):
        open_faces(helen, labels="labels11")


def test_a_folder_of_streets_is_not_a_folder_of_faces(indexed):
    (indexed / "classes.txt").write_text("0 sky\n1 road\n")
    (indexed / "classes2.txt").unlink()
    with _fails(ValueError, "indexed", "labels2", "part of a face"):
        open_faces(indexed)
    assert open_faces(indexed, labels="labels2").classes == ("sky", "road")


def test_no_class_names(indexed):
    for path in indexed.glob("classes*.txt"):
        path.unlink()
    with _fails(FileNotFoundError, "classes.txt"):
        open_faces(indexed)


@pytest.mark.parametrize("text", ["1 skin\n0 background\n", "background\nskin\n"])
def test_class_names_out_of_order(indexed, text):
    (indexed / "classes2.txt").write_text(text)
    with _fails(ValueError, "classes2.txt", "0 name"):
        open_faces(indexed)


def test_labels_of_several_pictures(indexed):
    path = indexed / "labels11/val_0000.png"
    pages = [Image.open(path).copy() for _ in range(2)]
    path.unlink()
    pages[0].save(path.with_suffix(".tif"), save_all=True, append_images=pages[1:])
    with _fails(ValueError, "val_0000.tif", "one picture", "got 2"):
        open_faces(indexed).load("val_0000")


def test_a_list_of_zeros(helen):
    (helen / "tuning.txt").write_bytes(bytes(100))
    with _fails(ValueError, "tuning.txt", "text"):
        open_faces(helen)


@pytest.mark.parametrize("text", ["nan nan\n" * 68, "1 inf\n" * 68, "1 2\n3 x\n", "1 2\n3 4\n", "1 2 3\n" * 68])
def test_bad_landmarks(indexed, text):
    (indexed / "landmarks70").mkdir()
    (indexed / "landmarks70/val_0000.txt").write_text(text)
    with _fails(ValueError, "val_0000.txt", "x y"):
        open_faces(indexed).load("val_0000")
