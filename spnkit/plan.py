"""What a call asks for, names resolved once: directions, normalisation, integration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from spnkit.directions import TABLE, Direction
from spnkit.integration import Integration
from spnkit.normalization import Normalization


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


@lru_cache(maxsize=256)
def plan(directions: tuple[str, ...], normalization: str, integration: str | None) -> Plan:
    """Resolve public names; raise ValueError for one that does not exist."""
    if not directions:
        raise ValueError("directions is empty, expected at least one of " + ", ".join(TABLE))
    chosen = tuple(_lookup("directions", name, TABLE) for name in directions)
    rule = _lookup("normalization", normalization, Normalization.__members__)
    how = Integration.none if integration is None else _lookup("integration", integration, _INTEGRATIONS)
    return Plan(chosen, rule, how)


_INTEGRATIONS = {name: member for name, member in Integration.__members__.items() if name != "none"}


def _lookup(argument, name, table):
    try:
        return table[name]
    except (KeyError, TypeError):
        raise ValueError(f"{argument} got {name!r}, expected one of {', '.join(table)}") from None
