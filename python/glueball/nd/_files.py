"""Arrays in files: `nd.save` and `nd.load`."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Any

import numpy as np

from glueball.base import ArgumentError, MXNetError
from glueball.nd._interchange import from_numpy
from glueball.nd._record import is_array

__all__ = ["load", "save"]


def _check_suffix(path: str, verb: str) -> None:
    if not path.endswith(".npz"):
        msg = f"expected a file name that ends in .npz to {verb} arrays, found {path!r}; rename it"
        raise ArgumentError(msg)


def save(fname: str | os.PathLike[str], data: Any) -> None:
    """Write arrays to an `.npz` file, at once or not at all.

    Parameters
    ----------
    fname : str or path
        Its name ends in ``.npz``.
    data : NDArray, list of NDArray, or dict of str to NDArray
        The arrays. A list is named ``arr_0``, ``arr_1`` and so on, as by ``numpy.savez``.

    Raises
    ------
    ArgumentError
        For another ending.
    TypeError
        When something else than arrays is given.
    """
    path = os.fspath(fname)
    _check_suffix(path, "save")
    if is_array(data):
        data = [data]
    named = data if isinstance(data, dict) else {f"arr_{i}": a for i, a in enumerate(data)}
    for name, value in named.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            msg = (
                f"expected an NDArray, a list of them or a dict from names to them for save, found "
                f"{name!r}: {type(value).__name__}; wrap it in nd.array"
            )
            raise TypeError(msg)
    # Written beside the target and renamed, so that nobody ever reads half a file.
    temporary = f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"
    import zipfile  # here, because it would double the time that importing this package takes

    try:
        with open(temporary, "xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for name, value in named.items():
                    # Not numpy.savez, which has no room for an array that is called 'file'.
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, np.asarray(value), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def load(fname: str | os.PathLike[str]) -> Any:
    """Read the arrays of an `.npz` file.

    Returns
    -------
    list or dict
        A list when the arrays were saved as one, else a dict by name.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    MXNetError
        When the file is damaged, or holds pickled objects, which are never loaded.
    """
    import zipfile  # here, as in save

    path = os.fspath(fname)
    _check_suffix(path, "load")
    try:
        with open(path, "rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            named = {name: from_numpy(archive[name]) for name in archive.files}
    except FileNotFoundError:
        raise
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        msg = f"expected an .npz file of arrays, found {path!r} ({error}); write it with nd.save or numpy.savez"
        raise MXNetError(msg) from error
    if list(named) == [f"arr_{i}" for i in range(len(named))]:
        return list(named.values())
    return named
