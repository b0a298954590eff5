"""Blocks one after the other."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

from glueball.base import GlueballIndexError, GlueballTypeError
from glueball.gluon import _places
from glueball.gluon._checks import check_alone
from glueball.gluon._declaration import LayerDeclaration
from glueball.gluon.block import Block, HybridBlock
from glueball.gluon.block._plan import current_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from glueball.gluon.parameter import ParameterDict

__all__ = ["HybridSequential", "Sequential"]

_NOTHING = object()  # for a call without an input, which forward refuses


class _Chain(Block):
    """What Sequential and HybridSequential have in common."""

    _is_chain = True

    def __init__(
        self,
        *blocks: Block | Iterable[Block] | Mapping[str, Block],
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        only: Any = blocks[0] if len(blocks) == 1 else None
        if isinstance(only, dict):
            for name, block in only.items():
                self.add_module(name, block)
        else:
            self.add(*(only if isinstance(only, list | tuple) else blocks))

    def add(self, *blocks: Block) -> None:
        """Put blocks at the end.

        Raises
        ------
        TypeError
            If one is not a Block; those before it have been added then.
        """
        for block in blocks:
            self.register_child(block)

    def append(self, block: Block) -> Self:
        """Put a block at the end, and return this one: PyTorch's and Paddle's word, as `add`."""
        self.add(block)
        return self

    def extend(self, blocks: Iterable[Block]) -> Self:
        """Put blocks at the end, and return this one: PyTorch's word, as ``add(*blocks)``."""
        self.add(*blocks)
        return self

    def insert(self, index: int, block: Block) -> Self:
        """Put a block before the child of a number, as in a list, and return this one; later children move on.

        Raises
        ------
        TypeError
            If it is not a Block, or `index` not an integer.
        """
        try:
            place = slice(index, None).indices(len(self))[0]
        except TypeError:
            message = (
                f"expected the number of a child of '{self.name}', found {index!r}; pass an int"
            )
            raise GlueballTypeError(message) from None
        _places.surgery.insert(self, place, [block])
        return self

    def pop(self, index: int = -1) -> Block:
        """Take out the child of a number, and return it; later children move up.

        Raises
        ------
        IndexError
            If there is none.
        """
        return _places.surgery.remove(self, index)[0]

    # The usual input has a place of its own: a tuple of one takes a thirtieth of a small net's time.
    def __call__(self, x: Any = _NOTHING, /, *args: Any, out: Any = None) -> Any:
        """Run the children, one after the other; all in one native call if they allow it."""
        plan = self._plan
        if plan is None or not plan.fresh:
            plan = current_plan(self)
        run = plan.chain
        if run is not None and not args and x is not _NOTHING:
            return run(x) if out is None else run(x, out=out)
        inputs = () if x is _NOTHING else (x, *args)
        # Others' __call__ of a base may know no out.
        return super().__call__(*inputs) if out is None else super().__call__(*inputs, out=out)

    def forward(self, x: Any, *args: Any) -> Any:
        """Return the last child's output; x itself if there are no children."""
        check_alone(args, self.name)
        return current_plan(self).run(x)

    def __len__(self) -> int:
        return len(self._children)

    def __iter__(self) -> Iterator[Block]:
        return iter(self._children.values())

    def __getitem__(self, key: Any) -> Any:
        """Return a child, or for a slice a new block of this class with those children, or what is at a path.

        Children that have names keep them in a slice, and so share parameters with the whole.

        Raises
        ------
        IndexError
            If there is no such child.
        KeyError
            If there is no such path.
        TypeError
            If `key` is neither an integer, nor a slice, nor a str.
        """
        if isinstance(key, str):
            return super().__getitem__(key)
        children = list(self._children.values())
        try:
            child = children[key]
        except IndexError:
            message = (
                f"expected a number from {-len(children)} to {len(children) - 1} for a child of '{self.name}', "
                f"found {key}; it has {len(children)} children"
            )
            raise GlueballIndexError(message) from None
        except TypeError:
            message = (
                f"expected the number of a child of '{self.name}', a slice, or a path, found {key!r}; names "
                "are those of named_children()"
            )
            raise GlueballTypeError(message) from None
        if not isinstance(key, slice):
            return child
        part = type(self)(prefix=self.prefix)
        for name, each in list(self._children.items())[key]:
            part.register_child(each, None if name.isdecimal() else name)
        return part

    def __setitem__(self, key: int, block: Block) -> None:
        """Put a block in place of the child of a number: ``net[-1] = nn.Dense(3)``.

        A Trainer that was made before goes on with the old parameters: make it after.

        Raises
        ------
        IndexError
            If there is no such child.
        TypeError
            If it is not a Block.
        """
        number = _places.surgery.number_of(self, key)
        _places.surgery.put(self, list(self._children)[number], block)

    def __delitem__(self, key: int | slice) -> None:
        """Take out the child of a number, or those of a slice; later children move up.

        Raises
        ------
        IndexError
            If there is none.
        """
        _places.surgery.remove(self, key)

    def __repr__(self) -> str:
        # Iterative in depth would be clumsy; nets are printed when they can be read.
        lines = [
            f"  ({key}): {child!r}".replace("\n", "\n  ") for key, child in self._children.items()
        ]
        return "{}(\n{}\n)".format(type(self).__name__, "\n".join(lines))


class Sequential(_Chain):
    """Blocks one after the other.

    Parameters
    ----------
    *blocks : Block
        As `add` takes them; or one list of them, or one dict, as PyTorch's, of names and blocks.
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

    _declaration = LayerDeclaration("Sequential")

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

    _declaration = LayerDeclaration("HybridSequential")

    def forward(self, x: Any, *args: Any) -> Any:
        """Return the last child's output; x itself if there are no children."""
        if self._runs_hybrid_forward:
            return HybridBlock.forward(self, x, *args)
        return super().forward(x, *args)

    def hybrid_forward(self, F: Any, x: Any, *args: Any, **params: Any) -> Any:
        """Return the last child's output, for subclasses that call ``super().hybrid_forward``."""
        return current_plan(self).run(x)
