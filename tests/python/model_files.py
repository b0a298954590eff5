"""One-file models by the format's description, right ones and others."""

from __future__ import annotations

import json
import struct

__all__ = ["architecture", "dense", "write"]


def dense(units, in_units, prefix="dense_", **changes):
    return {
        "kind": "Dense",
        "prefix": prefix,
        "units": units,
        "in_units": in_units,
        "use_bias": True,
        "flatten": True,
        "activation": None,
    } | changes


def architecture(*layers, **changes):
    net = {"kind": "HybridSequential", "prefix": "net_", "layers": list(layers)}
    head = {"format": "glueball.model", "version": 1, "dtype": "float32", "in_units": None}
    return head | {"net": net} | changes


def write(path, model, arrays, aliases=(), metadata=()):
    """Make a .safetensors file by the format's description, without glueball's writer."""
    texts = dict(aliases) | dict(metadata)
    if model is not None:
        texts["glueball.model"] = model if isinstance(model, str) else json.dumps(model)
    header, data = {"__metadata__": texts}, b""
    for key, array in arrays.items():
        begin, data = len(data), data + array.tobytes()
        dtype = f"{array.dtype.kind.upper()}{8 * array.itemsize}"
        offsets = [begin, len(data)]
        header[key] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
