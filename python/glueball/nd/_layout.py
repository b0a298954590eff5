"""How an array lies in memory: for reading.

NumPy lets programs set these attributes, and changes the array object itself. Parameters hand out one object for
as long as it is held, so the next to ask would find weights of another shape, or read as integers.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from glueball.base import GlueballAttributeError, UnsupportedError

__all__ = ["Flags", "fixed", "flags_of"]


def fixed(name: str, remedy: str) -> Any:
    """Return NumPy's attribute of that name, as one that cannot be set."""
    attribute = getattr(np.ndarray, name)

    def refuse(array: Any, value: Any = None) -> NoReturn:
        message = (
            f"expected '{name}' of an array to be read only, found {value!r} set to it; {remedy}"
        )
        raise GlueballAttributeError(message)

    # NumPy's own getter: a function around it would take three times as long.
    return property(attribute.__get__, refuse, refuse, f"As ``numpy.ndarray.{name}``; read only.")


class Flags:
    """NumPy's flags of an array, for reading."""

    __slots__ = ("_flags",)

    def __init__(self, flags: Any) -> None:
        object.__setattr__(self, "_flags", flags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._flags, name)

    def __getitem__(self, name: str) -> Any:
        return self._flags[name]

    def __eq__(self, other: object) -> bool:
        return bool(self._flags == (other._flags if isinstance(other, Flags) else other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._flags)

    def _refuse(self, name: str, value: Any) -> NoReturn:
        message = (
            f"expected the flags of an array to be read only, found {value!r} set to '{name}'; change those of a "
            "plain view: numpy.asarray(x).flags"
        )
        raise UnsupportedError(message)

    __setattr__ = _refuse
    __setitem__ = _refuse


def flags_of(array: Any) -> Flags:
    """Return the flags of an array."""
    return Flags(np.ndarray.flags.__get__(array))
