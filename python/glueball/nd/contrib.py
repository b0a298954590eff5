"""What glueball has of `nd.contrib`: tests of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball._scope import surface
from glueball.nd._record import finish, raw

__all__ = ["isfinite", "isinf", "isnan"]


def isfinite(data: Any) -> Any:
    """Return 1 where a number is finite, else 0, in the array's dtype."""
    return finish(np.isfinite(raw(data)).astype(raw(data).dtype), (data,), None, "isfinite")


def isinf(data: Any) -> Any:
    """Return 1 where a number is infinite, else 0, in the array's dtype."""
    return finish(np.isinf(raw(data)).astype(raw(data).dtype), (data,), None, "isinf")


def isnan(data: Any) -> Any:
    """Return 1 where a number is NaN, else 0, in the array's dtype."""
    return finish(np.isnan(raw(data)).astype(raw(data).dtype), (data,), None, "isnan")


__getattr__, __dir__ = surface(__name__)
