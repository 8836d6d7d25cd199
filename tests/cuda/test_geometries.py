"""Streams of warps on paper: no two threads want a bank, and no warp waits for what waits for it."""

import pytest

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")

BANKS, WORD = 32, 4


def geometries():
    from spnkit.backends.cuda import streams

    return [*streams.GEOMETRIES.values(), *streams.BACK.values()]


def spots(geometry, turn):
    """Bytes of shared memory that the threads of a warp read at a turn, of one layer: first and size."""
    c = geometry.constants
    pair = not geometry.horizontal and geometry.lag == 2
    for thread in range(32):
        slot = (turn - geometry.lag * thread) % geometry.ring
        yield slot * c["UNIT"] + thread * c["ROW"], geometry.item * (2 if pair else 1)


def conflicts(accesses):
    """Ways of the worst conflict; accesses of eight bytes are served half a warp at a time."""
    accesses, worst = list(accesses), 0
    together = 16 if accesses[0][1] == 8 else 32
    for first in range(0, 32, together):
        words = {at // WORD + i for at, size in accesses[first : first + together] for i in range(-(-size // WORD))}
        banks = [word % BANKS for word in words]
        worst = max(worst, *(banks.count(bank) for bank in set(banks)))
    return worst


@pytest.mark.parametrize("geometry", geometries(), ids=str)
def test_threads_of_a_warp_read_different_banks(geometry):
    turns = range(0, 4 * geometry.ring, 2 if geometry.lag == 2 else 1)
    assert {conflicts(spots(geometry, turn)) for turn in turns} == {1}


@pytest.mark.parametrize("geometry", geometries(), ids=str)
def test_rings_hold_what_is_in_use_and_what_is_under_way(geometry):
    c = geometry.constants
    assert geometry.ring % geometry.turns == 0
    assert c["UNDERWAY"] >= 1 + geometry.back
    assert geometry.live + c["UNDERWAY"] * geometry.turns == geometry.ring
    assert c["PIECES"] >= 1
    assert c["PIECES"] * c["SETS"] * 32 * c["VALUES"] == 32 * geometry.turns  # a chunk's pixels


@pytest.mark.parametrize("geometry", geometries(), ids=str)
@pytest.mark.parametrize("warps", [1, 2, 4, 8])
def test_no_warp_waits_for_itself(geometry, warps):
    """A tile needs the one before it WITHIN chunks ahead, round all warps of a block with more tiles than these."""
    length = geometry.length(1, warps + 1, warps)
    assert length % geometry.turns == 0
    assert length // geometry.turns >= warps * geometry.constants["WITHIN"]
    reach = geometry.lag * 31
    assert geometry.constants["WITHIN"] * geometry.turns >= reach + geometry.turns + geometry.lag - 1
