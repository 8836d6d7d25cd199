"""Numba's simulator made fast, and as strict as memcheck and racecheck.

The threads of a block take turns, in another order after every barrier, and nothing polls. Shared memory starts as NaN.
Between two barriers no thread may touch what another one of its block writes, there or in device memory. An
asynchronous copy lands when its thread has waited for it; until then nobody may look at its target. Device memory is
the arrays of the launch, no more, and blocks keep out of what others write.
"""

import random
import threading
from contextlib import contextmanager

import numpy as np
from numba.cuda.simulator import kernel as simulator
from numpy.lib.array_utils import byte_bounds

from spnkit.backends import capsules
from spnkit.backends.cuda import backend as cuda
from spnkit.backends.cuda import bridge
from spnkit.backends.cuda import simulator as host


class Thread(simulator.BlockThread):
    """A thread that runs from barrier to barrier, when it is told to."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.turn, self.pause, self.ended = threading.Semaphore(0), threading.Semaphore(0), False
        self.copies, self.groups = [], []  # asked for; committed

    def run(self):
        self.turn.acquire()
        super().run()
        self.ended = True
        self.pause.release()

    def syncthreads(self):
        self.pause.release()
        self.turn.acquire()
        if self.abort:
            raise RuntimeError("another thread failed")

    def go_on(self):
        self.turn.release()
        self.pause.acquire()


class Block(simulator.BlockManager):
    """A block, with what its threads do in shared memory between two barriers."""

    def run(self, grid_point, *args):
        self.touched = {}  # spot: (the threads, whether one of them has written)
        self.underway = {}  # spot: the thread that has a copy under way there
        simulator._get_kernel_context().shared._dynshared.view(np.uint8)[:] = 0xFF
        points = np.ndindex(self._block_dim)
        threads = [Thread(lambda: self._f(*args), self, grid_point, point, self._debug) for point in points]
        for thread in threads:
            thread.start()
        order = random.Random(0)
        alive = threads
        while alive:
            order.shuffle(alive)
            for thread in alive:
                thread.go_on()
                if thread.exception:
                    self._abandon(threads)
                    raise thread.exception[0].with_traceback(thread.exception[1])
            running = [thread for thread in alive if not thread.ended]
            assert len(running) in (0, len(alive)), "a barrier that only some threads reach"
            self.touched.clear()
            alive = running

    def _abandon(self, threads):
        for thread in threads:
            thread.abort = True
            thread.turn.release()

    def touch(self, thread, spot, writes):
        """Note an access; it must not race with that of another thread."""
        others, written = self.touched.get(spot, (frozenset(), False))
        others = others | {thread}
        assert len(others) == 1 or not (written or writes), f"a race at spot {spot}"
        self.touched[spot] = others, written or writes


def peek(shared, spot, offset):
    thread, spot = threading.current_thread(), spot + offset
    assert spot >= 0, f"shared memory begins after {spot}"
    assert spot not in thread._manager.underway, f"a copy to spot {spot} has not been waited for"
    thread._manager.touch(thread, spot, False)
    return shared[spot]


def poke(shared, spot, offset, value):
    thread, spot = threading.current_thread(), spot + offset
    assert spot >= 0, f"shared memory begins after {spot}"
    assert spot not in thread._manager.underway, f"a copy to spot {spot} is still under way"
    thread._manager.touch(thread, spot, True)
    shared[spot] = value


owners = {}  # of what a launch has written in device memory: no block knows when another one runs


def load(at, kind):
    thread = threading.current_thread()
    thread._manager.touch(thread, ("device", at), False)
    assert owners.get(at, thread._manager) is thread._manager, "a block reads what another one writes"
    return host.load(at, kind)


def store(at, value, kind):
    thread = threading.current_thread()
    thread._manager.touch(thread, ("device", at), True)
    assert owners.setdefault(at, thread._manager) is thread._manager, "two blocks write to one place"
    host.store(at, value, kind)


def copy(shared, spot, offset, at, *rest):
    thread, spot = threading.current_thread(), spot + offset
    poke(shared, spot, 0, np.nan)
    thread._manager.underway[spot] = thread
    thread.copies.append((shared, spot, at, *rest))


def commit():
    thread = threading.current_thread()
    thread.groups.append(thread.copies)
    thread.copies = []


def arrived():
    thread = threading.current_thread()
    landed, thread.groups = thread.groups[:-1], thread.groups[-1:]
    for shared, spot, *source in (copy for group in landed for copy in group):
        del thread._manager.underway[spot]
        thread._manager.touch(thread, spot, True)
        host.copy(shared, spot, 0, *source)


@contextmanager
def strict(monkeypatch):
    """Simulate like this."""
    extents = []

    def read(arrays, plain=capsules.read):
        for array in arrays.values():
            if isinstance(array, np.ndarray):
                low, high = byte_bounds(array)
                extents.append((low // 4 * 4, -(-high // 4) * 4))  # no allocator ends within a word
        return plain(arrays)

    def memory(at, dtype, plain=host._memory):
        end = at + np.dtype(dtype).itemsize
        assert any(low <= at and end <= high for low, high in extents), "device memory outside all arrays"
        return plain(at, dtype)

    def launch(launches, addresses, stream, plain=bridge.launch_all):
        for one in launches:
            owners.clear()
            plain([one], addresses, stream)
        extents.clear()

    with monkeypatch.context() as patch:
        patch.setattr(simulator, "BlockManager", Block)
        patch.setattr(capsules, "read", read)
        patch.setattr(capsules, "array", lambda like, shape, dtype, *_: np.full(shape, np.nan, dtype))
        patch.setattr(bridge, "launch_all", launch)
        patch.setattr(host, "_memory", memory)
        for operation in (load, store, peek, poke, copy, commit, arrived):
            patch.setitem(cuda.SCALARS, operation.__name__, operation)
        yield
