"""Handles by which hooks are taken off again."""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any, Self

from glueball import _tape

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.gluon.block._structure import Watch

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
        hooks.watch.changed()

    def detach(self) -> None:
        """Take the hook off; a second time does nothing."""
        hooks = self._hooks()
        if hooks is not None and hooks.pop(self._key, None) is not None:
            hooks.watch.changed()  # what was split for the hook may be one chain again

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.detach()


class _Hooks(dict[int, "Callable[..., Any]"]):
    """The hooks of one block, in the order of registration."""

    __slots__ = ("__weakref__", "watch")

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def run(self, *args: Any) -> None:
        """Call all of them: `attach_grad` leaves the graph whole there."""
        outside, _tape.hooks.running = _tape.hooks.running, True
        try:
            for hook in tuple(self.values()):
                hook(*args)
        finally:
            _tape.hooks.running = outside
