"""Plain arrays go into a block, plain arrays come out, and nothing is recorded.

Plain is what holds numbers without being an NDArray: NumPy's arrays, lists, data frames.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import autograd
from glueball.base import ArgumentError, DtypeError, GlueballTypeError, PrecisionWarning, ShapeError
from glueball.gluon._checks import array_type, check_input
from glueball.init._check import level_of_user
from glueball.nd import NDArray
from glueball.nd._record import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter

__all__ = ["call_outside", "call_plain", "copy_into", "dtype_of", "is_plain", "plain_input"]


class _Once:
    """Whether a loss of precision has been told: the first tells it of all."""

    told = False


def is_plain(value: Any) -> bool:
    """Whether a value is an array of numbers for those who know no NDArray."""
    if isinstance(value, NDArray):
        return False
    if isinstance(value, list):
        return bool(value) and not any(isinstance(each, NDArray) for each in value)
    return hasattr(value, "__array__")


def dtype_of(parameters: Iterable[Parameter]) -> np.dtype[Any]:
    """Return the dtype in which a block computes: that of its first parameter, else float32."""
    return np.dtype(next((each.dtype for each in parameters), np.float32))


def plain_input(value: Any, dtype: np.dtype[Any] | None, name: str) -> np.ndarray:
    """Return the plain array that block `name` runs on, in C order.

    Parameters
    ----------
    value : array_like
        The input.
    dtype : dtype or None
        What the block computes in; None if it takes floats of any.
    name : str
        Of the block.

    Raises
    ------
    ValueError
        If it is not plain, or while autograd records.
    TypeError
        If it holds no numbers, or hides some behind a mask.
    """
    if not is_plain(value):
        check_input(value, name)
    if autograd.is_recording():
        message = (
            f"expected an NDArray as input of '{name}' while autograd records, found "
            f"{type(value).__module__}.{type(value).__name__}, which has no gradients; wrap it: nd.array(x), "
            "in NumPy mode np.array(x), or call outside of record()"
        )
        raise ArgumentError(message)
    if isinstance(value, np.ma.MaskedArray):
        message = (
            f"expected an array without a mask as input of '{name}', found a MaskedArray; fill it: "
            "x.filled(0)"
        )
        raise GlueballTypeError(message)
    try:
        array = np.asarray(value)
    except ValueError as error:  # of lists of unequal lengths
        message = f"expected lists of equal lengths as input of '{name}', found others ({error}); pad them"
        raise ArgumentError(message) from None
    if array.dtype.kind not in "biuf":
        message = (
            f"expected numbers as input of '{name}', found dtype {array.dtype}; convert them: "
            "x.astype('float32')"
        )
        raise DtypeError(message)
    wanted = dtype or (array.dtype if array.dtype.char in "fd" else np.dtype(np.float64))
    converted = np.asarray(array, wanted, order="C")
    if not _Once.told and array.dtype != wanted and _loses(array, converted):
        _Once.told = True
        message = (
            f"{array.dtype} becomes {wanted} as input of '{name}', and some numbers are rounded; this is told "
            f"once. Cast the net, net.cast('float64'), or the input, x.astype('{wanted}')"
        )
        warnings.warn(message, PrecisionWarning, stacklevel=level_of_user())
    return converted


def _loses(array: np.ndarray, converted: np.ndarray) -> bool:
    return not np.array_equal(array, converted, equal_nan=array.dtype.kind == "f")


def call_plain(block: Block, *inputs: Any) -> Any:
    """Run a block that computes in Python on plain arrays: it sees NDArrays of its own."""
    dtype = dtype_of(block.collect_params().values())
    arrays = [_own(each, dtype, block.name) for each in inputs]
    return _to_plain(block.forward(*arrays))


def _own(value: Any, dtype: np.dtype[Any], name: str) -> Any:
    if not is_plain(value):
        return value
    return wrap(np.array(plain_input(value, dtype, name)), array_type())


def _to_plain(output: Any) -> Any:
    if isinstance(output, NDArray):
        return output.view(np.ndarray)
    if type(output) in (list, tuple):
        return type(output)([_to_plain(each) for each in output])
    return output


def call_outside(block: Block, inputs: tuple[Any, ...], out: Any) -> Any:
    """Run a block, and copy its output into `out`.

    Raises
    ------
    ValueError
        While autograd records.
    """
    if autograd.is_recording():
        message = (
            f"expected no out= for '{block.name}' while autograd records, found one; leave it out, or call "
            "outside of record()"
        )
        raise ArgumentError(message)
    return copy_into(out, block(*inputs), block.name)


def copy_into(out: Any, output: Any, name: str) -> Any:
    """Copy a block's output into an array of the same shape and dtype; return that.

    Raises
    ------
    TypeError
        If `out`, or the output, is not one array.
    ValueError
        If they differ in shape or dtype, or `out` is read-only.
    """
    for array, role in ((out, "out="), (output, "the output")):
        if not isinstance(array, np.ndarray):
            message = (
                f"expected one array as {role} of '{name}', found a {type(array).__name__}; call the net "
                "without out="
            )
            raise GlueballTypeError(message)
    if out.shape != output.shape or out.dtype != output.dtype:
        message = (
            f"expected out of shape {output.shape} and dtype {output.dtype} for '{name}', found {out.shape}, "
            f"{out.dtype}; pass an array of that shape and dtype"
        )
        raise ShapeError(message)
    if not out.flags.writeable:
        message = f"expected out that can be written for '{name}', found a read-only array; pass a copy of it"
        raise ArgumentError(message)
    np.copyto(out.view(np.ndarray), output)
    return out
