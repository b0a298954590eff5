"""NumPy mode: whether layers and parameters make `np.ndarray`. `npx.set_np` switches it.

What asks for the mode does not need the functions of `np` and `npx`: few programs switch it on.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Mode", "is_np_array", "is_np_shape"]


class Mode:
    """The mode of the process: both flags are set and reset together by most programs."""

    array = False
    shape = False
    # What `F` of a HybridBlock is then: an object with `np` and `npx`, which `npx` puts here.
    functions: Any = None


def is_np_array() -> bool:
    """Return whether layers and parameters make `np.ndarray`."""
    return Mode.array


def is_np_shape() -> bool:
    """Return whether NumPy's shapes are on: () is a shape, and 0 is a length."""
    return Mode.shape
