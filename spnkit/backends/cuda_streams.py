"""What a stream of warps can be: rings, sets and warps, and whether they fit a map and a GPU."""

from __future__ import annotations

from dataclasses import asdict, dataclass

STEPS = 32


@dataclass(frozen=True)
class Geometry:
    """How a warp reads a plane: see `cuda_warp.py`, whose constants these and `constants` are."""

    horizontal: bool
    connections: int
    item: int
    warps: int
    turns: int
    ring: int
    sets: int = 2  # horizontally

    def constants(self) -> dict:
        item, lag = self.item, 2 if self.connections == 3 else 1
        layers, line = 1 + self.connections, 128
        piece = line // item
        values = 16 // item
        if self.horizontal:
            sets = self.sets
            delay, span = lag * STEPS // sets, lag * STEPS // sets
            layer, row = STEPS * item, item
            unit = layers * layer + (32 if item == 2 else 0)
            room = unit * self.ring
            side = STEPS // sets // values
        else:
            sets, delay, span = STEPS * lag // piece, piece, piece
            unit, row = item, self.ring * item
            layer = STEPS * row
            room = layers * layer
            side = piece // values
        live = -(-(self.turns + span - lag) // self.turns) * self.turns
        reach = lag * (STEPS - 1)
        per = self.turns * (32 // side and 1)
        pieces = (self.turns if self.horizontal else self.turns // lag) * side // 32
        return {
            "HORIZONTAL": self.horizontal, "WARPS": self.warps, "TURNS": self.turns, "RING": self.ring, "SETS": sets,
            "DELAY": delay, "PIECE": piece, "LAG": lag, "ITEM": item, "VALUES": values, "UNIT": unit, "ROW": row,
            "LAYER": layer, "AHEAD": self.ring - live, "SIDE_BY_SIDE": side, "ROOM": room, "PIECES": pieces,
            "WITHIN": -(-(reach + self.turns + self.connections // 2) // self.turns),
            "SPARE": -((self.turns - 1 - reach) // self.turns) - 1,
            "DRAIN": (live - self.turns + delay * (sets - 1)) // self.turns,
            "LEAVING": live - self.turns, "UNDERWAY": (self.ring - live) // self.turns, "CONNECTIONS": self.connections,
        }  # fmt: skip

    def length(self, lanes: int, tiles: int) -> int:
        """Lanes of a stream: whole pieces, and enough that no warp waits for itself if a block has so many tiles."""
        c = self.constants()
        least = max(lanes, 96)
        if tiles > self.warps:
            least = max(least, self.warps * c["WITHIN"] * self.turns)
        return -(-least // 32) * 32 if self.item != 2 else -(-least // 64) * 64

    def shared(self, length: int) -> int:
        """Bytes of shared memory of a block."""
        return self.warps * (self.constants()["ROOM"] + 4 * length + 64 + 4)
