"""Files of arrays: which kind a file is, and who reads and writes it.

`.safetensors` and MXNet's `.params` are read and written by the core, `.npz` by `_npz`. What a file is
going to be depends on its name, what it is on its contents.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from glueball import _core, _npz
from glueball._disk import open_file, path_of
from glueball._reading import in_file, reading
from glueball.base import ArgumentError, DtypeError, FileFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FileArrays", "read", "values_of", "write",
]  # fmt: skip

_NUMBERS = "biufc"


class FileArrays(NamedTuple):
    """What a file holds: views, from which values are still to be taken."""

    arrays: dict[str, _core.StoredArray]
    """By name, other names of an array included."""
    named: bool
    """Whether the file gives names; else it holds a list, whose places the names are."""
    metadata: dict[str, str]
    path: str

    def by_name(self) -> dict[str, _core.StoredArray]:
        """Return the arrays; an ArgumentError if they are a list."""
        # Without arrays a .params file is a list and a dict, as far as anyone can tell.
        if self.arrays and not self.named:
            message = f"expected named arrays in '{self.path}', found a list; save a dict of arrays"
            raise ArgumentError(message)
        return self.arrays


def read(fname: str | os.PathLike[str]) -> FileArrays:
    """Open and check a file of any kind; nothing of it is trusted.

    Raises
    ------
    OSError
        If it cannot be opened: FileNotFoundError, PermissionError, IsADirectoryError.
    FileFormatError
        If it is damaged or of no kind that is known.
    TypeError
        If `fname` is not a path; for numbers of a dtype that no other file holds.
    """
    path = path_of(fname)
    with open_file(path) as file:
        if not _is_zip(file):
            contents = _core.read_arrays(file.fileno(), os.fsencode(path))
        else:
            advice = "write it with nd.save or numpy.savez"
            with reading(path, "an .npz file of arrays", advice):
                return _from_npz(_npz.read(file), path)
    arrays = {array.name: array for array in contents.arrays}
    arrays.update({alias: arrays[name] for alias, name in contents.aliases.items()})
    return FileArrays(arrays, contents.named, contents.metadata, path)


def values_of(found: FileArrays) -> dict[str, np.ndarray]:
    """Return new arrays by name; several names of one array give the same.

    Raises
    ------
    TypeError
        For an array of a dtype that NumPy does not have: floats of eight bits and fewer.
    FileFormatError
        For a shape that NumPy cannot have: no elements, but more of them along other axes than memory.
    """
    made: dict[int, np.ndarray] = {}
    for name, array in found.arrays.items():
        try:
            if id(array) not in made:
                made[id(array)] = array.to_numpy()
        except DtypeError as error:
            raise in_file(error, found.path) from error
        except ValueError as error:
            message = (
                f"expected arrays that NumPy can hold in '{found.path}', found '{name}' of shape "
                f"{tuple(array.shape)} ({error}); write the file without it"
            )
            raise FileFormatError(message) from error
    return {name: made[id(array)] for name, array in found.arrays.items()}


def _is_zip(file: BinaryIO) -> bool:
    # The length of a .safetensors file's header may look like that, but then a { comes next.
    start = os.pread(file.fileno(), 9, 0)
    return start[:2] == b"PK" and start[8:] != b"{"


def _from_npz(loaded: dict[str, np.ndarray], path: str) -> FileArrays:
    arrays = {name: _core.StoredArray(name, value) for name, value in loaded.items()}
    named = list(loaded) != [f"arr_{i}" for i in range(len(loaded))]
    return FileArrays(arrays, named, {}, path)


def write(
    fname: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    *,
    named: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write arrays to a file of the kind that its name says, at once or not at all.

    Parameters
    ----------
    fname : str or path
        Ends in ``.safetensors`` or ``.npz``; everything else becomes MXNet's ``.params``.
    arrays : mapping of str to ndarray
        In a ``.safetensors`` file the names of one and the same memory share one array.
    named : bool, default True
        False for a list: the names are places then.
    metadata : mapping of str to str, optional
        Goes into ``.safetensors`` files.

    Raises
    ------
    OSError
        If writing fails; an old file is untouched then.
    TypeError
        For an array of anything but numbers.
    ValueError
        For names, dtypes or metadata that such a file has no room for.
    """
    path = path_of(fname)
    for name in arrays:
        _check_name(name)
    plain = {name: _plain(name, value) for name, value in arrays.items()}
    if path.endswith(".npz"):
        _npz.write(path, plain if named else {f"arr_{i}": a for i, a in enumerate(plain.values())})
        return
    stored = []
    aliases: dict[str, str] = {}
    first: dict[Any, str] = {}
    for name, value in plain.items():
        where = (value.__array_interface__["data"][0], value.shape, value.dtype)
        if named and value.size and path.endswith(".safetensors") and where in first:
            aliases[name] = first[where]
        else:
            first[where] = name
            stored.append(_core.StoredArray(name, value))
    _core.write_arrays(os.fsencode(path), stored, named, aliases, dict(metadata or {}))


def _check_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        message = f"expected names of arrays that UTF-8 can write, found {name[:80]!r}; rename it"
        raise ArgumentError(message) from error


def _plain(name: str, value: np.ndarray) -> np.ndarray:
    """Return the array in C order and native byte order; itself, if it is so."""
    array = np.asarray(value)
    if array.dtype.kind not in _NUMBERS:
        message = (
            f"expected arrays of numbers to save, found '{name}' of dtype {array.dtype}; convert it, or "
            "leave it out"
        )
        raise DtypeError(message)
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")
