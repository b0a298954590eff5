"""Trainers' states in files: what the optimizer keeps, as arrays and a header of JSON.

The file is a zip archive of ``.npy`` arrays as `numpy.savez` writes them, without pickled objects: reading one
runs no code. Array ``header`` holds JSON in UTF-8; arrays ``0``, ``1`` ... are those that it refers to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _npz
from glueball._disk import open_file, path_of
from glueball._reading import Fields, parse_json, reading
from glueball.base import ArgumentError, FileFormatError, GlueballTypeError, ShapeError
from glueball.gluon._checks import array_type

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from glueball.gluon.parameter import Parameter
    from glueball.optimizer import Optimizer

__all__ = ["check_states", "save_states"]

_FORMAT = "glueball trainer states"
_VERSION = 1
_NUMBERS = "biuf"
# Counts beyond are none that training has come to; doubles, with which rules compute, tell those below apart.
_MOST_UPDATES = 2**53


def save_states(
    fname: str | os.PathLike[str], optimizer: Optimizer, parameters: Sequence[Parameter]
) -> None:
    """Write what `optimizer` keeps for `parameters`; see `Trainer.save_states`."""
    import json  # here, because importing this package should be quick

    arrays: dict[str, np.ndarray] = {}
    entries = []
    for index, parameter in enumerate(parameters):
        saved = optimizer.get_state(index, parameter)
        where = f"state of '{parameter.name}'"
        entry = {"name": parameter.name, "shape": _lengths(parameter), "count": saved["count"]}
        if "carry" in saved:
            entry["carry"] = saved["carry"]
        if "state" in saved:
            entry["state"] = _encode(saved["state"], arrays, where)
        entries.append(entry)
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "optimizer": type(optimizer).__name__,
        "num_update": optimizer.num_update,
        "learning_rate": optimizer.lr,
        "parameters": entries,
    }
    text = json.dumps(header).encode()
    _npz.write(path_of(fname), {"header": np.frombuffer(text, dtype=np.uint8), **arrays})


def check_states(
    fname: str | os.PathLike[str],
    optimizer: Optimizer,
    parameters: Sequence[Parameter],
    shapes: Mapping[Parameter, Sequence[int]] | None = None,
) -> Callable[[], None]:
    """Read what `save_states` wrote, and return what gives it to `optimizer`; see `Trainer.load_states`.

    `shapes` are those that parameters will have by then, where these are not the present ones.
    """
    path = path_of(fname)
    advice = "save the states with this version of glueball"
    with reading(path, f"states that Trainer.save_states wrote, version {_VERSION},", advice):
        with open_file(path) as file:
            arrays = _npz.read(file)
        header = _header(arrays)
        loaded = []
        for parameter, entry in _checked_entries(header, path, optimizer, parameters, shapes or {}):
            saved: dict[str, Any] = {"count": entry.integer("count", 0, _MOST_UPDATES)}
            if "carry" in entry:
                saved["carry"] = entry.number("carry")
            if "state" in entry:
                saved["state"] = _decode(entry.any("state"), arrays)
            optimizer._check_state(parameter, saved, entry.lengths("shape"))
            loaded.append(saved)
        num_update = header.integer("num_update", 0, _MOST_UPDATES)
        rate = header.number("learning_rate")

    def restore() -> None:
        before = [optimizer.get_state(i, parameter) for i, parameter in enumerate(parameters)]
        try:
            for index, (parameter, saved) in enumerate(zip(parameters, loaded, strict=True)):
                optimizer.set_state(index, parameter, saved)
        except BaseException:
            for index, (parameter, saved) in enumerate(zip(parameters, before, strict=True)):
                optimizer.set_state(index, parameter, saved)
            raise
        optimizer.num_update = num_update
        if not optimizer._rate_is_given:
            optimizer.lr = rate

    return restore


def _lengths(parameter: Parameter) -> list[int] | None:
    return None if parameter.shape is None else list(parameter.shape)


def _encode(value: Any, arrays: dict[str, np.ndarray], where: str) -> Any:
    if value is None:
        return None
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in _NUMBERS:
        name = str(len(arrays))
        arrays[name] = np.asarray(value)
        return {"array": name}
    if isinstance(value, bool | int | float):
        return {"number": value}
    if isinstance(value, tuple | list):
        items = [_encode(each, arrays, where) for each in value]
        return {"tuple" if isinstance(value, tuple) else "list": items}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _encode(each, arrays, where) for key, each in value.items()}}
    message = (
        f"expected arrays, numbers, None, and lists, tuples and dicts of them as {where}, found "
        f"{type(value).__name__}; keep such in create_state, so that they can be saved"
    )
    raise GlueballTypeError(message)


def _decode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) != 1:
        fault = "a state that is none of array, number, tuple, list and dict"
        raise FileFormatError(fault)
    ((kind, content),) = value.items()
    fields = Fields(value, "a state")
    if kind == "array":
        array = arrays.get(fields.text(kind))
        if array is None or array.dtype.kind not in _NUMBERS:
            fault = f"a state that is array {content!r}, " + (
                "which is not there" if array is None else f"of dtype {array.dtype}"
            )
            raise FileFormatError(fault)
        return array.view(array_type())
    if kind == "number" and isinstance(content, bool | int | float):
        return content
    if kind == "dict" and isinstance(content, dict):
        return {key: _decode(each, arrays) for key, each in content.items()}
    if kind in ("list", "tuple"):
        items = [_decode(each, arrays) for each in fields.items(kind)]
        return tuple(items) if kind == "tuple" else items
    fault = f"a state of kind {kind!r} with {type(content).__name__} in it"
    raise FileFormatError(fault)


def _header(arrays: dict[str, np.ndarray]) -> Fields:
    if "header" not in arrays:
        fault = "an archive without 'header'"
        raise FileFormatError(fault)
    header = Fields(parse_json(arrays.pop("header").tobytes()), "header")
    if header.any("format") != _FORMAT or header.any("version") != _VERSION:
        fault = f"format {header.any('format')!r} of version {header.any('version')!r}"
        raise FileFormatError(fault)
    return header


def _checked_entries(
    header: Fields,
    path: str,
    optimizer: Optimizer,
    parameters: Sequence[Parameter],
    shapes: Mapping[Parameter, Sequence[int]],
) -> list[tuple[Parameter, Fields]]:
    """Return each parameter's entry; refuse those of another optimizer or of other parameters."""
    if header.text("optimizer") != type(optimizer).__name__:
        message = (
            f"expected states of {type(optimizer).__name__}, the Trainer's optimizer, in '{path}', "
            f"found those of {header.text('optimizer')}; make the Trainer with the optimizer of the file"
        )
        raise ArgumentError(message)
    entries = [
        Fields(each, f"entry {place} of 'parameters'")
        for place, each in enumerate(header.items("parameters"))
    ]
    if len(entries) != len(parameters):
        message = (
            f"expected states of {len(parameters)} parameters in '{path}', found {len(entries)}; make "
            "the Trainer with the parameters that it was saved with"
        )
        raise ArgumentError(message)
    for entry, parameter in zip(entries, parameters, strict=True):
        name, lengths = entry.text("name"), entry.lengths("shape")
        if lengths is None:
            continue
        if not parameter._fits(lengths) or [*shapes.get(parameter, lengths)] != lengths:
            message = (
                f"expected states of Parameter '{parameter.name}' of shape "
                f"{shapes.get(parameter, parameter.shape)} in '{path}', found those of '{name}' of shape "
                f"{tuple(lengths)}; states follow the order of the parameters, a dict's the order of names: "
                "make the Trainer with a list if names have changed"
            )
            raise ShapeError(message)
    return list(zip(parameters, entries, strict=True))
