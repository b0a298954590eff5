"""Blocks one behind the other."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from glueball.gluon import _structure
from glueball.gluon._plan import current_plan
from glueball.gluon.block import Block, HybridBlock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueball.gluon.parameter import ParameterDict

__all__ = ["HybridSequential", "Sequential"]

_epoch = _structure.epoch


class _Chain(Block):
    """What Sequential and HybridSequential have in common."""

    _is_chain = True

    def __init__(
        self, *blocks: Block, prefix: str | None = None, params: ParameterDict | None = None
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        self.add(*blocks)

    def add(self, *blocks: Block) -> None:
        """Put blocks at the end.

        Raises
        ------
        TypeError
            If one is no Block; those before it have been added then.
        """
        for block in blocks:
            self.register_child(block)

    def __call__(self, *args: Any) -> Any:
        """Run the children, one behind the other; all in one native call if they allow it."""
        plan = self._plan
        if plan is None or plan.epoch != _epoch.number:
            plan = current_plan(self)
        run = plan.chain
        if run is not None and len(args) == 1:
            return run(args[0])
        return super().__call__(*args)

    def forward(self, x: Any, *args: Any) -> Any:
        """Return the last child's output; x itself if there are no children."""
        if args:
            message = f"expected one input of '{self.name}', found {1 + len(args)}; pass x alone"
            raise TypeError(message)
        return current_plan(self).run(x)

    def __len__(self) -> int:
        return len(self._children)

    def __iter__(self) -> Iterator[Block]:
        return iter(self._children.values())

    def __getitem__(self, key: Any) -> Any:
        """Return a child, or for a slice a new block of this class with those children.

        Raises
        ------
        IndexError
            If there is no such child.
        TypeError
            If `key` is neither an integer nor a slice.
        """
        children = list(self._children.values())[key]
        if not isinstance(key, slice):
            return children
        part = type(self)(prefix=self.prefix)
        part.add(*children)
        return part

    def __repr__(self) -> str:
        # Iterative in depth would be clumsy; nets are printed when they can be read.
        lines = [
            f"  ({key}): {child!r}".replace("\n", "\n  ") for key, child in self._children.items()
        ]
        return "{}(\n{}\n)".format(type(self).__name__, "\n".join(lines))


class Sequential(_Chain):
    """Blocks one behind the other.

    Parameters
    ----------
    *blocks : Block
        As `add` takes them.
    prefix : str, optional
        As for `Block`.
    params : ParameterDict, optional
        As for `Block`.

    Examples
    --------
    >>> from glueball.gluon import nn
    >>> net = nn.Sequential()
    >>> net.add(nn.Dense(256, activation="relu", in_units=20), nn.Dense(10, in_units=256))
    >>> net
    Sequential(
      (0): Dense(20 -> 256, Activation(relu))
      (1): Dense(256 -> 10, linear)
    )
    """

    def hybridize(self, active: bool = True, **flags: Any) -> None:
        """Pass the request to the children; results are the same."""
        if len(self) > 0 and all(isinstance(child, HybridBlock) for child in self):
            warnings.warn(
                f"All children of this Sequential layer '{self.prefix}' are HybridBlocks. Consider "
                "using HybridSequential for the best performance.",
                stacklevel=2,
            )
        super().hybridize(active, **flags)


class HybridSequential(_Chain, HybridBlock):
    """As `Sequential`, of HybridBlocks only."""

    def forward(self, x: Any, *args: Any) -> Any:
        """Return the last child's output; x itself if there are no children."""
        if self._runs_hybrid_forward:
            return HybridBlock.forward(self, x, *args)
        return super().forward(x, *args)

    def hybrid_forward(self, F: Any, x: Any, *args: Any, **params: Any) -> Any:
        """Return the last child's output, for subclasses that call ``super().hybrid_forward``."""
        return current_plan(self).run(x)


Sequential._native_class = Sequential
HybridSequential._native_class = HybridSequential
