"""Compiled kernels on disk, under a key that covers the whole definition and the machine it was compiled for.

Numba's own cache looks at the file of the decorated function alone: after a change in `recurrence.py` it would
go on serving the old kernel. So every state of the sources, on every kind of machine, gets a folder of its own.

A cache is a convenience. What cannot be read is compiled anew, and what cannot be written is done without; files
are written nowhere but in `folder()`.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import warnings
from functools import cache, lru_cache
from pathlib import Path
from uuid import uuid4

import numba
from numba.core import caching
from numba.core.ccallback import CFunc
from numba.core.serialize import dumps
from numba.core.sigutils import normalize_signature

from spnkit.backends.patience import compiling
from spnkit.backends.processor import compiled_for

DIGEST = hashlib.sha256().digest_size

_told = False


@lru_cache(maxsize=1)
def folder() -> Path | None:
    """Where kernels of these very sources for this very machine are kept: under NUMBA_CACHE_DIR or the user's cache
    folder. None where there is no such place, or where the sources are not files."""
    package = Path(__file__).resolve().parent.parent
    sources = sorted((*package.glob("*.py"), *package.glob("backends/**/*.py")))
    digest = hashlib.sha256(repr(compiled_for()).encode())
    for source in sources:
        digest.update(source.relative_to(package).as_posix().encode() + b"\0" + source.read_bytes())
    root = _root()
    return root / "spnkit" / digest.hexdigest()[:16] if root and sources else None


def _root():
    try:
        return Path(os.environ.get("NUMBA_CACHE_DIR") or _user_cache()).absolute()
    except RuntimeError:  # a user without a home
        return None


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home())
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def jit_cached(function, jit=numba.njit, **options):
    """`jit` with a cache in `folder()`; without a place that can be written, compiled anew in every process."""
    dispatcher = jit(**options)(function)
    return _with_cache(dispatcher, dispatcher.py_func, jit is numba.njit)


def cfunc_cached(function, signature):
    """`numba.cfunc` with that cache: a function for C, compiled at once."""
    callback = Compiled(function, normalize_signature(signature), locals={}, options={})
    _with_cache(callback, function, True).compile()
    return callback


class Compiled(CFunc):
    """A function for C; who waits for its compiler is told."""

    def _compile_uncached(self):
        with compiling():
            return super()._compile_uncached()


def _with_cache(compiled, function, on_cpu):
    if folder() is None:
        _tell("this user has no home folder and NUMBA_CACHE_DIR is not set")
    else:
        compiled._cache = _kind(on_cpu)(function)
    return compiled


def _tell(reason):
    """Say it, the first time."""
    global _told
    if _told:
        return
    _told = True
    warnings.warn(
        f"spnkit keeps no compiled kernels, each process compiles its own: {reason}. "
        "Set NUMBA_CACHE_DIR to a folder that can be written",
        RuntimeWarning,
        stacklevel=2,
    )


class Entries:
    """Files with one kernel each, by the hash of its key, behind the hash of what they hold.

    Numba's own files are an index and numbered ones beside it: of two processes that add to it at once, one may find
    its key leading to the other's kernel. It also takes what it reads for whole.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def load(self, key):
        """What was saved; None if there is none, or it is damaged."""
        try:
            held = self._path(key).read_bytes()
        except OSError:
            return None
        digest, data = held[:DIGEST], held[DIGEST:]
        return pickle.loads(data) if hashlib.sha256(data).digest() == digest else None

    def save(self, key, value) -> None:
        """Keep it, in place of what is there; readers see the old file or the new one."""
        path, data = self._path(key), dumps(value)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{uuid4().hex[:16]}.tmp")
        try:
            new.write_bytes(hashlib.sha256(data).digest() + data)
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def _path(self, key):
        return folder() / f"{self.name}-{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.nbc"


class Place:
    """What Numba wants to know of a place, without its habit of trying to write there before it reads."""

    def __init__(self, function) -> None:
        self._py_file = function.__code__.co_filename

    def get_cache_path(self) -> str:
        """The folder."""
        return str(folder())

    def ensure_cache_path(self) -> None:
        """Make the folder; OSError where that cannot be."""
        folder().mkdir(parents=True, exist_ok=True)

    def get_source_stamp(self) -> str:
        """Nothing: the folder has it."""
        return ""


@cache
def _kind(on_cpu):
    """Numba's cache of kernels for the CPU, or that of numba-cuda, kept in `Entries`."""
    if on_cpu:
        base, version = caching.FunctionCache, numba.__version__
    else:
        import numba_cuda
        from numba.cuda.dispatcher import CUDACache

        base, version = CUDACache, numba_cuda.__version__

    class Impl(base._impl_class):
        def __init__(self, function):
            self._lineno = function.__code__.co_firstlineno
            self._locator = Place(function)
            path = Path(self._locator._py_file)  # its folder too: both machines have a `kernels.py`
            self._filename_base = f"{path.parent.name}.{path.stem}.{function.__qualname__}"

    class Kept(base):
        _impl_class = Impl

        def __init__(self, function):
            super().__init__(function)
            self._cache_file = Entries(self._impl.filename_base)

        def _index_key(self, *args):
            return (*super()._index_key(*args), version)

        def load_overload(self, *args):
            try:
                return super().load_overload(*args)
            except Exception:  # whatever a file can make Numba and LLVM raise
                return None

        def save_overload(self, *args):
            try:
                super().save_overload(*args)
            except OSError as error:
                _tell(error)

    return Kept
