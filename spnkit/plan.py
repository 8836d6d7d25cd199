"""What a call asks for, names resolved once: directions, normalisation, integration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from spnkit.directions import TABLE, Direction, ordered
from spnkit.integration import Integration
from spnkit.normalization import Normalization

BACKENDS = ("reference", "cpu", "cuda")
ASKED_FOR = dict.fromkeys(("auto", *BACKENDS))  # what a caller may name


@dataclass(frozen=True)
class Plan:
    """A resolved call. `anchored` is off only for the bare recurrence h = x + sum p h of derivatives."""

    directions: tuple[Direction, ...]
    normalization: Normalization
    integration: Integration
    anchored: bool = True

    @cached_property
    def _hash(self):
        return hash((self.directions, self.normalization, self.integration, self.anchored))

    def __hash__(self):  # every call looks up what its plan needs
        return self._hash

    @cached_property
    def keeps_winner(self) -> bool:
        """Whether a gradient needs to know which direction won each node."""
        return self.integration == Integration.max and len(self.directions) > 1


def plan(directions: tuple[str, ...], normalization: str, integration: str | None) -> Plan:
    """Resolve public names; raise ValueError for one that does not exist."""
    try:
        return _resolved(directions, normalization, integration)
    except TypeError:  # what cannot be hashed is no name: looked up once more, to say of which argument
        return _resolved.__wrapped__(directions, normalization, integration)


@lru_cache(maxsize=256)
def _resolved(directions, normalization, integration):
    if not directions:
        raise ValueError("directions is empty, expected at least one of " + ", ".join(TABLE))
    chosen = tuple(look_up("directions", name, TABLE) for name in directions)
    rule = look_up("normalization", normalization, Normalization.__members__)
    how = Integration.none if integration is None else look_up("integration", integration, _INTEGRATIONS)
    return Plan(chosen, rule, how)


def names_of(directions: Sequence[str]) -> tuple[str, ...]:
    """Directions as given by a caller, one name or several, as a tuple."""
    if type(directions) is tuple:
        return directions
    if isinstance(directions, str):
        return (directions,)
    return ordered("directions", directions, f"a sequence of {', '.join(TABLE)}")


_INTEGRATIONS = {name: member for name, member in Integration.__members__.items() if name != "none"}


def look_up(argument, name, table):
    """The entry of that name; raise ValueError where there is none."""
    try:
        return table[name]
    except (KeyError, TypeError):
        raise ValueError(f"{argument} got {name!r}, expected one of {', '.join(table)}") from None
