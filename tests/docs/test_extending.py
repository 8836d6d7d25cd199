"""The examples of docs/extending.md run as they stand."""

import re
from pathlib import Path

import pytest
from PIL import Image
from scenes import make_scenes, scene

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
SECTIONS = {
    title: code.group(1)
    for title, text in re.findall(r"^## (.*?)$(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    if (code := re.search(r"```python\n(.*?)```", text, re.DOTALL))
}


@pytest.fixture
def example(tmp_path, monkeypatch, one_thread):
    """Run the example of a section in an empty folder; returns its names."""
    monkeypatch.chdir(tmp_path)

    def run(title):
        names = {"__name__": "example"}
        exec(compile(SECTIONS[title], f"{PAGE.name}: {title}", "exec"), names)
        return names

    return run


def test_a_task(example, tmp_path):
    make_scenes(tmp_path / "photos")
    names = example("To add a task")
    assert list(names["scores"]) == ["baseline, upsampled", "SPN", "SPN, blank photo"]
    assert (tmp_path / "runs/grey/table.txt").is_file()
    with pytest.raises(ValueError, match=r"grey: expected at most 1, got 2\.0"):
        names["GreyOptions"](grey=2.0)


def test_a_coarse_model(example, tmp_path):
    make_scenes(tmp_path / "photos")
    scores = example("To add a coarse model")["scores"]
    assert scores["coarse map"]["thing"] > 50
    assert not (tmp_path / "runs/bright/parsers.ckpt").exists()


def test_a_data_layout(example, tmp_path, monkeypatch):
    monkeypatch.setattr("spnkit.data.layouts.LAYOUTS", layouts := [])
    monkeypatch.setattr("spnkit.data.LAYOUTS", layouts)
    (tmp_path / "pairs").mkdir()
    for index, split in enumerate(("train", "val", "test")):
        (tmp_path / "pairs" / f"{split}.list").write_text(f"photo{index}")
        for picture, ending in zip(scene(index), ("jpg", "png"), strict=True):
            Image.fromarray(picture).save(tmp_path / "pairs" / f"photo{index}.{ending}")
    folder = example("To add a data layout")["folder"]
    assert (folder.layout, folder.classes) == ("pairs", ("background", "thing"))
    assert folder.load("photo2").labels.max() == 255
