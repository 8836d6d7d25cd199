"""The commands that pages and docstrings name can be given: their scripts are there and know the options."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = ("*.md", "docs/**/*.md", "spnkit/**/*.py", "analysis/**/*.py", "examples/**/*.py", "tests/**/*.py")
PATHS = sorted(path for place in PLACES for path in ROOT.glob(place) if "_build" not in path.parts)
TEXTS = {str(path.relative_to(ROOT)): path.read_text().replace("\\\n", " ") for path in PATHS}
SCRIPT = r"(?<![\w/])((?:analysis|examples)/[\w/]+\.(?:py|cu))"
OF_ALL = ("analysis/common/record.py", "analysis/common/weights.py")  # where scripts have more options from


@pytest.mark.parametrize("place", [name for name, text in TEXTS.items() if re.search(SCRIPT, text)])
def test_scripts_that_are_named_are_there(place):
    for script in re.findall(SCRIPT, TEXTS[place]):
        assert (ROOT / script).is_file(), script


def commands():
    """Where a command with options is named, its script and these."""
    for place, text in TEXTS.items():
        for script, rest in re.findall(rf"python {SCRIPT}([^`\n#&]*)", text):
            options = re.findall(r"(?<=\s)--[\w-]+", rest)
            if options:
                yield pytest.param(script, options, id=f"{place}-{script}")


@pytest.mark.parametrize(("script", "options"), list(commands()))
def test_options_that_are_named_are_known(script, options):
    assert set(options) <= known(script)


def known(script):
    """Options of a script, as it writes them or as names in its tables; to ask for its help would take ten seconds."""
    sources = (script, *(OF_ALL if script.startswith("analysis/") else ()))
    words = re.findall(r'"([\w-]+)"', "".join((ROOT / name).read_text() for name in sources))
    return {f"--{word.strip('-').replace('_', '-')}" for word in words}


def test_a_command_is_read_to_its_end():
    assert "--no-such-thing" not in known("analysis/faces/table1.py")
    seen = [(script, options) for script, options in (param.values for param in commands())]
    assert ("examples/train_helen.py", ["--data", "--evaluate"]) in seen
    assert any(script == "analysis/faces/table1.py" and "--one-way" in options for script, options in seen)
