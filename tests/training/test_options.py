"""One table of options for the command line, the checks and the reference."""

import re

import pytest

from spnkit import training
from spnkit.tasks import FaceOptions, Faces, SegmentationOptions
from spnkit.training import Options, grouped, option
from spnkit.training.command import parser


def test_the_names_of_the_face_study_are_where_they_were():
    assert all(callable(getattr(training, name)) for name in training.HERE_BEFORE)
    assert Options is FaceOptions
    assert (Options().size, Options().made, Options().rate, Options().data) == (256, 96, 6e-3, None)


@pytest.mark.parametrize("kind", [FaceOptions, SegmentationOptions])
def test_every_option_is_in_one_group_with_help_and_in_the_reference(kind):
    rows = list(kind.rows())
    assert [row.name for row in rows if not row.help] == []
    assert len({row.name for row in rows}) == len(rows) == len(kind().as_dict())
    assert {row.group for row in rows} == {"data", "coarse model", "refiner", "training", "machine"}
    assert re.findall(r"^(\w+) : ", kind.__doc__, re.MULTILINE) == [row.name for row in rows]


def test_help_shows_the_groups():
    shown = parser(Faces, "A study.").format_help()
    assert re.findall(r"^([a-z ]+):$", shown, re.MULTILINE)[1:] == [
        *("data", "coarse model", "refiner", "training", "machine", "run")
    ]
    assert "--refiner {spn,plain}" in shown


def test_a_task_adds_options_of_its_own():
    @grouped
    class Mine(FaceOptions):
        """Mine."""

        group = "mine"
        blur: int = option("pixels of blur", default=0, least=0)

        def check(self):
            if self.blur > self.size:
                raise ValueError("blur: too much")

    assert next(iter(Mine.rows())).group == "mine"
    assert Mine(blur=3).as_dict() == FaceOptions().as_dict() | {"blur": 3}
    for change, message in (({"blur": -1}, "blur: expected"), ({"blur": 999}, "too much"), ({"units": 0}, "units")):
        with pytest.raises(ValueError, match=message):
            Mine(**change)
