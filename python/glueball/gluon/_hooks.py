"""Handles by which hooks are taken off again."""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any, Self

from glueball.gluon import _structure

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HookHandle"]

_numbers = itertools.count()


class HookHandle:
    """A registered hook; as a context manager, it takes the hook off at the end.

    Holds the block's hooks weakly, so that a forgotten handle keeps no net alive.
    """

    def __init__(self, hooks: _Hooks, hook: Callable[..., Any]) -> None:
        self._hooks = weakref.ref(hooks)
        self._key = next(_numbers)
        hooks[self._key] = hook

    def detach(self) -> None:
        """Take the hook off; a second time does nothing."""
        hooks = self._hooks()
        if hooks is not None and hooks.pop(self._key, None) is not None:
            _structure.epoch.number += 1  # what was split for the hook may be one chain again

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.detach()


class _Hooks(dict[int, "Callable[..., Any]"]):
    """The hooks of one block, in the order of registration."""

    __slots__ = ("__weakref__",)
