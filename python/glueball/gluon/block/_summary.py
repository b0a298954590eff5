"""The table that `Block.summary` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import ArgumentError

if TYPE_CHECKING:
    from glueball.gluon.block import Block

__all__ = ["print_summary"]

_WIDTH = 80
_ROW = "{:>20}  {:>42} {:>15}"


def print_summary(net: Block, inputs: tuple[Any, ...]) -> None:
    """Run `net` once and print a row for each block that ran, in the order in which they ended."""
    hybridized = [block.name for block in _blocks(net) if block.__dict__.get("_active")]
    if hybridized:
        message = f'"{hybridized[0]}" must not be hybridized to print summary.'
        raise ArgumentError(message)
    # A deferred net would otherwise run its first forward with hooks in the middle of it.
    net(*inputs)

    rows: list[tuple[str, str, int]] = [("Input", _shapes(inputs), 0)]
    counts = {"total": 0, "trainable": 0, "shared": 0}
    seen: set[int] = set()

    def note(block: Block, _: Any, output: Any) -> None:
        size = 0
        for _path, parameter in block._own_parameters(""):
            elements = int(np.prod(parameter._lengths or (0,)))
            size += elements
            counts["total"] += elements
            counts["trainable"] += elements if parameter.grad_req != "null" else 0
            counts["shared"] += elements if id(parameter) in seen else 0
            seen.add(id(parameter))
        rows.append((f"{type(block).__name__}-{len(rows)}", _shapes(output), size))

    handles = [block.register_forward_hook(note) for block in _blocks(net) if not block._is_chain]
    try:
        net(*inputs)
    finally:
        for handle in handles:
            handle.detach()

    lines = ["-" * _WIDTH, _ROW.format("Layer (type)", "Output Shape", "Param #"), "=" * _WIDTH]
    lines += [_ROW.format(*row) for row in rows]
    lines += [
        "=" * _WIDTH,
        "Parameters in forward computation graph, duplicate included",
        f"   Total params: {counts['total']}",
        f"   Trainable params: {counts['trainable']}",
        f"   Non-trainable params: {counts['total'] - counts['trainable']}",
        f"Shared params in forward computation graph: {counts['shared']}",
        f"Unique parameters in model: {counts['total'] - counts['shared']}",
        "-" * _WIDTH,
    ]
    print("\n".join(lines))  # noqa: T201 - what the method is for


def _blocks(net: Block) -> list[Block]:
    """Return every block of the net once."""
    found: dict[int, Block] = {}
    stack = [net]
    while stack:
        block = stack.pop()
        if id(block) not in found:
            found[id(block)] = block
            stack.extend(block._children.values())
    return list(found.values())


def _shapes(value: Any) -> str:
    """Return the shapes of a block's inputs, or of what it gave; those of a list in it in brackets."""
    if not isinstance(value, tuple | list):
        shape = getattr(value, "shape", None)
        return type(value).__name__ if shape is None else str(tuple(shape))
    return ", ".join(
        f"[{_shapes(each)}]" if isinstance(each, tuple | list) else _shapes(each) for each in value
    )
