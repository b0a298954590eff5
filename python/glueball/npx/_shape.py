"""Shapes by the codes of `npx.reshape`, which are not those of `nd.reshape`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import ArgumentError, ShapeError
from glueball.nd._record import finish, raw, result_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["arange_like", "infer_shape", "nonzero", "reshape"]


def infer_shape(
    source: tuple[int, ...], target: Sequence[int], reverse: bool = False
) -> tuple[int, ...]:
    """The shape that `reshape` makes of `source`; parameters as there.

    Raises
    ------
    ShapeError
        When the codes do not fit, or the numbers of elements differ.
    """
    old = list(source[::-1] if reverse else source)
    steps = _steps([int(n) for n in target], source)
    new: list[int] = []
    unknown: int | None = None
    position = 0

    def take() -> int:
        nonlocal position
        if position >= len(old):
            raise _error(source, target, "it refers to more axes than there are")
        position += 1
        return old[position - 1]

    for code, first, second in steps[::-1] if reverse else steps:
        if code >= 0:
            new.append(code)
            position += 1
        elif code == -1:
            if unknown is not None:
                raise _error(source, target, "only one axis can be -1")
            unknown = len(new)
            new.append(1)
            position += 1
        elif code == -2:
            new.append(take())
        elif code == -3:
            if (length := take()) != 1:
                raise _error(source, target, f"-3 drops an axis of length 1, not {length}")
        elif code == -4:
            new.extend(old[position:])
            position = len(old)
        elif code == -5:
            new.append(take() * take())
        elif code == -6:
            parts = _split(take(), first, second)
            if parts is None:
                raise _error(source, target, f"-6 splits an axis into {first} times {second}")
            new.extend(parts[::-1] if reverse else parts)
        else:
            raise _error(source, target, f"{code} is no code")
    size = math.prod(old)
    known = math.prod(n for i, n in enumerate(new) if i != unknown)
    if unknown is not None:
        if known == 0 or size % known:
            raise _error(source, target, "the other axes do not divide the size")
        new[unknown] = size // known
    elif known != size:
        raise _error(source, target, "the sizes differ")
    return tuple(new[::-1] if reverse else new)


def _steps(codes: list[int], source: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Each code with the two numbers that follow a split."""
    steps = []
    index = 0
    while index < len(codes):
        width = 3 if codes[index] == -6 else 1
        if index + width > len(codes):
            raise _error(source, codes, "-6 needs the two numbers after it")
        first, second = codes[index + 1 : index + 3] if width == 3 else (0, 0)
        steps.append((codes[index], first, second))
        index += width
    return steps


def _split(whole: int, first: int, second: int) -> tuple[int, int] | None:
    if first == -1 and second > 0:
        first = whole // second
    elif second == -1 and first > 0:
        second = whole // first
    return (first, second) if first * second == whole and first >= 0 else None


def _error(source: tuple[int, ...], target: Sequence[int], why: str) -> ShapeError:
    msg = (
        f"expected a shape with as many elements as {tuple(source)}, found {tuple(target)}: {why}; -1 infers an "
        "axis, -2 keeps one, -3 drops one of length 1, -4 keeps the rest, -5 merges two, -6 splits one"
    )
    return ShapeError(msg)


def reshape(a: Any, newshape: Any, reverse: bool = False, order: str = "C") -> Any:
    """The same elements under another shape; a view where memory allows.

    Parameters
    ----------
    a : ndarray
        The array.
    newshape : int or tuple of int
        Lengths, and codes: -1 is inferred, -2 keeps an axis, -3 drops an axis of length 1, -4 keeps all axes
        that remain, -5 merges two, -6 splits one into the two numbers that follow, of which one may be -1.
    reverse : bool, default False
        Read both shapes from their ends.
    order : {'C'}
        The last index runs fastest.

    Raises
    ------
    ShapeError
        When the codes do not fit, or the numbers of elements differ.
    ArgumentError
        For another order.
    """
    if order != "C":
        msg = f"expected order 'C' for reshape, found {order!r}; transpose before and after it"
        raise ArgumentError(msg)
    lengths = (newshape,) if isinstance(newshape, int) else tuple(newshape)
    shape = infer_shape(raw(a).shape, lengths, reverse)
    return a.reshape(shape)


def nonzero(a: Any) -> Any:
    """Coordinates of the elements that are not 0: int64, of shape (how many, axes)."""
    return finish(np.argwhere(raw(a)).astype(np.int64), (a,), None, "nonzero")


def arange_like(
    data: Any,
    start: float = 0.0,
    step: float = 1.0,
    repeat: int = 1,
    ctx: Any = None,
    axis: int | None = None,
) -> Any:
    """Numbers at equal distances, of the shape and dtype of an array.

    Parameters
    ----------
    data : ndarray
        The array.
    start, step : float, default 0 and 1
        The first number, and the distance.
    repeat : int, default 1
        How often each number occurs in turn.
    ctx : Context, optional
        A CPU.
    axis : int, optional
        Only as many as there are along this axis.
    """
    del ctx
    x = raw(data)
    shape = x.shape if axis is None else (x.shape[result_axis(axis, x.ndim, "arange_like")],)
    places = np.arange(math.prod(shape)) // repeat
    values = (start + step * places).astype(x.dtype).reshape(shape)
    return finish(values, (data,), None, "arange_like")
