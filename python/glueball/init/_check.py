"""Checks of settings, made when an initializer is built and not when it is first used."""

from __future__ import annotations

import numbers
import sys
from typing import Any

import numpy as np

from glueball._number import correction, fits_float32
from glueball.base import ArgumentError, GlueballTypeError

__all__ = [
    "describe",
    "finite",
    "integer",
    "level_of_user",
    "number",
    "optional_number",
    "shorten",
    "word",
]


def describe(value: object) -> str:
    """Say what a value is, for the middle part of an error: type, shape and dtype, or the value."""
    if isinstance(value, np.ndarray):
        return f"a {type(value).__name__} of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    text = repr(value)
    if len(text) > 60:
        text = text[:57] + "..."
    return f"{text} of type {type(value).__name__}"


def shorten(names: list[str], most: int = 6) -> str:
    """Quote names for a message, and count those beyond the first few."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def number(owner: str, name: str, value: Any) -> float:
    """Return a setting that has to be a single number, as Python's own `int` or `float`.

    Arrays are refused, even those of one element: an initializer is never given a parameter or its
    values, and one that is was meant to be called.
    """
    truth_value = isinstance(value, bool)
    if not truth_value and isinstance(value, numbers.Integral):
        return int(value)
    if not truth_value and isinstance(value, numbers.Real):
        return float(value)
    message = (
        f"expected a number for {name} of {owner}, found {describe(value)}; "
        "pass a Python number, such as float(x)"
    )
    raise GlueballTypeError(message)


def finite(owner: str, name: str, value: Any) -> float:
    """Like `number`, of those that float32 can hold too."""
    found = number(owner, name, value)
    if fits_float32(found):
        return found
    message = f"expected a finite {name} for {owner}, found {found}; {correction(found)}"
    raise ArgumentError(message)


def optional_number(owner: str, name: str, value: Any) -> float | None:
    """Like `number`, where None means that the setting is left to its rule."""
    return None if value is None else number(owner, name, value)


def integer(owner: str, name: str, value: Any) -> int:
    """Return a setting that has to be an integer."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        message = f"expected an integer for {name} of {owner}, found {describe(value)}; pass an int"
        raise GlueballTypeError(message)
    return int(value)


def word(owner: str, name: str, value: Any) -> str:
    """Return a setting that has to be a word; which words are allowed is checked by its user."""
    if not isinstance(value, str):
        message = f"expected a word for {name} of {owner}, found {describe(value)}; pass a str"
        raise GlueballTypeError(message)
    return value


def level_of_user() -> int:
    """Count the calls from a function of this module up to the line of the user's that led here."""
    level = 2
    frame = sys._getframe(level)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("glueball."):
        frame = frame.f_back
        level += 1
    return level
