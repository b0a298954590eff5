"""Arrays of other libraries as NumPy arrays, and their names as paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from glueball.base import ArgumentError, GlueballTypeError

__all__ = ["Layer", "describe", "layers_in", "to_numpy"]

# Flax keeps what is trained apart from what is not; a layer's arrays are in both.
_COLLECTIONS = ("params", "batch_stats")


class Layer:
    """The arrays of one layer elsewhere.

    Attributes
    ----------
    path : str
        Where the layer stands, with dots: ``'encoder.0'``.
    arrays : dict of str to numpy.ndarray
        By the last part of their names: ``'weight'``.
    names : dict of str to str
        The names as they were given, by the same keys.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}
        self.names: dict[str, str] = {}


def to_numpy(value: Any, name: str) -> np.ndarray[Any, Any]:
    """Return an array of real numbers.

    Takes what NumPy takes, PyTorch tensors of any device, with gradients or without, and the short
    floats that NumPy has no type for, as float32.

    Raises
    ------
    TypeError
        If it is not an array of real numbers.
    """
    for step in ("detach", "cpu"):
        if hasattr(value, step):
            value = getattr(value, step)()
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":
        value = value.float()
    try:
        array = np.asarray(value)
        if array.dtype.kind == "V" and "float" in array.dtype.name:  # ml_dtypes'
            array = array.astype(np.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        found = f"{type(value).__name__} ({error})"
    else:
        if array.dtype.kind in "biuf":
            return array
        found = f"{type(value).__name__} of dtype {array.dtype}"
    message = (
        f"expected an array of real numbers as '{name}', found {found}; pass tensors or arrays, as a "
        "state_dict or get_weights() holds them"
    )
    raise GlueballTypeError(message)


def layers_in(weights: Any) -> list[Layer]:
    """Return the layers of a mapping from names to arrays, flat or nested, in its order.

    Of layers that differ only in a number at the end, those with the lower numbers come first: files
    are often sorted by letters, which puts 10 before 2.

    Raises
    ------
    TypeError
        If it is not a mapping of names to arrays.
    """
    if not isinstance(weights, Mapping):
        message = (
            f"expected a mapping from names to arrays, found {type(weights).__name__}; pass "
            "module.state_dict(), or a dict"
        )
        raise GlueballTypeError(message)
    layers: dict[str, Layer] = {}
    for name, value in _flat(weights, ""):
        parts = [part for part in re.split(r"[./]", name.partition(":")[0]) if part]
        if parts and parts[0] in _COLLECTIONS:
            parts = parts[1:]
        path, local = ".".join(parts[:-1]), parts[-1] if parts else name
        layer = layers.setdefault(path, Layer(path))
        if local in layer.arrays:
            message = (
                f"expected one array for each place, found '{layer.names[local]}' and '{name}', which both "
                f"name '{'.'.join(parts)}'; leave one of them out"
            )
            raise ArgumentError(message)
        layer.arrays[local] = to_numpy(value, name)
        layer.names[local] = name
    return _by_number(list(layers.values()))


def _flat(weights: Mapping[Any, Any], prefix: str) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in weights.items():
        if not isinstance(key, str):
            message = f"expected str as names of arrays, found {key!r}; pass a dict by name"
            raise GlueballTypeError(message)
        if isinstance(value, Mapping):
            flat += _flat(value, f"{prefix}{key}.")
        else:
            flat.append((prefix + key, value))
    return flat


def _by_number(layers: list[Layer]) -> list[Layer]:
    places: dict[str, list[int]] = {}
    for place, layer in enumerate(layers):
        # Keras calls the first one 'dense', and the next 'dense_1'.
        stem = re.sub(r"_?\d+", "#", layer.path).rstrip("#")
        places.setdefault(stem, []).append(place)
    ordered = list(layers)
    for alike in places.values():
        by_number = sorted(alike, key=lambda place: _numbers(layers[place].path))
        for place, source in zip(alike, by_number, strict=True):
            ordered[place] = layers[source]
    return ordered


def _numbers(path: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path)]


def describe(layers: list[Layer]) -> str:
    """Return names and shapes of the layers' arrays, for a message."""
    return ", ".join(
        f"'{layer.names[local]}' {array.shape}"
        for layer in layers
        for local, array in layer.arrays.items()
    )
