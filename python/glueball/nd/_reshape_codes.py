"""Shapes with codes in them, as the reshape functions of `nd` and `npx` take them."""

from __future__ import annotations

import math
import operator
from itertools import islice
from typing import TYPE_CHECKING, NoReturn

from glueball.base import ShapeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["DROP", "INFER", "KEEP", "MERGE", "REST", "SPLIT", "coded_shape"]


# What a number below 1 in a shape does, as errors say it.
INFER = "infers an axis"
KEEP = "keeps one"
DROP = "drops one of length 1"
REST = "keeps the rest"
MERGE = "merges two"
SPLIT = "splits one into the two numbers after it"


def coded_shape(
    source: tuple[int, ...], target: Sequence[int], codes: Mapping[int, str], reverse: bool = False
) -> tuple[int, ...]:
    """Return the shape that `target` makes of `source`.

    Parameters
    ----------
    source : tuple of int
        The shape of the array.
    target : sequence of int
        Lengths and codes. Of the two numbers after a split, one may be -1.
    codes : mapping of int to str
        Which of the above each code is; other numbers from 0 are lengths.
    reverse : bool, default False
        Read both shapes from their ends.

    Raises
    ------
    ShapeError
        When the codes do not fit, or the numbers of elements differ.
    """
    old = list(source[::-1] if reverse else source)
    new: list[int] = []
    unknown: int | None = None
    position = 0

    def fail(why: str) -> NoReturn:
        legend = ", ".join(f"{number} {code}" for number, code in codes.items())
        msg = f"expected a shape with as many elements as {tuple(source)}, found {tuple(target)}: {why}; {legend}"
        raise ShapeError(msg)

    def take() -> int:
        nonlocal position
        if position >= len(old):
            fail("it refers to more axes than there are")
        position += 1
        return old[position - 1]

    numbers = [operator.index(n) for n in target]
    left = iter(_turned(numbers, codes) if reverse else numbers)
    for number in left:
        code = codes.get(number)
        if code is None:
            if number < 0:
                fail(f"{number} is not a code")
            new.append(number)
            position += 1
        elif code is INFER:
            if unknown is not None:
                fail("only one axis can be -1")
            unknown = len(new)
            new.append(1)
            position += 1
        elif code is KEEP:
            new.append(take())
        elif code is DROP:
            if (length := take()) != 1:
                fail(f"{number} drops an axis of length 1, not {length}")
        elif code is REST:
            new.extend(old[position:])
            position = len(old)
        elif code is MERGE:
            new.append(take() * take())
        else:
            whole, first, second = take(), next(left, None), next(left, None)
            if first is None or second is None:
                fail(f"{number} needs the two numbers after it")
            if first == -1 and second > 0:
                first = whole // second
            elif second == -1 and first > 0:
                second = whole // first
            if first < 0 or first * second != whole:
                fail(f"{number} splits an axis into {first} times {second}, not {whole}")
            new.extend((first, second))
    size = math.prod(old)
    known = math.prod(n for i, n in enumerate(new) if i != unknown)
    if unknown is not None:
        if known == 0 or size % known:
            fail("the other axes do not divide the size")
        new[unknown] = size // known
    elif known != size:
        fail("the sizes differ")
    return tuple(new[::-1] if reverse else new)


def _turned(numbers: Sequence[int], codes: Mapping[int, str]) -> list[int]:
    """Return lengths and codes from their end; the two numbers after a split stay after it, second first."""
    result: list[int] = []
    left = iter(numbers)
    for number in left:
        parts = [*islice(left, 2)] if codes.get(number) is SPLIT else []
        result[:0] = [number, *parts[::-1]]
    return result
