"""Arrays in files: `nd.save` and `nd.load`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from glueball import _files
from glueball.base import DtypeError, FileFormatError, GlueballTypeError
from glueball.nd._ndarray import NDArray
from glueball.nd._record import is_array, wrap

__all__ = ["load", "load_as", "load_frombuffer", "save"]


def save(fname: str | os.PathLike[str], data: Any) -> None:
    """Write arrays to a file, at once or not at all.

    Parameters
    ----------
    fname : str or path
        ``.safetensors`` and ``.npz`` say what the file becomes. Everything else becomes MXNet's
        ``.params``, as in Gluon, where no name says anything.
    data : NDArray, list of NDArray, or dict of str to NDArray
        The arrays.

    Raises
    ------
    TypeError
        When anything but arrays of numbers is given.
    ValueError
        For names or dtypes that such a file has no room for.
    OSError
        When writing fails; an old file is untouched then.
    """
    if is_array(data):
        data = [data]
    elif not isinstance(data, dict | list | tuple):
        raise _nothing_to_save(type(data).__name__)
    named = isinstance(data, dict)
    arrays = data if named else {str(i): array for i, array in enumerate(data)}
    for name, value in arrays.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            found = f"{name!r}: {type(value).__name__}"
            raise _nothing_to_save(found)
    _files.write(fname, arrays, named=named)


def load(fname: str | os.PathLike[str]) -> Any:
    """Read the arrays of a ``.safetensors``, ``.params`` or ``.npz`` file, whatever its name.

    Returns
    -------
    list or dict
        A list when the arrays were saved as one, else a dict by name. Dtypes are the file's;
        bfloat16, which NumPy does not have, becomes float32. Several names of one array in a
        ``.safetensors`` file give the same NDArray.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    FileFormatError
        When the file is damaged or of another kind. (It is a ValueError and an MXNetError.)
    TypeError
        For an array of a dtype that NumPy does not have: floats of eight bits and fewer.
    """
    return load_as(fname, NDArray)


def load_as(fname: str | os.PathLike[str], cls: type) -> Any:
    """Read a file as `load`, into arrays of class `cls`."""
    found = _files.read(fname)
    values = _files.values_of(found)
    made = {id(value): wrap(value, cls) for value in values.values()}
    named = {name: made[id(value)] for name, value in values.items()}
    return named if found.named else list(named.values())


def load_frombuffer(buf: bytes) -> Any:
    """Read arrays from the contents of a file; as `load`.

    Raises
    ------
    FileFormatError
        When the contents are damaged or of another kind.
    TypeError
        When `buf` is not bytes.
    """
    import tempfile  # here, because few programs need it

    if not isinstance(buf, bytes | bytearray | memoryview):
        msg = f"expected the contents of a file for load_frombuffer, found {type(buf).__name__}; pass bytes"
        raise GlueballTypeError(msg)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "buffer")
        with open(path, "wb") as file:
            file.write(buf)
        try:
            return load(path)
        except (DtypeError, FileFormatError) as error:
            raise type(error)(str(error).replace(path, "<buffer>")) from error


def _nothing_to_save(found: str) -> GlueballTypeError:
    return GlueballTypeError(
        f"expected an NDArray, a list of them or a dict from names to them for save, found {found}; wrap it "
        "in nd.array"
    )
