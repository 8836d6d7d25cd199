"""Which photos a coarse model must not see in training, so that it parses them as it will parse new ones."""

from __future__ import annotations

import re
from collections.abc import Sequence


def folds_of(names: Sequence[str], pattern: str | None, folds: int) -> list[int]:
    """The fold of each face: people are dealt out in turn, with all their photos.

    Raises
    ------
    ValueError
        If the pattern matches nothing in a name, or there are fewer people than folds.
    """
    people = people_of(names, pattern)
    if max(people) + 1 < folds:
        raise ValueError(f"folds: {folds} for {max(people) + 1} people to train on, who are in one fold each")
    return [person % folds for person in people]


def people_of(names: Sequence[str], pattern: str | None) -> list[int]:
    """Whom each face shows, as a number, in the order in which they first appear.

    Parameters
    ----------
    names : sequence of str
        Names of photos.
    pattern : str or None
        Regular expression that matches the part of a name that says who it is; None takes nobody for shown twice.

    Raises
    ------
    ValueError
        If the pattern matches nothing in a name.

    Examples
    --------
    >>> people_of(["ann_left", "ann_right", "bob_left"], "[a-z]+")
    [0, 0, 1]
    """
    numbers: dict[str, int] = {}
    people = []
    for name in names:
        found = name if pattern is None else re.search(pattern, name)
        if found is None:
            raise ValueError(f"people: nothing in the name {name!r} matches {pattern!r}")
        who = found if isinstance(found, str) else found.group()
        people.append(numbers.setdefault(who, len(numbers)))
    return people
