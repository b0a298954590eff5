"""A net's arrays by path or in a list: taken, and put back, all of them or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core
from glueball._suggest import quoted
from glueball.base import ArgumentError, GlueballTypeError, ShapeError
from glueball.gluon._files.loading import as_named, load_checked
from glueball.gluon.parameter._load_report import LoadReport
from glueball.gluon.parameter._settings import to_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter
    from glueball.nd import NDArray

__all__ = ["load_state", "set_arrays", "state_of"]


def state_of(root: Block, copy: bool) -> dict[str, NDArray]:
    """Return a net's arrays by path."""
    arrays = {path: parameter.data() for path, parameter in root._walk_parameters()}
    return {path: each.copy().detach() for path, each in arrays.items()} if copy else arrays


def load_state(root: Block, arrays: Any, strict: bool) -> LoadReport:
    """Give a net arrays by path; unless strict, those that fit."""
    named = as_named(arrays)
    where = "the dict"
    everywhere = list(root._walk_parameters())
    mismatched: dict[str, tuple[Any, tuple[int, ...]]] = {}
    if strict:
        _check_names(root, _core.match(everywhere, named, where))
    else:
        first = {id(parameter): path for path, parameter in reversed(everywhere)}
        while faults := _core.match(everywhere, named, where).mismatched(True):
            for parameter, value, _ in faults:
                mismatched[first[id(parameter)]] = (parameter.shape, value.shape)
                del named[value.name]
    report = load_checked(
        everywhere,
        named,
        "state_dict",
        where=where,
        allow_missing=not strict,
        ignore_extra=not strict,
        cast_dtype=True,
    )
    missing = [path for path in report.missing if path not in mismatched]
    return LoadReport(report.loaded, missing, report.unexpected, mismatched)


def _check_names(root: Block, found: Any) -> None:
    """Refuse arrays that lack a parameter's, or have one that no parameter takes."""
    faults = [
        f"{what} {quoted(names, 6)}"
        for what, names in (("missing", found.missing), ("unexpected", found.unexpected))
        if names
    ]
    if faults:
        message = (
            f"expected an array for each Parameter of '{root.name}', and no others, found {' and '.join(faults)}; "
            "pass strict=False to take those that fit"
        )
        raise ArgumentError(message)


def set_arrays(root: Block, parameters: list[Parameter], arrays: Iterable[Any]) -> None:
    """Give parameters an array each, in their order."""
    if isinstance(arrays, dict | str):
        message = (
            f"expected a list of arrays for '{root.name}', found {type(arrays).__name__}; "
            "use load_state_dict(...) for arrays by path"
        )
        raise GlueballTypeError(message)
    given = [to_numbers(each, f"weights[{place}]") for place, each in enumerate(arrays)]
    shapes = ", ".join(f"{each.name} {each.shape}" for each in parameters)
    if len(given) != len(parameters):
        message = (
            f"expected {len(parameters)} arrays for '{root.name}' ({shapes}), found {len(given)}; pass "
            "them in the order of weights"
        )
        raise ShapeError(message)
    for place, (parameter, values) in enumerate(zip(parameters, given, strict=True)):
        if values.size == 0 or not parameter._fits(values.shape):
            turned = values.ndim == 2 and parameter._fits(values.shape[::-1])
            hint = (
                "weights are (units, in_units) here: transpose it, or use interop.load_keras, which does"
                if turned
                else "pass arrays in the order of weights"
            )
            message = (
                f"expected weights[{place}] of shape {parameter.shape} for Parameter '{parameter.name}', found "
                f"{values.shape}; {hint}"
            )
            raise ShapeError(message)
    names = [f"weights[{place}]" for place in range(len(given))]
    load_checked(
        zip(names, parameters, strict=True),
        as_named({name: np.array(each) for name, each in zip(names, given, strict=True)}),
        "weights",
        where="the list",
        cast_dtype=True,
    )
