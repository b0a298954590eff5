"""Blocks side by side, and the block that does nothing."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from glueball import _core, nd
from glueball.base import ArgumentError, GlueballTypeError, ShapeError
from glueball.gluon._arrays import check_input
from glueball.gluon.block import Block, HybridBlock
from glueball.gluon.nn._native import NativeLayer
from glueball.gluon.nn.sequential import HybridSequential, Sequential
from glueball.nd._record import result_axis

if TYPE_CHECKING:
    from glueball.gluon.parameter import ParameterDict

__all__ = ["Concurrent", "HybridConcurrent", "Identity"]


class Identity(NativeLayer):
    """Return the input itself: with `Concurrent`, what a shortcut is made of."""

    def forward(self, x: Any, *args: Any) -> Any:
        """Return `x`."""
        if not self._runs_hybrid_forward and not args:
            check_input(x, self.name)
            return x
        return super().forward(x, *args)

    def hybrid_forward(self, F: Any, x: Any, *args: Any, **params: Any) -> Any:
        """Return `x`."""
        return x

    def _pieces(self) -> list[_core.Layer | Block]:
        return []


class _SideBySide(Block):
    """What Concurrent and HybridConcurrent have in common."""

    _is_chain = False
    axis: int

    def _join(self, x: Any) -> Any:
        if not self._children:
            message = (
                f"expected children in '{self.name}' ({type(self).__name__}), found none; add some "
                "with add(*blocks)"
            )
            raise ArgumentError(message)
        outputs = [child(x) for child in self._children.values()]
        return nd.concat(*outputs, dim=self.axis)

    def _infer_steps(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        shapes = [child._infer_output(shape) for child in self._children.values()]
        if not shapes:
            self._cannot_infer()
        axis = result_axis(self.axis, len(shapes[0]), self.name)
        rests = {(*each[:axis], *each[axis + 1 :]) for each in shapes}
        if len(rests) > 1:
            message = (
                f"expected outputs of '{self.name}' that are equal in shape but for axis {self.axis}, "
                f"found {', '.join(map(str, shapes))}; change the children"
            )
            raise ShapeError(message)
        lengths = [each[axis] for each in shapes]
        joined = -1 if -1 in lengths else sum(lengths)
        return (*shapes[0][:axis], joined, *shapes[0][axis + 1 :])


class Concurrent(_SideBySide, Sequential):
    """Give one input to all children and join their outputs along an axis.

    Parameters
    ----------
    axis : int, default -1
        The axis.
    prefix, params
        As for `Block`.

    Raises
    ------
    TypeError
        If `axis` is no integer.

    Examples
    --------
    >>> from glueball import nd
    >>> from glueball.gluon import nn
    >>> net = nn.Concurrent()
    >>> net.add(nn.Dense(4), nn.Identity())
    >>> net.initialize()
    >>> net(nd.ones((2, 3))).shape
    (2, 7)
    """

    def __init__(
        self, axis: int = -1, prefix: str | None = None, params: ParameterDict | None = None
    ) -> None:
        axis = _check_axis(axis)
        super().__init__(prefix=prefix, params=params)
        self.axis = axis

    def forward(self, x: Any, *args: Any) -> Any:
        """Return the children's outputs, joined."""
        _refuse_more(self, args)
        return self._join(x)

    def __getitem__(self, key: Any) -> Any:
        """Return a child, or for a slice a new block of this class with those children."""
        return _with_axis(super().__getitem__(key), key, self.axis)


class HybridConcurrent(_SideBySide, HybridSequential):
    """As `Concurrent`, of HybridBlocks only.

    Parameters
    ----------
    axis : int, default -1
        The axis.
    prefix, params
        As for `Block`.

    Raises
    ------
    TypeError
        If `axis` is no integer.
    """

    def __init__(
        self, axis: int = -1, prefix: str | None = None, params: ParameterDict | None = None
    ) -> None:
        axis = _check_axis(axis)
        super().__init__(prefix=prefix, params=params)
        self.axis = axis

    def forward(self, x: Any, *args: Any) -> Any:
        """Return the children's outputs, joined."""
        if self._runs_hybrid_forward:
            return HybridBlock.forward(self, x, *args)
        _refuse_more(self, args)
        return self._join(x)

    def hybrid_forward(self, F: Any, x: Any, *args: Any, **params: Any) -> Any:
        """Return the children's outputs, joined, for subclasses that call ``super().hybrid_forward``."""
        return self._join(x)

    def __getitem__(self, key: Any) -> Any:
        """Return a child, or for a slice a new block of this class with those children."""
        return _with_axis(super().__getitem__(key), key, self.axis)


def _check_axis(axis: Any) -> int:
    try:
        return operator.index(axis)
    except TypeError:
        message = (
            f"expected an int as axis of Concurrent, found {axis!r}; add blocks with add(*blocks)"
        )
        raise GlueballTypeError(message) from None


def _refuse_more(block: Block, args: tuple[Any, ...]) -> None:
    if args:
        message = f"expected one input of '{block.name}', found {1 + len(args)}; pass x alone"
        raise TypeError(message)


def _with_axis(part: Any, key: Any, axis: int) -> Any:
    if isinstance(key, slice):
        part.axis = axis
    return part


Identity._native_class = Identity
Concurrent._native_class = Concurrent
HybridConcurrent._native_class = HybridConcurrent
# They were compared with the class above, whose hybrid_forward is another.
Identity._runs_hybrid_forward = False
HybridConcurrent._runs_hybrid_forward = False
