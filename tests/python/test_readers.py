"""What holds for every reader of files."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import zlib

import numpy as np
import pytest

from glueball.base import MXNetError
from mutations import damaged
from readers import READERS

FILES = [name for name, reader in READERS.items() if reader.names_file]
_IN_ACCESS, _IN_CLOSE, _IN_OPEN = 0x1, 0x10, 0x20


class Opens:
    """Counts how often a file is opened from now on, by whatever code."""

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK)
        # Of equal events in a row the system tells one: reads and closes keep the opens apart.
        mask = _IN_ACCESS | _IN_CLOSE | _IN_OPEN
        if libc.inotify_add_watch(self._descriptor, os.fsencode(path), mask) < 0:
            pytest.skip(f"expected inotify to count opens, found {os.strerror(ctypes.get_errno())}")

    def count(self):
        with os.fdopen(self._descriptor, "rb") as events:
            told = events.read() or b""
        return sum(bool(mask & _IN_OPEN) for _, mask, _, _ in struct.iter_unpack("iIII", told))


def test_opens_are_counted(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"1")
    opens = Opens(path)
    for _ in range(2):
        path.read_bytes()
    assert opens.count() == 2


@pytest.mark.skipif(sys.platform != "linux", reason="opens are counted by Linux")
@pytest.mark.parametrize("name", FILES)
def test_every_reader_opens_its_file_once(name, tmp_path):
    # The name may belong to another file when it is opened again.
    reader, path = READERS[name], tmp_path / name
    reader.write(path)
    target = reader.target()
    opens = Opens(path)

    reader.read(target, path)

    assert opens.count() == 1


# What is damaged


def stem(path):
    """Return what the names of two files that belong together have in common."""
    return str(path.with_suffix(""))


def fault_of(reader, path):
    """Read a file; return what was said of it, or None if it was taken. An error has to leave all as it was."""
    target = reader.target()
    before = reader.state(target)
    try:
        reader.read(target, path)
    except MXNetError as error:
        assert reader.state(target) == before
        return str(error)
    return None


@pytest.mark.parametrize("name", READERS)
def test_damage_is_an_error_that_names_the_file_and_changes_nothing(name, tmp_path):
    reader, path = READERS[name], tmp_path / name
    reader.write(path)
    contents = path.read_bytes()
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    refused = 0
    for number in range(80):
        made = damaged(rng, name, contents)
        path.write_bytes(made)
        try:
            fault = fault_of(reader, path)
        except Exception as error:
            message = f"expected an MXNetError of damage {number}, {made[:2000]!r}, found {error!r}"
            raise AssertionError(message) from error
        if fault is None:
            continue
        refused += 1
        assert "incompatible function arguments" not in fault
        assert "self: glueball._core" not in fault
        assert not reader.names_file or stem(path) in fault, fault
    assert refused > 15
    path.write_bytes(contents)
    assert fault_of(reader, path) is None


@pytest.mark.parametrize("name", FILES)
def test_an_empty_file_is_named(name, tmp_path):
    reader, path = READERS[name], tmp_path / name
    reader.write(path)
    path.write_bytes(b"")

    assert stem(path) in fault_of(reader, path)
