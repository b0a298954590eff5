"""Trainers' states in files: what the optimizer keeps, as arrays and a header of JSON.

The file is a zip archive of ``.npy`` arrays as `numpy.savez` writes them, without pickled objects: reading one
runs no code. Array ``header`` holds JSON in UTF-8; arrays ``0``, ``1`` ... are those that it refers to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._disk import path_of
from glueball.base import ArgumentError, ShapeError
from glueball.gluon._arrays import array_type

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from glueball.gluon.parameter import Parameter
    from glueball.optimizer import Optimizer

__all__ = ["load_states", "save_states"]

_FORMAT = "glueball trainer states"
_VERSION = 1


def save_states(
    fname: str | os.PathLike[str], optimizer: Optimizer, parameters: Sequence[Parameter]
) -> None:
    """Write what `optimizer` keeps for `parameters`, at once or not at all.

    Raises
    ------
    TypeError
        If an optimizer of your own keeps something else than arrays, numbers, None, and lists, tuples and
        dicts of them.
    """
    import json  # here, because importing this package should be quick

    from glueball import _npz  # here, because zipfile takes long to import

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


def load_states(
    fname: str | os.PathLike[str], optimizer: Optimizer, parameters: Sequence[Parameter]
) -> None:
    """Give `optimizer` what `save_states` wrote; everything is checked before anything is changed.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such file, is another optimizer's, or of other parameters.
    """
    path = path_of(fname)
    header, arrays = _read(path)
    _check(header, path, optimizer, parameters)
    try:
        loaded = []
        for entry in header["parameters"]:
            saved = {"count": int(entry["count"])}
            if "carry" in entry:
                saved["carry"] = entry["carry"]
            if "state" in entry:
                saved["state"] = _decode(entry["state"], arrays)
            loaded.append(saved)
        num_update, rate = int(header["num_update"]), float(header["learning_rate"])
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error
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


def _lengths(parameter: Parameter) -> list[int] | None:
    return None if parameter.shape is None else list(parameter.shape)


def _encode(value: Any, arrays: dict[str, np.ndarray], where: str) -> Any:
    if value is None:
        return None
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
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
    raise TypeError(message)


def _decode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind == "array":
        return arrays[content].view(array_type())
    if kind == "number":
        return content
    if kind == "dict":
        return {key: _decode(each, arrays) for key, each in content.items()}
    items = [_decode(each, arrays) for each in content]
    return tuple(items) if kind == "tuple" else items


def _read(path: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    import json  # here, as in save_states

    from glueball import _npz  # here, because zipfile takes long to import

    try:
        arrays = _npz.read(path)
        header = json.loads(arrays.pop("header").tobytes())
        if header["format"] != _FORMAT or header["version"] != _VERSION:
            found = f"format {header['format']!r} of version {header['version']}"
            raise ValueError(found)
    except OSError:
        raise
    except (ValueError, TypeError, KeyError) as error:
        raise _unreadable(path, error) from error
    return header, arrays


def _unreadable(path: str, error: Exception) -> ArgumentError:
    return ArgumentError(
        f"expected a file that Trainer.save_states wrote, version {_VERSION}, found {path!r} "
        f"({type(error).__name__}: {error}); save the states with this version of glueball"
    )


def _check(
    header: dict[str, Any], path: str, optimizer: Optimizer, parameters: Sequence[Parameter]
) -> None:
    if header["optimizer"] != type(optimizer).__name__:
        message = (
            f"expected states of {type(optimizer).__name__}, the Trainer's optimizer, in '{path}', "
            f"found those of {header['optimizer']}; make the Trainer with the optimizer of the file"
        )
        raise ArgumentError(message)
    entries = header["parameters"]
    if len(entries) != len(parameters):
        message = (
            f"expected states of {len(parameters)} parameters in '{path}', found {len(entries)}; make "
            "the Trainer with the parameters that it was saved with"
        )
        raise ArgumentError(message)
    for entry, parameter in zip(entries, parameters, strict=True):
        if entry["shape"] is not None and not parameter._fits(entry["shape"]):
            message = (
                f"expected states of Parameter '{parameter.name}' of shape {parameter.shape} in "
                f"'{path}', found those of '{entry['name']}' of shape {tuple(entry['shape'])}; states "
                "go by the order of the parameters, a dict's by sorted names: make the Trainer with "
                "a list if names have changed"
            )
            raise ShapeError(message)
