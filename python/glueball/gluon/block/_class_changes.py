"""How plans learn that a class has changed: ``nn.Dense.forward = f``, or `unittest.mock.patch`.

A plan is made of what classes say of themselves. Blocks have a metaclass that sees their classes change, so that
no call has to look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from weakref import ref

from glueball._calls import constructors, wrong_call
from glueball.base import MXNetError

if TYPE_CHECKING:
    from abc import ABCMeta as ProtocolType

    from glueball.gluon.block._plan import Plan
else:
    ProtocolType = type(Protocol)

__all__ = ["BlockType", "note_plan"]

# What decides how an instance is run. Other attributes of classes may change at each call: counters.
_DECISIVE = frozenset({"forward", "hybrid_forward", "__call__", "_pieces", "__bases__"})
# Every plan, by its id.
_plans: dict[int, ref[Plan]] = {}


def note_plan(plan: Plan) -> None:
    """Mark the plan as stale when a class changes; before it reads any."""
    key = id(plan)
    _plans[key] = ref(plan, lambda _: _plans.pop(key, None))


class BlockType(ProtocolType):
    """The class of block classes. Protocol's is its base: a net may be an `abc.ABC` or a protocol too."""

    # Not those of abstract classes, which ask registries that blocks do not use: they are slower.
    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__
    _native_class: Any

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **settings: Any
    ) -> Any:
        # Abstract only below what is: abstract methods are searched for in all that a class has.
        is_abstract = any(hasattr(base, "_abc_impl") for base in bases)
        make = super().__new__ if is_abstract else type.__new__
        return make(cls, name, bases, namespace, **settings)

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        try:
            return super().__call__(*arguments, **keywords)
        except TypeError as error:
            if isinstance(error, MXNetError):
                raise
            wrong = wrong_call(cls.__name__, constructors(cls), error)
            if wrong is None:
                raise
            raise wrong from None

    @property
    def __signature__(cls) -> Any:
        import inspect  # here, because few ask

        constructor: Any = cls.__init__  # type: ignore[misc]
        return inspect.signature(constructor.__get__(cls))

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        cls._class_changed(name)

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        cls._class_changed(name)

    def _class_changed(cls, name: str) -> None:
        if name in _DECISIVE:
            stack: list[Any] = [cls]
            while stack:
                each = stack.pop()
                each._read_methods()
                stack.extend(type.__subclasses__(each))
            for plan in (each() for each in tuple(_plans.values())):
                if plan is not None:
                    plan.fresh = False

    def _sees_changes(cls) -> bool:
        """Whether no class of another metaclass stands before the native one, and could get a `forward`."""
        native = cls._native_class
        if cls is native:
            return True
        classes = cls.__mro__
        return all(isinstance(each, BlockType) for each in classes[: classes.index(native)])
