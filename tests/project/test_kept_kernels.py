"""No state of a disk ends or changes a call: kernels are read, compiled anew or done without."""

import errno
import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import spnkit.backends.cache as cache


def twice(a):
    return 2 * a


@pytest.fixture
def place(monkeypatch, tmp_path):
    """An empty folder for kernels; nothing has been said yet."""
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "kernels")
    monkeypatch.setattr(cache, "_told", False)
    return tmp_path / "kernels"


def called():
    """Whether a new process would find the kernel; its result is right in any case."""
    function = cache.jit_cached(twice)
    assert function(2.5) == 5
    return sum(function.stats.cache_hits.values()) > 0


def entry(place):
    (path,) = place.iterdir()
    return path


def refusing(number):
    """What stands for every way to write: it fails."""

    def refuse(path, *_args, **_options):
        raise OSError(number, os.strerror(number), str(path))

    return refuse


def test_kept_and_found(place):
    assert not called()
    assert called()
    function = cache.jit_cached(twice)
    assert function(2) == 4  # other types are another kernel
    assert len(list(place.iterdir())) == 2


DAMAGES = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "zeros": lambda data: bytes(len(data)),
    "zeros behind": lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
    "a page of zeros": lambda data: data[:4096] + bytes(4096) + data[8192:],
    "a changed byte": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    "something else": lambda data: b"spam",
    "whole, but no kernel": lambda data: hashlib.sha256(b"spam").digest() + b"spam",
    "whole, but of another kind": lambda data: hashlib.sha256(pickle.dumps(7)).digest() + pickle.dumps(7),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_kernel_is_compiled_anew_and_replaced(place, damage):
    called()
    path = entry(place)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert not called()
    assert called()
    assert entry(place) == path


def test_what_can_be_neither_read_nor_replaced(place):
    called()
    path = entry(place)
    path.unlink()
    path.mkdir()
    with pytest.warns(RuntimeWarning, match="keeps no compiled kernels"):
        assert not called()
    assert [path] == list(place.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("how", ["write_bytes", "mkdir", "replace"])
def test_what_cannot_be_written_is_done_without_and_said_once(place, monkeypatch, recwarn, number, how):
    monkeypatch.setattr(Path, how, refusing(number))
    assert not called()
    assert not called()
    (said,) = recwarn
    assert os.strerror(number) in str(said.message)
    assert "NUMBA_CACHE_DIR" in str(said.message)
    assert not place.exists() or not list(place.iterdir())


def test_what_was_built_before_is_read_where_nothing_can_be_written(place, monkeypatch, recwarn):
    called()
    for how in ("write_bytes", "mkdir", "replace", "touch", "unlink"):
        monkeypatch.setattr(Path, how, refusing(errno.EROFS))
    monkeypatch.setattr(os, "open", refusing(errno.EROFS))  # as Numba tries a place, by a temporary file
    assert called()
    assert not list(recwarn)


def test_a_user_without_a_home(monkeypatch, recwarn):
    monkeypatch.setattr(cache, "_told", False)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)

    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache, "_user_cache", nowhere)
    cache.folder.cache_clear()
    try:
        assert not called()
    finally:
        cache.folder.cache_clear()
    assert "no home folder" in str(recwarn.pop(RuntimeWarning).message)


PLACE = """
from spnkit.backends.cache import folder
from spnkit.backends.processor import register_bytes
print(folder().name, register_bytes())
"""


def test_the_folder_is_of_what_was_compiled_for():
    """Homes are shared by unlike computers: kernels of one must not be found by another."""
    wishes = [
        {},
        {"NUMBA_CPU_NAME": "generic"},
        {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "+sse3"},
        {"NUMBA_CPU_FEATURES": "+avx512f"},
        {"NUMBA_CPU_FEATURES": "+avx2,-avx512f"},
        {"NUMBA_ENABLE_AVX": "0"},
        {"NUMBA_OPT": "1"},
    ]
    found = [
        subprocess.run([sys.executable, "-c", PLACE], capture_output=True, text=True, check=True, env=os.environ | wish)
        for wish in wishes
    ]
    folders, widths = zip(*(done.stdout.split() for done in found), strict=True)
    assert len(set(folders)) == len(wishes)
    assert widths[1:6] == ("32", "32", "64", "32", "32")


def test_versions_are_part_of_the_key(monkeypatch):
    from spnkit.backends import processor

    before = processor.compiled_for()
    for module in (processor.numba, processor.llvmlite):
        with monkeypatch.context() as context:
            context.setattr(module, "__version__", "0")
            assert processor.compiled_for() != before
    assert numba.__version__ in before
    assert sys.implementation.cache_tag in before
