"""How threads share a call: whoever comes takes the next piece. Source text: `pool.py` compiles it.

Nobody waits for a thread that has taken nothing, and nobody spins for long: a helper whose core is busy with something
else finds the work done when it comes, and one that was stopped in the middle of a piece finds the core of whoever
waits for it free. Which thread does what has no influence on any number.
"""

from spnkit.backends.cpu.atomics import acquire, added, exchanged, pause, release, swapped, watched, work
from spnkit.backends.cpu.simd import Words

# Words of a pool, those that threads write to on lines of their own: how many calls there have been; how many helpers
# are inside, with `OPEN` if others may come in and `WAITING` if the caller sleeps until all are out.
JOB, GATE = 0, 8
# The call: kernel, numbers, how many threads it has room for. Then the caller's lock, and functions of locks.
WORK, CALL, WORKERS, LOCK, ACQUIRE, RELEASE = 16, 17, 18, 19, 20, 21
HELPERS, STRIDE = 24, 8  # from here on words of each helper: whether it sleeps; its lock
ASLEEP, OWN_LOCK = 0, 1
OPEN, WAITING = 1 << 40, 1 << 20
SPINS = 1000  # some 50 us on recent processors


def lead(at, call):
    """Run a call with whoever comes, and return when it is done."""
    pool = Words(at)
    exchanged(pool, GATE, OPEN)
    added(pool, JOB, 1)
    for i in range(pool[WORKERS] - 1):
        helper = helper_of(pool, i)
        if exchanged(helper, ASLEEP, 0) == 1:
            release(pool[RELEASE], helper[OWN_LOCK])
    work(pool[WORK], call, 0)
    added(pool, GATE, -OPEN)
    spins = 0
    while watched(pool, GATE) != 0 and spins < SPINS:
        pause()
        spins = spins + 1
    if watched(pool, GATE) != 0:
        if added(pool, GATE, WAITING) != 0:
            acquire(pool[ACQUIRE], pool[LOCK])
        exchanged(pool, GATE, 0)


def helper_of(pool, i):
    """The words of a helper."""
    return pool.beyond(HELPERS + STRIDE * i)


def serve(at, number):
    """The life of a helper."""
    pool, seen = Words(at), 0
    while watched(pool, JOB) >= 0:
        await_job(pool, helper_of(pool, number), seen)
        seen = watched(pool, JOB)
        if let_in(pool):
            if number + 1 < pool[WORKERS]:
                work(pool[WORK], pool[CALL], number + 1)
            if added(pool, GATE, -1) == WAITING + 1:
                release(pool[RELEASE], pool[LOCK])


def await_job(pool, mine, seen):
    """Wait for a call after number `seen`: awake at first, since calls come in rows, then asleep."""
    spins = 0
    while watched(pool, JOB) == seen and spins < SPINS:
        pause()
        spins = spins + 1
    if watched(pool, JOB) == seen:
        exchanged(mine, ASLEEP, 1)
        # If a call came just now, whoever takes the mark away first decides whether there is to be a wake-up.
        if watched(pool, JOB) == seen or exchanged(mine, ASLEEP, 0) == 0:
            acquire(pool[ACQUIRE], mine[OWN_LOCK])


def let_in(pool):
    """Whether a call is open, which then cannot end before this thread is out again."""
    expected, now = 0, watched(pool, GATE)
    while now != expected and now >= OPEN:  # once more if somebody else came or left meanwhile
        expected = now
        now = swapped(pool, GATE, expected, expected + 1)
    return now == expected and now >= OPEN
