"""Loading parameters from named arrays: everything is checked before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import ArgumentError, ShapeError

if TYPE_CHECKING:
    from glueball.context import Context
    from glueball.gluon.parameter import Parameter

__all__ = ["load_checked"]


def load_checked(
    parameters: dict[str, Parameter],
    values: dict[str, Any],
    filename: str,
    *,
    ctx: Context | list[Context] | None,
    allow_missing: bool,
    ignore_extra: bool,
    cast_dtype: bool,
    dtype_source: str,
) -> None:
    """Give each parameter the array of its name.

    A parameter that stands under several names (a shared one) needs one of them.

    Raises
    ------
    AssertionError
        If something is missing, or a shape or dtype does not fit.
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
                    f"parameters: {_quoted(values)}. Set allow_missing=True to ignore missing "
                    "parameters."
                )
                raise ArgumentError(message)
    if not ignore_extra:
        for name in values:
            if name not in parameters:
                message = (
                    f"Parameter '{name}' loaded from file '{filename}' is not present in "
                    f"ParameterDict, which contains parameters {_quoted(parameters)}. Set "
                    "ignore_extra=True to ignore. "
                )
                raise ArgumentError(message)
    chosen = {
        name: (parameters[name], value) for name, value in values.items() if name in parameters
    }
    for parameter, value in chosen.values():
        _check(parameter, value, cast_dtype)
        parameter._check_load_contexts(ctx)
    for parameter, value in chosen.values():
        if cast_dtype and dtype_source == "saved":
            parameter.cast(value.dtype)
        parameter._load_data(np.asarray(value), ctx)


def _check(parameter: Parameter, value: Any, cast_dtype: bool) -> None:
    if value.size == 0 or not parameter._fits(value.shape):
        message = (
            f"Failed loading Parameter '{parameter.name}' from saved params: shape incompatible "
            f"expected {parameter.shape} vs saved {tuple(value.shape)}"
        )
        raise ShapeError(message)
    if value.dtype != parameter.dtype and not cast_dtype:
        message = (
            f"Failed loading Parameter '{parameter.name}' from saved params: dtype incompatible "
            f"expected {parameter.dtype} vs saved {value.dtype}. Set cast_dtype=True to cast the "
            "dtype of saved params."
        )
        raise ArgumentError(message)


def _quoted(names: Any) -> str:
    quoted = [f"'{name}'" for name in names]
    if len(quoted) > 12:
        quoted[6:-6] = ["..."]
    return ", ".join(quoted)
