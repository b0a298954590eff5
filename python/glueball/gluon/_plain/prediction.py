"""Outputs of a block for many rows, a part of them at a time."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import autograd
from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon._plain.calls import is_plain
from glueball.nd import NDArray

if TYPE_CHECKING:
    from glueball.gluon.block import Block

__all__ = ["predict"]


def predict(block: Block, x: Any, batch_size: int) -> Any:
    """Return the outputs of all rows of `x`; see `Block.predict`."""
    rows = _checked(batch_size, block.name)
    if is_plain(x) and not isinstance(x, np.ndarray):
        x = np.asarray(x)
    if not isinstance(x, np.ndarray) or x.ndim == 0:
        message = (
            f"expected an array of rows for '{block.name}'.predict, found "
            f"{'a number' if isinstance(x, np.ndarray) else type(x).__name__}; pass x of shape (rows, ...)"
        )
        raise GlueballTypeError(message)
    with autograd.pause(train_mode=False):
        first = block(x[:rows])
        if len(x) <= rows:
            return first
        outs = [_room(each, len(x), rows, block.name) for each in _each(first)]
        for start in range(0, len(x), rows):
            part = first if start == 0 else block(x[start : start + rows])
            for out, each in zip(outs, _each(part), strict=True):
                out[start : start + rows] = each
    return type(first)(outs) if type(first) in (list, tuple) else outs[0]


def _checked(batch_size: Any, name: str) -> int:
    try:
        rows = operator.index(batch_size)
    except TypeError:
        rows = 0
    if rows < 1:
        message = (
            f"expected a positive integer as batch_size of '{name}'.predict, found {batch_size!r}; it is the "
            "number of rows that run at once"
        )
        raise ArgumentError(message)
    return rows


def _each(output: Any) -> list[Any]:
    return list(output) if type(output) in (list, tuple) else [output]


def _room(part: Any, total: int, rows: int, name: str) -> Any:
    """Return an array for the outputs of all rows, of the class of that of the first ones."""
    if not isinstance(part, np.ndarray) or part.ndim == 0 or len(part) != rows:
        found = f"shape {part.shape}" if isinstance(part, np.ndarray) else type(part).__name__
        message = (
            f"expected '{name}' to give one output a row, found {found} for {rows} rows; call it without "
            "predict"
        )
        raise ArgumentError(message)
    room: np.ndarray = np.empty((total, *part.shape[1:]), part.dtype)
    return room.view(type(part)) if isinstance(part, NDArray) else room
