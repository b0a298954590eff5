"""How a block runs: runs of native layers become single calls into C++.

A plan is made at the first call and kept until the net's structure changes. A Python block among the
children just splits the chain.
"""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any

from glueball import _core
from glueball.gluon import _plain
from glueball.gluon._checks import array_type, check_input
from glueball.gluon.block._class_changes import note_plan
from glueball.nd import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glueball.gluon.block import Block

__all__ = ["Chain", "IndexChain", "Plan"]


class Chain:
    """Native layers, one after the other: one call forward, one call backward."""

    __slots__ = ("_blocks", "_name", "_native", "run")

    def __init__(
        self, name: str, layers: list[_core.Layer], blocks: list[Block], trains: bool
    ) -> None:
        self._name = name
        self._blocks = blocks
        self._native = _core.Sequential(name)
        for layer in layers:
            self._native.add(layer)
        # Runs the layers on an array, and records the run if autograd is recording.
        self.run: Callable[..., Any] = _core.Chain(
            self._native, name, self._check, self._from_functions, trains
        )

    def __call__(self, x: NDArray) -> NDArray:
        """Run the layers on `x`."""
        output: NDArray = self.run(x)
        return output

    # Whether inputs become the dtype of the parameters: not indices, which that may not hold.
    _converts = True

    def _check(self, x: Any) -> Any:
        """Refuse what cannot be run on; return a plain array in place of what is not an NDArray."""
        if type(x) is array_type():
            return None
        if isinstance(x, NDArray) or not _plain.calls.is_plain(x):
            return check_input(x, self._name)
        parameters = (each for block in self._blocks for each in block._reg_params.values())
        dtype = _plain.calls.dtype_of(parameters) if self._converts else None
        return _plain.calls.plain_input(x, dtype, self._name)

    def _from_functions(self, x: NDArray, training: bool, masks: list[Any]) -> NDArray:
        """Compute the output from array functions, for second derivatives.

        `masks` has what each layer multiplied by, where it drew that at random.
        """
        with _core.RecordingScope(None, training):
            for block, mask in zip(self._blocks, masks, strict=True):
                x = block._from_functions(x) if mask is None else x * mask
        return x

    def infer_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Fill in parameters' unknown axes (-1: unknown batch), and return the output's shape."""
        output: tuple[int, ...] = self._native.infer_shape(shape)
        return output


class IndexChain(Chain):
    """A chain that begins with an Embedding: integers of any dtype go in."""

    __slots__ = ()
    _converts = False

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self.run = functools.partial(_run_indices, self.run)


def _run_indices(run: Callable[..., NDArray], x: Any, out: Any = None) -> NDArray:
    """Run a chain on indices, as float64 if they are integers: it holds them exactly."""
    if isinstance(x, array_type()) and x.dtype.kind in "biu":
        x = x.astype("float64")
    return run(x, out=out)


class Plan:
    """The steps of one block's forward: chains, and the Python blocks between them.

    Attributes
    ----------
    fresh : bool
        Whether no block that the plan was made of has changed since.
    steps : list of callable
        Each takes the value of the one before.
    chain : callable or None
        Runs the only step, when the whole block is native.
    """

    __slots__ = ("__weakref__", "chain", "fresh", "steps")

    def __init__(self, block: Block) -> None:
        self.fresh = True
        note_plan(self)
        self.steps = list(self._steps(block))
        only = self.steps[0] if len(self.steps) == 1 else None
        runs_only_steps = (
            block._is_native() and not block._has_hooks() and type(block)._sees_changes()
        )
        self.chain = only.run if isinstance(only, Chain) and runs_only_steps else None

    def run(self, x: Any) -> Any:
        """Run all steps."""
        for step in self.steps:
            x = step(x)
        return x

    def _steps(self, block: Block) -> Iterator[Callable[[Any], Any]]:
        layers: list[_core.Layer] = []
        blocks: list[Block] = []
        trains = False
        for leaf in self._leaves(block):
            for piece in leaf._pieces() if leaf is block or leaf._is_plain() else [leaf]:
                if isinstance(piece, _core.Layer):
                    layers.append(piece)
                    blocks.append(leaf)
                    trains = trains or bool(leaf._reg_params)
                    continue
                if layers:
                    yield _chain(block.name, layers, blocks, trains)
                    layers, blocks, trains = [], [], False
                yield piece
        if layers:
            yield _chain(block.name, layers, blocks, trains)

    def _leaves(self, block: Block) -> Iterator[Block]:
        """Yield what runs, in order: chains of children opened up, everything else as it is.

        Iterative, because nets may nest deeper than Python recurses. Each block notes the plan before it
        is read, so that no change by another thread is lost.
        """
        this = weakref.ref(self)
        stack: list[Block] = [block]
        while stack:
            each = stack.pop()
            each._watch.note(this)
            if each._is_chain and (each is block or each._is_plain()):
                stack.extend(reversed(each._children.values()))
            else:
                for child in each._children.values():  # a Dense's activation, which its layer runs
                    child._watch.note(this)
                yield each


def current_plan(block: Block) -> Plan:
    """Return the block's plan, a new one if its net has changed."""
    plan: Plan | None = block._plan
    if plan is None or not plan.fresh:
        plan = block.__dict__["_plan"] = Plan(block)
    return plan


def _chain(name: str, layers: list[_core.Layer], blocks: list[Block], trains: bool) -> Chain:
    declaration = blocks[0]._declaration
    takes_indices = declaration is not None and declaration.takes_indices
    return (IndexChain if takes_indices else Chain)(name, layers, blocks, trains)
