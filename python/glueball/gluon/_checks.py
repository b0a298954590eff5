"""Which class of array the present mode makes, and what blocks accept: inputs, numbers, shapes."""

from __future__ import annotations

import math
import operator
from typing import Any

from glueball import nd
from glueball._number import correction, fits_float32
from glueball._numpy_mode import is_np_array
from glueball.base import ArgumentError, GlueballAttributeError, GlueballTypeError
from glueball.nd._record import numpy_class

__all__ = [
    "FixedSetting", "UnknownOutputError", "array_type", "check_alone", "check_assignable", "check_count", "check_input",
    "check_integer", "check_number", "input_shape",
]  # fmt: skip


class FixedSetting:
    """An attribute that a constructor sets and nobody changes: parameters were made to fit it."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        if layer is None:
            return self
        try:
            return layer.__dict__[self._name]
        except KeyError:
            message = f"'{type(layer).__name__}' object has no attribute '{self._name}'"
            raise GlueballAttributeError(message) from None

    def __set__(self, layer: Any, value: Any) -> None:
        present = layer.__dict__.setdefault(self._name, value)
        if present is not value and present != value:
            message = (
                f"expected '{self._name}' of '{layer.name}' to stay as {type(layer).__name__} was made, "
                f"found {value!r} for it; make another layer"
            )
            raise GlueballAttributeError(message)

    def __delete__(self, layer: Any) -> None:
        self.__set__(layer, "a deletion")


class UnknownOutputError(ArgumentError):
    """A block's output has a shape that only a run can tell."""


def array_type() -> type[nd.NDArray]:
    """Return the class of the arrays that parameters hand out now."""
    return numpy_class() if is_np_array() else nd.NDArray


def check_input(value: Any, block_name: str) -> None:
    """Refuse what a block cannot take as its input: no NDArray, or one of the other array mode."""
    if not isinstance(value, nd.NDArray):
        message = (
            "In HybridBlock, there must be one NDArray or one Symbol in the input. Please check the "
            f"type of the args.\nExpected an NDArray as input of '{block_name}', found "
            f"{type(value).__module__}.{type(value).__name__}; wrap it: nd.array(x), in NumPy mode "
            "np.array(x)"
        )
        raise ArgumentError(message)
    is_numpys = not value._least_ndim
    if is_numpys != is_np_array():
        found, wanted, remedy = (
            ("a NumPy-mode array", "a legacy NDArray", "as_nd_ndarray() or call npx.set_np()")
            if is_numpys
            else (
                "a legacy NDArray",
                "a NumPy-mode array",
                "as_np_ndarray() or call npx.reset_np()",
            )
        )
        message = (
            f"expected {wanted} as input of '{block_name}' (npx.is_np_array() is "
            f"{is_np_array()}), found {found}; convert it with {remedy}"
        )
        raise GlueballTypeError(message)


def check_alone(args: tuple[Any, ...], block_name: str) -> None:
    """Refuse inputs beside the first (TypeError)."""
    if args:
        message = f"expected one input of '{block_name}', found {1 + len(args)}; pass x alone"
        raise GlueballTypeError(message)


def check_assignable(value: Any, parameter_name: str) -> None:
    """Refuse a legacy array as data of a parameter in NumPy mode (TypeError)."""
    if is_np_array() and isinstance(value, nd.NDArray) and value._least_ndim:
        message = (
            "Cannot assign mx.nd.NDArray to mxnet.numpy.ndarray: expected a NumPy-mode array as data "
            f"of Parameter '{parameter_name}', found a legacy NDArray; use as_np_ndarray()"
        )
        raise GlueballTypeError(message)


def input_shape(shapes: tuple[Any, ...], name: str) -> tuple[tuple[int, ...], bool]:
    """Return the input shape that a block is given, and whether data was given in its place.

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
        If it is not a shape.
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


def check_integer(what: str, value: Any) -> int:
    """Return an integer; a TypeError if `value` is not one."""
    try:
        return operator.index(value)
    except TypeError:
        message = f"expected an integer as {what}, found {value!r}; pass an int"
        raise GlueballTypeError(message) from None


def check_count(what: str, value: Any, least: int) -> int:
    """Return a number of units or channels; a TypeError if not an integer, a ValueError below `least`."""
    count = check_integer(what, value)
    if count < least:
        message = f"expected {what} to be {least} or more, found {count}; correct it"
        raise ArgumentError(message)
    return count


def check_number(what: str, value: Any, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a finite number from `least` to `most`; a TypeError if not a number, else a ValueError."""
    try:
        number = float(value) if not isinstance(value, str) else None
    except (TypeError, ValueError):
        number = None
    if number is None:
        message = f"expected a number as {what}, found {value!r}; pass a float"
        raise GlueballTypeError(message)
    if not (fits_float32(number) and least <= number <= most):
        message = (
            f"expected {what} to be finite and from {least} to {most}, found {number}; "
            f"{correction(number)}"
        )
        raise ArgumentError(message)
    return number
