"""Automatic names: ``dense0``, ``dense1`` ... counted per hint, per thread."""

from __future__ import annotations

import threading
from typing import Self

from glueball._scope import surface

__all__ = ["NameManager", "Prefix"]


class _Current(threading.local):
    """The manager in force in each thread; a new thread starts a table of its own."""

    def __init__(self) -> None:
        self.manager = NameManager()


class NameManager:
    """Counts names from 0 for each hint; as a context manager, starts a fresh table.

    Examples
    --------
    >>> from glueball import name
    >>> from glueball.gluon import nn
    >>> with name.NameManager():
    ...     print(nn.Dense(1).name, nn.Dense(1).name)
    dense0 dense1
    """

    def __init__(self) -> None:
        self._counters: dict[str, int] = {}
        self._outer: list[NameManager] = []

    def get(self, name: str | None, hint: str) -> str:
        """Return `name` if there is one, else the hint with its next number."""
        if name:
            return name
        number = self._counters.get(hint, 0)
        self._counters[hint] = number + 1
        return f"{hint}{number}"

    def __enter__(self) -> Self:
        self._outer.append(_current.manager)
        _current.manager = self
        return self

    def __exit__(self, *exc: object) -> None:
        _current.manager = self._outer.pop()


class Prefix(NameManager):
    """A fresh table that adds `prefix` to every automatic name.

    Parameters
    ----------
    prefix : str
        Added as it is: say ``'pre_'`` for ``pre_dense0``.
    """

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def get(self, name: str | None, hint: str) -> str:
        """Return the prefix and the name, or the hint with its next number."""
        return self._prefix + super().get(name, hint)


_current = _Current()


def current() -> NameManager:
    """Return the manager in force in this thread."""
    return _current.manager


__getattr__, __dir__ = surface(__name__)
