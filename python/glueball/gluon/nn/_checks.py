"""Checks of the numbers that layers are made with."""

from __future__ import annotations

import math
import operator
from typing import Any

from glueball.base import ArgumentError, GlueballTypeError

__all__ = ["check_count", "check_number"]


def check_count(what: str, value: Any, least: int) -> int:
    """Return a number of units or channels.

    Raises
    ------
    TypeError
        If it is no integer.
    ValueError
        If it is less than `least`.
    """
    try:
        count = operator.index(value)
    except TypeError:
        message = f"expected an integer as {what}, found {value!r}; pass an int"
        raise GlueballTypeError(message) from None
    if count < least:
        message = f"expected {what} to be {least} or more, found {count}; correct it"
        raise ArgumentError(message)
    return count


def check_number(what: str, value: Any, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a finite number.

    Raises
    ------
    TypeError
        If it is no number.
    ValueError
        If it is not finite, or not from `least` to `most`.
    """
    try:
        number = float(value) if not isinstance(value, str) else None
    except (TypeError, ValueError):
        number = None
    if number is None:
        message = f"expected a number as {what}, found {value!r}; pass a float"
        raise GlueballTypeError(message)
    if not (math.isfinite(number) and least <= number <= most):
        message = (
            f"expected {what} to be finite and from {least} to {most}, found {number}; correct it"
        )
        raise ArgumentError(message)
    return number
