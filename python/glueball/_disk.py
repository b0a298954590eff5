"""Access to the file system: paths, files that can be read, files that are written whole."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, BinaryIO

from glueball import _core
from glueball.base import FileAccessError, GlueballTypeError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["open_file", "path_of", "whole", "write_bytes"]


def path_of(fname: str | bytes | os.PathLike[Any]) -> str:
    """Return a path as text; anything else is a TypeError."""
    try:
        return os.fsdecode(fname)
    except TypeError as error:
        message = (
            f"expected the path of a file, found {type(fname).__name__}; pass a str or a pathlib.Path (what "
            "is in memory nd.load_frombuffer reads)"
        )
        raise GlueballTypeError(message) from error


def open_file(path: str) -> BinaryIO:
    """Open a file to read; refuse what has no end, or would hold us: pipes and devices.

    Who needs to see what kind of file it is looks into this one: the path may soon name another.

    Raises
    ------
    OSError
        If it cannot be opened, or is not a file: FileNotFoundError, PermissionError, IsADirectoryError.
    """
    return os.fdopen(_core.open_file(os.fsencode(path)), "rb")


@contextlib.contextmanager
def whole(path: str) -> Iterator[BinaryIO]:
    """Open a file to write into; it gets its name when the block ends, and not if it raises.

    Raises
    ------
    OSError
        If writing fails; an old file is untouched then.
    """
    target = _core.AtomicFile(os.fsencode(path))
    try:
        with os.fdopen(os.dup(target.descriptor), "wb") as file:
            yield file
        target.commit()
    except FileAccessError:
        target.discard()
        raise
    except OSError as error:  # from Python's own file, which does not know its name
        target.discard()
        message = (
            f'expected to write {path!r}, found "{error.strerror}"; free some space, or choose another '
            "place"
        )
        raise FileAccessError(error.errno, message, path) from error
    except BaseException:
        target.discard()  # now, not when the traceback that holds it goes
        raise


def write_bytes(path: str, contents: bytes) -> None:
    """Write a file at once or not at all.

    Raises
    ------
    OSError
        If writing fails; an old file is untouched then.
    """
    with whole(path) as file:
        file.write(contents)
