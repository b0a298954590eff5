"""How a net's plans learn that the net has changed.

A net that has run keeps a plan (`_plan.Plan`). Whatever could make a plan wrong (a child added or replaced, a
hook registered, a parameter exchanged) happens in a block that the plan was made of. Each block has a `Watch`,
which knows such plans, weakly, and marks them as stale. So a call only looks at its own plan's mark, and a change
reaches the nets that contain the block and no other. Blocks under construction are in no plan.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from glueball.base import ArgumentError

if TYPE_CHECKING:
    import weakref

    from glueball.gluon.block._plan import Plan

__all__ = ["Children", "Watch"]

_pruning = threading.Lock()


class Watch:
    """The plans that one block is part of. Shallow copies of a block share it, as they share children."""

    __slots__ = ("_limit", "has_parent", "is_in_several", "plans")

    def __init__(self) -> None:
        self.has_parent = False
        self.is_in_several = False  # was put into places more than once
        self.plans: list[weakref.ref[Plan]] = []
        self._limit = 4

    def note(self, plan: weakref.ref[Plan]) -> None:
        """Note that a plan is about to read the block: changes from now on make it stale."""
        self.plans.append(plan)
        # Nets come and go around a shared layer; looking at each doubling costs a constant a plan.
        # Not where it would have to wait: finalizers, which may run here, may call nets themselves.
        if len(self.plans) > self._limit and _pruning.acquire(blocking=False):
            try:
                for ref in tuple(self.plans):
                    if _is_fresh(ref()):
                        # before it leaves its place: another thread may look
                        self.plans.append(ref)
                    del self.plans[0]
                self._limit = max(4, 2 * len(self.plans))
            finally:
                _pruning.release()

    def changed(self) -> None:
        """Mark the plans that the block is part of as stale; after the change, so that new plans see it."""
        if self.plans:
            for ref in tuple(self.plans):
                plan = ref()
                if plan is not None:
                    plan.fresh = False

    def __reduce__(self) -> tuple[Any, ...]:
        return Watch, ()  # a copy is in no plan, and has a parent when it is put into one


def _is_fresh(plan: Plan | None) -> bool:
    return plan is not None and plan.fresh


class Children(OrderedDict[str, Any]):
    """A block's children by name; writing into it directly, as some books do, is noticed."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __setitem__(self, name: str, child: Any) -> None:
        watch: Watch | None = getattr(child, "_watch", None)  # None in a copy that is half made
        if watch is not None:
            if watch is self._watch or self._watch.has_parent:
                self._refuse_cycle(child)
            if watch.has_parent and self.get(name) is not child:
                watch.is_in_several = True
            watch.has_parent = True
        super().__setitem__(name, child)
        self._watch.changed()

    def keep(self, name: str, child: Any) -> None:
        """Put in a child of the same block that had another number: it stands in as many places as before."""
        super().__setitem__(name, child)

    def _refuse_cycle(self, child: Any) -> None:
        """Refuse a block that is, or contains, the one that these are the children of.

        Only what has a parent can be inside another block, so most nets are built without this search.
        """
        stack = [child]
        seen: set[int] = set()
        while stack:
            block = stack.pop()
            if block._watch is self._watch:
                message = (
                    f"expected a child that does not contain its parent, found '{child.name}' "
                    f"({type(child).__name__}), which is or contains the block that it was added to; "
                    "add another block"
                )
                raise ArgumentError(message)
            for each in block._children.values():
                if id(each) not in seen:
                    seen.add(id(each))
                    stack.append(each)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._watch.changed()

    # OrderedDict does these without a call of __setitem__ or __delitem__.

    def pop(self, *args: Any) -> Any:
        """As a dict's."""
        child = super().pop(*args)
        self._watch.changed()
        return child

    def popitem(self, last: bool = True) -> tuple[str, Any]:
        """As an OrderedDict's."""
        item = super().popitem(last)
        self._watch.changed()
        return item

    def clear(self) -> None:
        """As a dict's."""
        super().clear()
        self._watch.changed()

    def move_to_end(self, key: str, last: bool = True) -> None:
        """As an OrderedDict's."""
        super().move_to_end(key, last)
        self._watch.changed()

    def __reduce__(self) -> tuple[Any, ...]:
        return Children, (self._watch,), None, None, iter(self.items())
