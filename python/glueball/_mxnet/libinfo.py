"""What `mx.libinfo` has: the version that is stood in for, and where the library is."""

from __future__ import annotations

import pathlib

from glueball import _core

__all__ = ["__version__", "find_include_path", "find_lib_path"]

__version__ = "1.9.1"


def find_lib_path(prefix: str = "libmxnet") -> list[str]:
    """Return the path of the native library, in a list."""
    del prefix
    return [str(_core.__file__)]


def find_include_path() -> str:
    """Return the folder of the C++ headers."""
    return str(pathlib.Path(str(_core.__file__)).parent / "include")
