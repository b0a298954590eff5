"""Loading parameters from files: everything is checked before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from glueball import _core, _files
from glueball._disk import path_of
from glueball._suggest import quoted
from glueball.base import ArgumentError, GlueballTypeError, ShapeError
from glueball.gluon.parameter._load_report import LoadReport
from glueball.gluon.parameter._settings import context_list, to_numbers

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    from glueball.context import Context
    from glueball.gluon.parameter._parameter import Parameter

__all__ = ["as_named", "check_loading", "load_checked", "load_file", "read_named"]


def read_named(filename: str | os.PathLike[str]) -> dict[str, _core.StoredArray]:
    """Return the arrays of a file by name; a ValueError if it holds a list or is damaged."""
    return _files.read(filename).by_name()


def as_named(arrays: Any) -> dict[str, _core.StoredArray]:
    """Return the arrays of a dict as those of a file; a TypeError for anything else."""
    if not isinstance(arrays, dict):
        message = (
            f"expected a dict of names and arrays, found {type(arrays).__name__}; pass nd.load(...)"
        )
        raise GlueballTypeError(message)
    return {
        name: _core.StoredArray(name, np.ascontiguousarray(to_numbers(value, f"value of '{name}'")))
        for name, value in arrays.items()
    }


def check_loading(
    places: Iterable[tuple[str, Parameter]],
    values: dict[str, _core.StoredArray],
    filename: str,
    *,
    where: str | None = None,
    prefix: str | None = None,
    ctx: Context | list[Context] | None = None,
    allow_missing: bool = False,
    ignore_extra: bool = False,
    cast_dtype: bool = False,
    dtype_source: str = "current",
) -> tuple[dict[Parameter, tuple[int, ...]], Callable[[], LoadReport]]:
    """Return the shape that each parameter will have, and what gives it the array of its name and reports.

    A parameter that stands in several places (a shared one) needs the array of one of them; arrays of several
    have to be equal. Names are taken without the ``arg:`` and ``aux:`` of MXNet's checkpoints.

    Parameters
    ----------
    places : iterable of (str, Parameter)
        Every place of a net with the name that the file has for it.
    values : dict of str to StoredArray
        What the file holds.
    filename, where : str
        The file in messages.
    prefix : str, optional
        The net's: then the file may use parameters' names too.

    Raises
    ------
    AssertionError
        If something is missing, a shape or dtype does not fit, or a shared parameter's arrays differ.
    ValueError
        If there are values for no parameter, or two of one name.
    """
    if dtype_source not in ("current", "saved"):
        message = f"expected dtype_source 'current' or 'saved', found {dtype_source!r}; choose one"
        raise ArgumentError(message)
    places = list(places)
    found = _core.match(places, values, where or f"'{filename}'", prefix)
    if found.missing and not allow_missing:
        message = (
            f"Parameter '{found.missing[0]}' is missing in file '{filename}', which contains "
            f"parameters: {quoted(values, 12)}. Set allow_missing=True to ignore missing "
            "parameters."
        )
        raise ArgumentError(message)
    if found.unexpected and not ignore_extra:
        message = (
            f"Parameter '{found.unexpected[0]}' loaded from file '{filename}' is not present in "
            f"ParameterDict, which contains parameters {quoted(found.names, 12)}. Set "
            "ignore_extra=True to ignore. "
        )
        raise ArgumentError(message)
    for parameter, value, fault in found.mismatched(cast_dtype):
        _refuse(parameter, value, fault, filename)
    values_of = found.values
    for parameter, _ in values_of:
        _check_contexts(parameter, ctx)

    def assign() -> LoadReport:
        found.assign(str(filename), cast_dtype, dtype_source == "saved")
        for parameter, _ in values_of:
            parameter._place(ctx)
        first = {id(parameter): path for path, parameter in reversed(places)}
        loaded = {first[id(parameter)]: value.name for parameter, value in values_of}
        return LoadReport(loaded, found.missing, found.unexpected)

    return {parameter: value.shape for parameter, value in values_of}, assign


def load_checked(*args: Any, **settings: Any) -> LoadReport:
    """Give each parameter the array of its name, as `check_loading` says, which takes the same."""
    return check_loading(*args, **settings)[1]()


def load_file(
    places: Iterable[tuple[str, Parameter]], filename: str | os.PathLike[str], **settings: Any
) -> LoadReport:
    """Give each parameter the array of its name in a file; settings are those of `check_loading`."""
    path = path_of(filename)
    return load_checked(places, read_named(path), path, **settings)


def _refuse(parameter: Parameter, value: _core.StoredArray, fault: str, filename: str) -> NoReturn:
    failed = f"Failed loading Parameter '{parameter.name}' from saved params: {fault} incompatible expected "
    if fault == "shape":
        message = f"{failed}{parameter.shape} vs saved {value.shape} (in file '{filename}')"
        raise ShapeError(message)
    message = (
        f"{failed}{parameter.dtype} vs saved {value.dtype}. Set cast_dtype=True to cast the dtype of saved "
        f"params. (In file '{filename}'.)"
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
