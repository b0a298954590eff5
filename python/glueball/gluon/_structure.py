"""How a net's native chains learn that the net has changed.

A net that has run keeps a plan (`_plan.Plan`). Whatever could make a plan wrong - a child added or replaced, a
hook registered, a parameter exchanged - happens in a block that the plan was made of, and calls `changed`.
One comparison of an integer then tells each call whether its plan still holds. Blocks that are in no plan
yet, which is every block under construction, change nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glueball.gluon.block import Block

__all__ = ["Children", "changed", "epoch"]


class _Epoch:
    """Counts changes of nets that have a plan."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


epoch = _Epoch()


def changed(block: Block) -> None:
    """Make plans that `block` is part of invalid."""
    if block.__dict__.get("_planned"):
        epoch.number += 1


class Children(OrderedDict[str, Any]):
    """A block's children by name; writing into it directly, as some books do, is noticed."""

    def __init__(self, owner: Block) -> None:
        super().__init__()
        self._owner = owner

    def __setitem__(self, name: str, child: Any) -> None:
        super().__setitem__(name, child)
        changed(self._owner)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        changed(self._owner)

    # OrderedDict does these without a call of __setitem__ or __delitem__.

    def pop(self, *args: Any) -> Any:
        """As a dict's."""
        child = super().pop(*args)
        changed(self._owner)
        return child

    def popitem(self, last: bool = True) -> tuple[str, Any]:
        """As an OrderedDict's."""
        item = super().popitem(last)
        changed(self._owner)
        return item

    def clear(self) -> None:
        """As a dict's."""
        super().clear()
        changed(self._owner)

    def move_to_end(self, key: str, last: bool = True) -> None:
        """As an OrderedDict's."""
        super().move_to_end(key, last)
        changed(self._owner)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_children, (self._owner,), None, None, iter(self.items())


def _rebuild_children(owner: Block) -> Children:
    return Children(owner)
