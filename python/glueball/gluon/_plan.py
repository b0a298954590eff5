"""How a block runs: runs of native layers become single calls into C++.

A plan is made at the first call and kept until the net's structure changes. A Python block among the
children just splits the chain.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from glueball import _core
from glueball.gluon import _structure
from glueball.gluon._arrays import array_type, check_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glueball.gluon.block import Block
    from glueball.nd import NDArray

__all__ = ["Chain", "IndexChain", "Plan"]


class Chain:
    """Native layers one behind the other: one call forward, one call backward."""

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
        self.run: Callable[[Any], Any] = _core.Chain(
            self._native, name, self._check, self._from_functions, trains
        )

    def __call__(self, x: NDArray) -> NDArray:
        """Run the layers on `x`."""
        output: NDArray = self.run(x)
        return output

    def _check(self, x: Any) -> None:
        if type(x) is not array_type():
            check_input(x, self._name)

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
    """A chain that begins with an Embedding: whole numbers of any dtype go in."""

    __slots__ = ()

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self.run = functools.partial(_run_indices, self.run)


def _run_indices(run: Callable[[Any], NDArray], x: Any) -> NDArray:
    """Run a chain on indices, as float64 if they are integers: it holds them exactly."""
    if isinstance(x, array_type()) and x.dtype.kind in "biu":
        x = x.astype("float64")
    return run(x)


class Plan:
    """The steps of one block's forward: chains, and the Python blocks between them.

    Attributes
    ----------
    epoch : int
        State of all nets' structure when the plan was made.
    steps : list of callable
        Each takes the value of the one before.
    chain : callable or None
        Runs the only step, when the whole block is native.
    """

    __slots__ = ("chain", "epoch", "steps")

    def __init__(self, block: Block) -> None:
        self.epoch = _structure.epoch.number
        self.steps = list(_steps(block))
        only = self.steps[0] if len(self.steps) == 1 else None
        runs_only_steps = block._is_native() and not block._has_hooks()
        self.chain = only.run if isinstance(only, Chain) and runs_only_steps else None

    def run(self, x: Any) -> Any:
        """Run all steps."""
        for step in self.steps:
            x = step(x)
        return x


def current_plan(block: Block) -> Plan:
    """Return the block's plan, made anew if its net has changed."""
    plan: Plan | None = block._plan
    if plan is None or plan.epoch != _structure.epoch.number:
        plan = Plan(block)
        block._plan = plan
    return plan


def _steps(block: Block) -> Iterator[Callable[[Any], Any]]:
    layers: list[_core.Layer] = []
    blocks: list[Block] = []
    trains = False
    for leaf in _leaves(block):
        pieces = leaf._pieces() if leaf is block or leaf._is_plain() else [leaf]
        for piece in pieces:
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


def _chain(name: str, layers: list[_core.Layer], blocks: list[Block], trains: bool) -> Chain:
    kind = IndexChain if isinstance(layers[0], _core.Embedding) else Chain
    return kind(name, layers, blocks, trains)


def _leaves(block: Block) -> Iterator[Block]:
    """Yield what runs, in order: chains of children opened up, everything else as it is.

    Iterative, because nets may nest deeper than Python recurses.
    """
    stack: list[Block] = [block]
    while stack:
        each = stack.pop()
        each.__dict__["_planned"] = True
        if each._is_chain and (each is block or each._is_plain()):
            stack.extend(reversed(each._children.values()))
        else:
            yield each
