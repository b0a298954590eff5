"""What one run of a net computes, layer by layer: arrays that are in the graph, by path."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.gluon.nn._activation import NativeActivation
from glueball.nd._record import is_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueball.gluon import Block, Parameter

__all__ = ["Call", "blocks_by_path", "flat", "watching"]

# How the tape calls functions whose units can be dead or saturated.
_FUNCTIONS = ("relu", "sigmoid", "softsign", "tanh")


@dataclass(slots=True)
class Call:
    """One call of one layer.

    Attributes
    ----------
    path : str
        Structural path of the block, as in names of parameters: ``encoder.1``.
    block : Block
        The layer, or the block that computed something beside its layers.
    function : str or None
        The activation function that its output went through.
    before : NDArray or None
        What went into that function; None where it is not seen.
    output : NDArray
        What came out.
    """

    path: str
    block: Block
    function: str | None
    before: Any
    output: Any

    @property
    def place(self) -> Any:
        """The array whose gradient says how the layer learns: before the activation, where that is seen."""
        return self.output if self.before is None else self.before

    @property
    def weights(self) -> list[Parameter]:
        """The block's own parameters with two axes or more, but tables of an Embedding."""
        declaration = self.block._declaration
        if declaration is not None and declaration.takes_indices:
            return []
        return [p for _, p in self.block._own_parameters("") if len(p.shape or ()) > 1]


def flat(value: Any) -> list[Any]:
    """Return the arrays in what a block takes or gives: one, or nested lists of them."""
    if isinstance(value, list | tuple):
        return [each for part in value for each in flat(part)]
    return [value] if is_array(value) else []


def blocks_by_path(net: Block) -> list[tuple[Block, list[str]]]:
    """Return each block once, with all its paths: a shared one has several."""
    found: dict[int, tuple[Block, list[str]]] = {}
    for prefix, block in net._walk_blocks():
        found.setdefault(id(block), (block, []))[1].append(prefix.removesuffix("."))
    return list(found.values())


@contextmanager
def watching(net: Block) -> Iterator[list[Call]]:
    """Note the calls of layers that this thread makes, in the order in which they end."""
    calls: list[Call] = []
    seen: set[int] = set()  # ids of arrays that calls hold
    thread = threading.get_ident()
    handles = []
    for block, paths in blocks_by_path(net):
        if not block._is_chain:
            counts = {"calls": 0}
            handles.append(block.register_forward_hook(_noting(calls, seen, paths, counts, thread)))
    try:
        yield calls
    finally:
        for handle in handles:
            handle.detach()


def _noting(
    calls: list[Call], seen: set[int], paths: list[str], counts: dict[str, int], thread: int
) -> Any:
    def note(block: Block, inputs: Any, output: Any) -> None:
        if threading.get_ident() != thread:
            return
        number = counts["calls"]
        counts["calls"] += 1
        path = paths[min(number, len(paths) - 1)]
        if number >= len(paths):
            path += f" (call {number + 1})" if path else f"call {number + 1}"
        arrays = [each for each in flat(output) if np.asarray(each).dtype.kind == "f"]
        last = calls[-1] if calls else None
        if (
            last is not None
            and block._reg_params
            and isinstance(last.block, NativeActivation)
            and [id(each) for each in arrays] == [id(last.output)]
        ):
            last.path, last.block = path, block  # an activation that a layer runs is one with it
        for i, each in enumerate(arrays):
            if id(each) not in seen:  # else a child has given it
                part = path if len(arrays) == 1 else f"{path}[{i}]"
                calls.append(Call(part, block, *_function(block, inputs, each), each))
                seen.add(id(each))

    return note


def _function(block: Block, inputs: Any, output: Any) -> tuple[str | None, Any]:
    """Return the activation function that gave `output`, and what went into it if that is known."""
    if isinstance(block, NativeActivation) and block._is_native():
        return block.function()[0], inputs[0]
    name = getattr(getattr(output, "_node", None), "name", None)
    return (name if block._native_class is None and name in _FUNCTIONS else None), None
