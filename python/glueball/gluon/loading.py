"""Loading parameters from files: everything is checked before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, _files
from glueball._suggest import quoted
from glueball.base import ArgumentError, GlueballTypeError, ShapeError
from glueball.gluon._settings import context_list, to_numbers

if TYPE_CHECKING:
    import os

    from glueball.context import Context
    from glueball.gluon._parameter import Parameter

__all__ = ["as_named", "load_checked", "read_named"]


def read_named(filename: str | os.PathLike[str]) -> dict[str, _core.StoredArray]:
    """Return the arrays of a file by name, without the ``arg:`` and ``aux:`` of MXNet's checkpoints.

    Raises
    ------
    ValueError
        If it holds a list, is damaged, or has two arrays of a name.
    """
    found = _files.read(filename)
    if not found.named:
        message = f"expected named arrays in '{filename}', found a list; save a dict of arrays"
        raise ArgumentError(message)
    return _without_kinds(found.arrays, f"'{filename}'")


def as_named(arrays: Any) -> dict[str, _core.StoredArray]:
    """Return the arrays of a dict as those of a file.

    Raises
    ------
    TypeError
        If it is no dict, or holds something else than arrays of numbers.
    """
    if not isinstance(arrays, dict):
        message = (
            f"expected a dict of names and arrays, found {type(arrays).__name__}; pass nd.load(...)"
        )
        raise GlueballTypeError(message)
    stored = {
        name: _core.StoredArray(name, np.ascontiguousarray(to_numbers(value, f"value of '{name}'")))
        for name, value in arrays.items()
    }
    return _without_kinds(stored, "the dict")


def _without_kinds(
    arrays: dict[str, _core.StoredArray], where: str
) -> dict[str, _core.StoredArray]:
    """Take off what tells arguments from auxiliary states in MXNet's checkpoints."""
    named: dict[str, _core.StoredArray] = {}
    for key, value in arrays.items():
        name = key[4:] if key.startswith(("arg:", "aux:")) else key
        if name in named:
            message = (
                f"expected one array for each name in {where}, found two for '{name}', without 'arg:' and "
                "'aux:'; save them under different names"
            )
            raise ArgumentError(message)
        named[name] = value
    return named


def load_checked(
    parameters: dict[str, Parameter],
    values: dict[str, _core.StoredArray],
    filename: str,
    *,
    ctx: Context | list[Context] | None,
    allow_missing: bool,
    ignore_extra: bool,
    cast_dtype: bool,
    dtype_source: str,
) -> None:
    """Give each parameter the array of its name.

    A parameter that stands under several names (a shared one) needs one of them; arrays under several
    have to be equal.

    Raises
    ------
    AssertionError
        If something is missing, a shape or dtype does not fit, or a shared parameter's arrays differ.
    ValueError
        If there are values for no parameter.
    """
    if dtype_source not in ("current", "saved"):
        message = f"expected dtype_source 'current' or 'saved', found {dtype_source!r}; choose one"
        raise ArgumentError(message)
    present = {id(parameters[name]) for name in values if name in parameters}
    if not allow_missing:
        for name, parameter in parameters.items():
            if id(parameter) not in present:
                message = (
                    f"Parameter '{name}' is missing in file '{filename}', which contains "
                    f"parameters: {quoted(values, 12)}. Set allow_missing=True to ignore missing "
                    "parameters."
                )
                raise ArgumentError(message)
    if not ignore_extra:
        for name in values:
            if name not in parameters:
                message = (
                    f"Parameter '{name}' loaded from file '{filename}' is not present in "
                    f"ParameterDict, which contains parameters {quoted(parameters, 12)}. Set "
                    "ignore_extra=True to ignore. "
                )
                raise ArgumentError(message)
    chosen = {
        name: (parameters[name], value) for name, value in values.items() if name in parameters
    }
    for parameter, value in chosen.values():
        _check(parameter, value, filename, cast_dtype)
        _check_contexts(parameter, ctx)
    _core.assign(list(chosen.values()), str(filename), cast_dtype, dtype_source == "saved")
    for parameter, _ in chosen.values():
        parameter._place(ctx)


def _check(parameter: Parameter, value: _core.StoredArray, filename: str, cast_dtype: bool) -> None:
    if value.size == 0 or not parameter._fits(value.shape):
        message = (
            f"Failed loading Parameter '{parameter.name}' from saved params: shape incompatible "
            f"expected {parameter.shape} vs saved {value.shape} (in file '{filename}')"
        )
        raise ShapeError(message)
    if value.dtype != parameter._dtype_name and not cast_dtype and value.is_convertible:
        message = (
            f"Failed loading Parameter '{parameter.name}' from saved params: dtype incompatible "
            f"expected {parameter.dtype} vs saved {value.dtype}. Set cast_dtype=True to cast the "
            f"dtype of saved params. (In file '{filename}'.)"
        )
        raise ArgumentError(message)


def _check_contexts(parameter: Parameter, ctx: Context | list[Context] | None) -> None:
    if ctx is None or not parameter._contexts:
        return
    wanted = context_list(ctx)
    if set(wanted) != set(parameter._contexts):
        message = (
            f"Failed to load Parameter '{parameter.name}' on {wanted} because it was previous "
            f"initialized on {parameter._contexts}. Call reset_ctx first, or leave ctx out."
        )
        raise ArgumentError(message)
