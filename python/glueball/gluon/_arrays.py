"""Which class of array the present mode makes, and what a block accepts."""

from __future__ import annotations

import operator
from typing import Any

from glueball import nd, npx
from glueball import np as np_mode
from glueball.base import ArgumentError, GlueballTypeError

__all__ = ["array_type", "check_assignable", "check_input", "input_shape"]


def array_type() -> type[nd.NDArray]:
    """Return the class of the arrays that parameters hand out now."""
    return np_mode.ndarray if npx.is_np_array() else nd.NDArray


def check_input(value: Any, block_name: str) -> None:
    """Refuse what a block cannot take as its input.

    Raises
    ------
    ValueError
        If it is no NDArray.
    TypeError
        If it is a legacy NDArray in NumPy mode, or the other way round.
    """
    if not isinstance(value, nd.NDArray):
        message = (
            "In HybridBlock, there must be one NDArray or one Symbol in the input. Please check the "
            f"type of the args.\nExpected an NDArray as input of '{block_name}', found "
            f"{type(value).__module__}.{type(value).__name__}; wrap it: nd.array(x), in NumPy mode "
            "np.array(x)"
        )
        raise ArgumentError(message)
    if isinstance(value, np_mode.ndarray) != npx.is_np_array():
        found, wanted, remedy = (
            ("a NumPy-mode array", "a legacy NDArray", "as_nd_ndarray() or call npx.set_np()")
            if isinstance(value, np_mode.ndarray)
            else (
                "a legacy NDArray",
                "a NumPy-mode array",
                "as_np_ndarray() or call npx.reset_np()",
            )
        )
        message = (
            f"expected {wanted} as input of '{block_name}' (npx.is_np_array() is "
            f"{npx.is_np_array()}), found {found}; convert it with {remedy}"
        )
        raise GlueballTypeError(message)


def check_assignable(value: Any, parameter_name: str) -> None:
    """Refuse a legacy array as data of a parameter in NumPy mode.

    Raises
    ------
    TypeError
        In that case.
    """
    if (
        npx.is_np_array()
        and isinstance(value, nd.NDArray)
        and not isinstance(value, np_mode.ndarray)
    ):
        message = (
            "Cannot assign mx.nd.NDArray to mxnet.numpy.ndarray: expected a NumPy-mode array as data "
            f"of Parameter '{parameter_name}', found a legacy NDArray; use as_np_ndarray()"
        )
        raise GlueballTypeError(message)


def input_shape(shapes: tuple[Any, ...], name: str) -> tuple[tuple[int, ...], bool]:
    """Return the shape that a block is told of its input, and whether data was given in its place.

    Parameters
    ----------
    shapes : tuple
        One shape, with None, 0 or -1 for unknown axes, or one array.
    name : str
        The block's.

    Returns
    -------
    tuple of int
        The shape, with -1 for unknown axes.
    bool
        Whether it is an array's.

    Raises
    ------
    ValueError
        If there are more of them, or none.
    TypeError
        If it is no shape.
    """
    if len(shapes) != 1:
        message = (
            f"expected one input of '{name}', found {len(shapes)}; pass its shape, as in (None, 20)"
        )
        raise ArgumentError(message)
    shape = shapes[0]
    if isinstance(shape, nd.NDArray):
        return tuple(shape.shape), True
    try:
        return tuple(-1 if not length else operator.index(length) for length in shape), False
    except TypeError:
        message = (
            f"expected the shape of the input of '{name}', found {shape!r}; pass a tuple of integers, "
            "None for an unknown batch size: (None, 20)"
        )
        raise GlueballTypeError(message) from None
