"""The table of choices: every option with its type, limits and help, for the command line, the checks and the pages.

Each group of options stands beside what it configures. A task has a class that inherits the groups it needs and adds
its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from math import inf
from textwrap import fill
from typing import Any, ClassVar, TypeVar, dataclass_transform

KINDS: dict[str, Any] = {"int": int, "float": (int, float), "bool": bool, "str": str, "str | None": (str, type(None))}
"""What an option may be, by its annotation."""
Kind = TypeVar("Kind", bound=type)


def option(help: str, *, default: Any, choices: Sequence[Any] = (), least: float | None = None, more: str = "") -> Any:
    """One row of the table.

    Parameters
    ----------
    help : str
        What it is, in a line.
    default : int, float, bool, str or None
        Its value where none is given.
    choices : sequence, optional
        The values that there are.
    least : number, optional
        The least value of a number, if not 1, or more than 0.
    more : str
        Sentences for the reference.
    """
    return field(default=default, metadata={"help": help, "choices": tuple(choices), "least": least, "more": more})


@dataclass(frozen=True)
class Row:
    """An option as the table has it."""

    group: str
    name: str
    kind: str
    default: Any
    help: str
    choices: tuple[Any, ...]
    least: float | None
    more: str

    def check(self, value: Any) -> None:
        """Refuse a value of another type, too small or unknown."""
        if not isinstance(value, KINDS[self.kind]) or (isinstance(value, bool) and self.kind != "bool"):
            raise TypeError(f"{self.name}: expected {self.kind}, got {value!r}")
        least = (1 if self.kind == "int" else 1e-9) if self.least is None else self.least
        if self.kind in ("int", "float") and not self.choices and not least <= value < inf:
            raise ValueError(f"{self.name}: expected at least {least}, got {value}")
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.name}: expected one of {', '.join(map(str, self.choices))}, got {value}")

    def __str__(self) -> str:
        """As a class's docstring lists its attributes."""
        kind = f"{{{', '.join(map(repr, self.choices))}}}" if self.choices else self.kind.replace(" | ", " or ")
        said = f"{self.help[0].upper()}{self.help[1:]}. {self.more}".strip()
        text = fill(said, 100, initial_indent="    ", subsequent_indent="    ")
        return f"{self.name} : {kind}, default {self.default!r}\n{text}"


@dataclass(frozen=True)
class OptionGroup:
    """Some options; a class of a whole run inherits several groups.

    A subclass is made by `grouped`, says in `group` what it is about, and may refuse what does not fit together in a
    method `check` of its own, without calling those of other groups.
    """

    group: ClassVar[str]

    def __post_init__(self) -> None:
        """Refuse what no run could be made of.

        Raises
        ------
        TypeError, ValueError
            If a value has a wrong type, is too small, unknown, or does not fit another; the message names it.
        """
        for row in self.rows():
            row.check(getattr(self, row.name))
        for group in reversed(type(self).__mro__):
            if "check" in vars(group):
                vars(group)["check"](self)

    @classmethod
    def rows(cls) -> Iterator[Row]:
        """The table, one group after the other, those of the class itself first."""
        found = {each.name: each for each in fields(cls)}
        for owner in cls.__mro__:
            for name in vars(owner).get("__annotations__", {}):
                if each := found.pop(name, None):
                    yield Row(owner.group, name, kind_of(each.type), each.default, **each.metadata)  # type: ignore[attr-defined]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self)


def kind_of(annotation: Any) -> str:
    """An annotation in words, whether it was kept as a text or as a type."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


@dataclass_transform(frozen_default=True, field_specifiers=(option,))
def grouped(cls: Kind) -> Kind:
    """Make a group, or the options of a whole run, of a class whose annotated names are each an `option`.

    Examples
    --------
    >>> @grouped
    ... class Mine(OptionGroup):
    ...     group = "mine"
    ...     blur: float = option("how much the photo is blurred", default=0.0, least=0)
    >>> Mine(blur=1.0).as_dict()
    {'blur': 1.0}
    >>> Mine(blur=-1.0)
    Traceback (most recent call last):
    ValueError: blur: expected at least 0, got -1.0
    """
    made: Any = dataclass(frozen=True)(cls)
    listed = "\n".join(map(str, made.rows()))
    made.__doc__ = f"{inspect.cleandoc(cls.__doc__ or '')}\n\nAttributes\n----------\n{listed}\n"
    return made
