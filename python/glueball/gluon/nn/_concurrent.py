"""Blocks side by side."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from glueball import nd
from glueball.base import ArgumentError, GlueballTypeError, ShapeError
from glueball.gluon import _plain
from glueball.gluon._checks import check_alone
from glueball.gluon._declaration import LayerDeclaration
from glueball.gluon.block import HybridBlock
from glueball.gluon.nn._sequential import HybridSequential, Sequential, _Chain
from glueball.nd._record import result_axis

if TYPE_CHECKING:
    from glueball.gluon.parameter import ParameterDict

__all__ = ["Concurrent", "HybridConcurrent"]


class _SideBySide(_Chain):
    """What Concurrent and HybridConcurrent have in common."""

    _is_chain = False

    def __init__(
        self, axis: int = -1, prefix: str | None = None, params: ParameterDict | None = None
    ) -> None:
        try:
            axis = operator.index(axis)
        except TypeError:
            message = f"expected an int as axis of Concurrent, found {axis!r}; add blocks with add(*blocks)"
            raise GlueballTypeError(message) from None
        super().__init__(prefix=prefix, params=params)
        self.axis = axis

    def forward(self, x: Any, *args: Any) -> Any:
        """Return the children's outputs, joined."""
        if isinstance(self, HybridBlock) and self._runs_hybrid_forward:
            return HybridBlock.forward(self, x, *args)
        check_alone(args, self.name)
        if not isinstance(x, nd.NDArray) and _plain.calls.is_plain(x):
            return _plain.calls.call_plain(self, x)
        return self._join(x)

    def __getitem__(self, key: Any) -> Any:
        """Return a child, or for a slice a new block of this class with those children."""
        part = super().__getitem__(key)
        if isinstance(key, slice):
            part.axis = self.axis
        return part

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
        If `axis` is not an integer.

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

    _declaration = LayerDeclaration()


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
        If `axis` is not an integer.
    """

    _declaration = LayerDeclaration()

    def hybrid_forward(self, F: Any, x: Any, *args: Any, **params: Any) -> Any:
        """Return the children's outputs, joined, for subclasses that call ``super().hybrid_forward``."""
        return self._join(x)
