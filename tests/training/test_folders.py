"""Whose a folder is, and what was made from what: nothing of others is touched, and no leftover is trusted."""

import io
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from spnkit.data import make_faces, open_faces
from spnkit.tasks import Faces
from spnkit.training import AlignedFaces, Experiment, Options, evaluate, fit, free_folder, options_of, train
from spnkit.training.devices import check_machine
from spnkit.training.runs import open_run

SILENT = Console(quiet=True)
pytestmark = pytest.mark.usefixtures("short_epochs")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def change(path, **what):
    """Change entries of a JSON file or of a checkpoint."""
    if path.suffix == ".json":
        path.write_text(json.dumps(json.loads(path.read_text()) | what))
    else:
        torch.save(torch.load(path, weights_only=True) | what, path)


@pytest.mark.parametrize("file", ["cache/mine.npy", "table.txt", "metrics.json", "notes/a.txt", "parsers.ckpt"])
def test_a_folder_with_files_of_others_is_left_alone(tiny, tmp_path, file):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=f"files that are of no run, such as {file.split('/')[0]}"):
        train(tiny, tmp_path, console=SILENT)
    assert contents(tmp_path) == before


def test_an_empty_folder_may_be_taken_and_one_where_a_run_was_killed_before_it_began(tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    open_run(tmp_path / "empty", tiny, resume=False)
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / ".options.json.partial").write_text("{")
    open_run(tmp_path / "killed", tiny, resume=False)
    assert options_of(tmp_path / "killed") == tiny
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["options.json"]


def test_a_file_is_no_folder(tiny, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError, match="file: is a file, expected a folder"):
        train(tiny, tmp_path / "file", console=SILENT)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("text", ["{}", '{"size": 64}', '{"compilerOptions": {}}', "[" * 100_000])
def test_options_of_another_program_are_no_run(tiny, tmp_path, text):
    (tmp_path / "options.json").write_text(text)
    with pytest.raises(ValueError, match=r"options\.json: damaged, or not the options of a run"):
        train(tiny, tmp_path, resume=True, console=SILENT)


def test_files_that_others_left_in_a_run_stay(copied):
    out, options = copied
    (out / "cache").mkdir()
    (out / "cache" / "mine.npy").write_text("mine")
    train(options, out, resume=True, console=SILENT)
    assert [path.name for path in (out / "cache").iterdir()] == ["mine.npy"]


@pytest.mark.parametrize("file", ["metrics.json", "table.txt", "table.md"])
def test_a_score_overwrites_no_file_of_others(tmp_path, file):
    (tmp_path / file).write_text('{"scores": "mine"}')
    with pytest.raises(FileExistsError, match=rf"{file}: is not the report of a checkpoint"):
        evaluate(tmp_path / "none.ckpt", "nowhere", out=tmp_path, console=SILENT)  # told before anything is read
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_a_score_may_be_written_again(run, tmp_path):
    for _ in range(2):
        evaluate(run[0] / "parsers.ckpt", str(run[0] / "faces"), out=tmp_path, console=SILENT)
    assert {path.name for path in tmp_path.iterdir()} == {"metrics.json", "table.txt", "table.md"}
    with pytest.raises(ValueError, match="split: expected one of train, val, test, got 'none'"):
        evaluate(run[0] / "parsers.ckpt", str(run[0] / "faces"), split="none", console=SILENT)


@pytest.mark.parametrize("name", ["steps", "hidden", "rate"])
def test_leftovers_of_other_options_are_not_trusted(copied, name):
    """Neither without the file that says what they are, nor with one that says otherwise."""
    out, options = copied
    other = replace(options, **{name: 2 * getattr(options, name)})
    (out / "options.json").unlink()
    with pytest.raises(FileExistsError, match="of no run"):
        train(other, out, console=SILENT)
    (out / "options.json").write_text(json.dumps(other.as_dict()))
    with pytest.raises(ValueError, match=rf"{name}: the run in .*parsers\.ckpt has .*, got"):
        train(other, out, resume=True, console=SILENT)


def test_a_stage_of_other_faces_is_not_trusted(tiny, faces, tmp_path):
    options = replace(tiny, parser_steps=1)
    data = shutil.copytree(faces.root, tmp_path / "data")
    run = Experiment(options, tmp_path / "run", SILENT)
    folder = open_faces(data)
    run.parsers(folder.classes, run.aligned(folder, "train"))
    run.parsers(folder.classes, run.aligned(folder, "train"))
    photo = data / "images" / f"{faces.splits['train'][2]}.jpg"
    Image.new("RGB", (64, 64), "red").save(photo)
    with pytest.raises(ValueError, match=r"parsers\.ckpt: was made from other faces; remove it"):
        run.parsers(folder.classes, run.aligned(folder, "train"))


def test_a_stage_of_other_parsers_is_not_trusted(copied):
    out, options = copied
    state = torch.load(out / "parsers.ckpt", weights_only=True)["state_dict"]
    change(out / "parsers.ckpt", state_dict={name: value + 1 for name, value in state.items()})
    with pytest.raises(ValueError, match=r"spn\.ckpt: was made from other parsers"):
        train(options, out, resume=True, console=SILENT)


def test_a_checkpoint_of_other_classes_is_not_trusted(copied):
    out, options = copied
    hyper = torch.load(out / "parsers.ckpt", weights_only=True)["hyper_parameters"]
    change(out / "parsers.ckpt", hyper_parameters=hyper | {"classes": [*hyper["classes"][:-1], "hat"]})
    with pytest.raises(ValueError, match=r"parsers\.ckpt: was made from other classes"):
        train(options, out, resume=True, console=SILENT)
    change(out / "parsers.ckpt", hyper_parameters=[])
    with pytest.raises(ValueError, match=r"parsers\.ckpt: damaged"):
        train(options, out, resume=True, console=SILENT)


def test_a_checkpoint_may_be_older_than_what_it_was_made_from(copied):
    out, options = copied
    for name in ("parsers.ckpt", "spn.ckpt"):
        change(out / name, made_from={})
    before = (out / "table.txt").read_text()
    train(options, out, resume=True, console=SILENT)
    assert (out / "table.txt").read_text() == before


def test_prepared_faces_know_what_they_were_made_from(faces, tmp_path):
    data = shutil.copytree(faces.root, tmp_path / "data")
    folder, names = open_faces(data), faces.splits["train"][:2]
    first = AlignedFaces(folder, names, 64, tmp_path / "cache")
    shown, digest = first[0][0].copy(), first.digest()
    assert AlignedFaces(folder, names, 32, tmp_path / "cache")[0][0].shape == (32, 32, 3)
    assert not first.paths[0].exists()  # made from what is no more
    Image.new("RGB", (64, 64), "red").save(data / "images" / f"{names[0]}.jpg")
    other = AlignedFaces(folder, names, 64, tmp_path / "cache")
    assert not np.array_equal(other[0][0], shown)
    assert other.digest() != digest
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "zeros", "empty"])
def test_a_damaged_prepared_face_is_made_anew(faces, tmp_path, damage):
    names = faces.splits["train"][:1]
    first = AlignedFaces(faces, names, 64, tmp_path)
    content = first.paths[0].read_bytes()
    first.paths[0].write_bytes({"cut": content[:-9], "zeros": bytes(len(content)), "empty": b""}[damage])
    assert AlignedFaces(faces, names, 64, tmp_path).digest()
    assert first.paths[0].read_bytes() == content


def test_the_newest_run_is_the_one_begun_last(tiny, tmp_path):
    for place, name in enumerate(("helen", "helen-2", "helen-3", "helen-notes")):
        open_run(tmp_path / name, tiny, resume=False)
        os.utime(tmp_path / name / "options.json", ns=(place, place))
    shutil.rmtree(tmp_path / "helen")
    assert free_folder(tmp_path, "helen", True) == tmp_path / "helen-3"
    open_run(free_folder(tmp_path, "helen", False), tiny, resume=False)
    assert free_folder(tmp_path, "helen", True) == tmp_path / "helen"
    (tmp_path / "helen-4").mkdir()  # there is no run in it
    assert free_folder(tmp_path, "helen", True) == tmp_path / "helen"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2**32 - 1}, "seed: expected at most 4294967294, got 4294967295"),
        ({"parser_batch": 2, "size": 64}, "parser_batch: expected at least 4 for 2 folds .* 16 x 16 pixels, got 2"),
        ({"parser_batch": 1, "size": 64, "folds": 1}, "parser_batch: expected at least 2 for 1 folds"),
        ({"parser_batch": 2, "highres": True, "size": 64}, "parser_batch: expected at least 4 for 2 folds .* 64 x 64"),
        ({"patch": 16, "batch": 1}, "batch: expected at least 2 for patches of 16 x 16 pixels, got 1"),
        ({"patch": 1}, "patch: expected at least 2, got 1"),
        ({"made": 2, "folds": 3}, "folds: expected at most made = 2 faces, got 3"),
        ({"size": 16, "factor": 1, "patch": 8}, "size: expected at least 32 for made-up faces, got 16"),
    ],
)
def test_options_that_would_end_late(change, message):
    with pytest.raises(ValueError, match=message):
        Options(**{"patch": 32} | change)


def test_the_least_batch_that_is_taken_can_be_trained_with(tiny, faces, tmp_path):
    options = replace(tiny, parser_batch=4, parser_steps=2)
    run = Experiment(options, tmp_path, SILENT)
    run.parsers(faces.classes, run.aligned(faces, "train"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "meta"}, "device: expected one of cpu, cuda, mps, got 'meta'"),
        ({"precision": "16-mixed"}, "precision: 16-mixed needs a GPU"),
    ],
)
def test_what_this_machine_cannot_do(tiny, change, message):
    with pytest.raises(ValueError, match=message):
        check_machine(replace(tiny, **change))


@pytest.mark.parametrize(
    ("out", "change", "message"),
    [
        ("a::b", {}, "out: expected a folder without '::' in its name"),
        ("run", {"people": "[A-Z]"}, "people: nothing in the name"),
        ("run", {"people": "t"}, "folds: 2 for 1 people"),
    ],
)
def test_nothing_is_done_before_all_options_are_checked(tiny, faces, tmp_path, monkeypatch, out, change, message):
    monkeypatch.chdir(tmp_path)
    for data in (None, str(faces.root)):
        with pytest.raises(ValueError, match=message):
            train(replace(tiny, data=data, **change), tmp_path / out, console=SILENT)
    assert not list(tmp_path.iterdir())


def test_labels_of_other_names_for_the_same_classes_can_be_scored(run, tmp_path):
    """`l_eye` in one folder is `left_eye` in another."""
    made = make_faces(tmp_path / "made", train=1, val=1, test=1, size=64)
    root = tmp_path / "faces"
    shutil.copytree(made.root / "images", root / "images")
    (root / "labels").mkdir()
    (root / "splits").mkdir()
    for split, names in made.splits.items():
        (root / "splits" / f"{split}.txt").write_text("\n".join(names))
        for name in names:
            Image.fromarray(made.load(name).labels).save(root / "labels" / f"{name}.png")
    spelled = [name.replace("left", "l").replace("right", "r").replace("_", " ") for name in made.classes]
    (root / "classes.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(spelled)))
    scores = [evaluate(run[0] / "spn.ckpt", str(folder), console=SILENT) for folder in (root, made.root)]
    assert json.dumps(scores[0]) == json.dumps(scores[1])


def test_an_interrupt_may_be_asked_for_outside_the_main_thread():
    """Where no answer to a signal can be chosen, none is."""
    from concurrent.futures import ThreadPoolExecutor

    def interruptible():
        with fit.interruptible():
            return True

    with ThreadPoolExecutor() as pool:
        assert pool.submit(interruptible).result()


def test_names_that_are_not_understood_are_said_before_anything_is_done(tiny, tmp_path, faces, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    console = Console(record=True, file=io.StringIO(), width=500)
    named = tuple("oculus" if name == "left_eye" else name for name in faces.classes)
    monkeypatch.setattr("spnkit.data.layouts.helen.HELEN_CLASSES", named)
    monkeypatch.setattr(Faces, "frame", stop)
    with pytest.raises(KeyboardInterrupt):
        train(replace(tiny, data=str(faces.root)), tmp_path / "run", console=console)
    assert "note: " in (said := console.export_text())
    assert "not known as part of a face: oculus" in said
