"""Where arrays live. In glueball that is the CPU's memory; the names are here for Gluon's scripts."""

from __future__ import annotations

import operator
import threading
from typing import Any, ClassVar, Self

from glueball._scope import surface
from glueball.base import ArgumentError, OutsideScopeError

__all__ = ["Context", "cpu", "cpu_pinned", "current_context", "gpu", "num_gpus"]

_kinds = ("cpu", "gpu", "cpu_pinned", "cpu_shared")


class _Stack(threading.local):
    def __init__(self) -> None:
        self.contexts: list[Context] = []


_stack = _Stack()


class Context:
    """A device. As a context manager, the default one within its block.

    Parameters
    ----------
    device_type : str or Context
        'cpu' or 'gpu'. A gpu can be named, so that scripts which choose a device run, but not used.
    device_id : int, default 0
        Its number. All CPUs are the same memory.

    Raises
    ------
    ArgumentError
        For another kind of device.

    Examples
    --------
    >>> Context("cpu")
    cpu(0)
    """

    default_ctx: ClassVar[Context]
    """The CPU, which arrays are on unless a ``with`` block says otherwise."""

    def __init__(self, device_type: str | Context, device_id: int = 0) -> None:
        self.device_type: str
        self.device_id: int
        if isinstance(device_type, Context):
            self.device_type, self.device_id = device_type.device_type, device_type.device_id
            return
        if device_type not in _kinds:
            msg = f"expected a device type among {', '.join(_kinds)}, found {device_type!r}; use cpu()"
            raise ArgumentError(msg)
        self.device_type = device_type
        try:
            self.device_id = operator.index(device_id)
        except TypeError:
            self.device_id = -1
        if self.device_id < 0:
            msg = (
                "expected an integer of 0 or more as the number of a device, found "
                f"{device_id!r}; leave it out"
            )
            raise ArgumentError(msg)

    def __repr__(self) -> str:
        return f"{self.device_type}({self.device_id})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Context)
            and self.device_type == other.device_type
            and self.device_id == other.device_id
        )

    def __hash__(self) -> int:
        return hash((self.device_type, self.device_id))

    def __enter__(self) -> Self:
        require_cpu(self)
        _stack.contexts.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _stack.contexts.pop()

    def empty_cache(self) -> None:
        """Do nothing: memory goes back by itself."""


def cpu(device_id: int = 0) -> Context:
    """Return the CPU."""
    return Context("cpu", device_id)


def cpu_pinned(device_id: int = 0) -> Context:
    """Return the CPU: there is no other device that memory could be pinned for."""
    return Context("cpu_pinned", device_id)


def gpu(device_id: int = 0) -> Context:
    """Return a GPU, which can be named but not used: see `num_gpus`."""
    return Context("gpu", device_id)


def num_gpus() -> int:
    """How many GPUs glueball computes on: none."""
    return 0


def current_context() -> Context:
    """Return the default context of this thread."""
    return _stack.contexts[-1] if _stack.contexts else Context("cpu")


def require_cpu(ctx: Any) -> Any:
    """Return `ctx`, or the contexts in a list, when all are CPUs; refuse GPUs, and anything else."""
    for one in ctx if isinstance(ctx, list | tuple) else (ctx,):
        if one is None:
            continue
        if not isinstance(one, Context):
            msg = f"expected a context such as cpu(), found {one!r} of type {type(one).__name__}; pass cpu()"
            raise ArgumentError(msg)
        if one.device_type == "gpu":
            msg = (
                f"expected the context cpu(), found {one}; glueball runs dense nets on CPUs and "
                f"has no code for GPUs: use cpu(), or choose with 'gpu() if num_gpus() else cpu()'"
            )
            raise OutsideScopeError(msg)
    return ctx


Context.default_ctx = Context("cpu")


__getattr__, __dir__ = surface(__name__)
