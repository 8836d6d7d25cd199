"""The commands that pages and docstrings name can be given: their scripts are there and know the options."""

import argparse
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = ("*.md", "docs/**/*.md", "spnkit/**/*.py", "analysis/**/*.py", "examples/**/*.py", "tests/**/*.py")
PATHS = sorted(path for place in PLACES for path in ROOT.glob(place) if "_build" not in path.parts)
TEXTS = {str(path.relative_to(ROOT)): path.read_text().replace("\\\n", " ") for path in PATHS}
SCRIPT = r"(?<![\w/])((?:analysis|examples)/[\w/]+\.(?:py|cu))"
OF_ALL = ("analysis/common/record.py", "analysis/common/weights.py")  # where scripts have more options from
CALL = rf"(?:python {SCRIPT}|(?<![\w/.])(spnkit (?:refine|look|train-refiner|doctor)))\b([^`\n#&]*)"


@pytest.mark.parametrize("place", [name for name, text in TEXTS.items() if re.search(SCRIPT, text)])
def test_scripts_that_are_named_are_there(place):
    for script in re.findall(SCRIPT, TEXTS[place]):
        assert (ROOT / script).is_file(), script


def commands():
    """Where a command with options is named, its script, or the command's own name, and these."""
    for place, text in TEXTS.items():
        for script, command, rest in re.findall(CALL, text):
            options = re.findall(r"(?<=\s)--[\w-]+", rest)
            if options:
                yield pytest.param(script or command, options, id=f"{place}-{script or command}")


@pytest.mark.parametrize(("script", "options"), list(commands()))
def test_options_that_are_named_are_known(script, options):
    assert set(options) <= known(script)


def known(script):
    """Its options; scripts of the analysis are read for theirs, since asking for each help would take seconds."""
    if script.startswith("examples/"):
        return options_of_a_task(script)
    if script.startswith("spnkit "):
        return options_of_a_command(script.split()[1])
    words = re.findall(r'"([\w-]+)"', "".join((ROOT / name).read_text() for name in (script, *OF_ALL)))
    return {f"--{word.strip('-').replace('_', '-')}" for word in words}


def options_of_a_task(script):
    """Those of the task that an example names."""
    pytest.importorskip("lightning")
    from spnkit import tasks
    from spnkit.training.command import parser

    (task,) = re.findall(r"^    main\((\w+),", (ROOT / script).read_text(), re.MULTILINE)
    return set(parser(getattr(tasks, task), None)._option_string_actions)


def options_of_a_command(name):
    """Those of `spnkit NAME`."""
    if name == "train-refiner":
        pytest.importorskip("lightning")
    made = argparse.ArgumentParser()
    import_module(f"spnkit.cli.{name.replace('-', '_')}").options(made)
    return set(made._option_string_actions)


def test_a_command_is_read_to_its_end():
    assert "--no-such-thing" not in known("analysis/faces/table1.py")
    seen = [(script, options) for script, options in (param.values for param in commands())]
    assert ("examples/train_helen.py", ["--data", "--evaluate"]) in seen
    assert ("spnkit train-refiner", ["--data"]) in seen
    assert "--no-such-thing" not in known("spnkit refine") | known("examples/train_helen.py")
    assert any(script == "analysis/faces/table1.py" and "--one-way" in options for script, options in seen)
