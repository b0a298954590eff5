"""Numbers that settings may be."""

from __future__ import annotations

import math

__all__ = ["correction", "fits_float32"]

_LARGEST = 3.4028234663852886e38  # of float32


def fits_float32(number: float) -> bool:
    """Return whether a number is finite, in float32 too.

    A setting is given before it is known which arrays it will meet. One of 1e39 is infinite in the
    arithmetic of most: it is refused where it is given, and not found in NaNs later.
    """
    return -_LARGEST <= number <= _LARGEST


def correction(number: float) -> str:
    """Return what to do about a number that is refused, by `fits_float32` or for another reason."""
    too_large = math.isfinite(number) and not fits_float32(number)
    return "give a number that float32 can hold" if too_large else "correct it"
