"""Files put together byte by byte, by the formats' descriptions and with nothing of glueball's."""

from __future__ import annotations

import json
import struct

import numpy as np

# By MXNet's number of the type.
MXNET_DTYPES = ["float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool"]


def safetensors(header: object, data: bytes = b"") -> bytes:
    """Make a .safetensors file of a header (bytes, or what JSON makes of it) and data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str, shape: list[object], begin: object, end: object) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def params_array(value: np.ndarray, version: int = 2, device: tuple[int, int] = (1, 0)) -> bytes:
    """One array as MXNet writes it."""
    if version == 0:
        shape = struct.pack(f"<I{value.ndim}I", value.ndim, *value.shape)
    else:
        shape = struct.pack("<I", 0xF993FAC7 + version)
        shape += struct.pack("<i", 0) if version >= 2 else b""
        shape += struct.pack(f"<i{value.ndim}q", value.ndim, *value.shape)
    code = MXNET_DTYPES.index(value.dtype.name)
    return shape + struct.pack("<iii", *device, code) + np.ascontiguousarray(value).tobytes()


def params_file(arrays: list[bytes], names: list[bytes] | None = None) -> bytes:
    """MXNet's file of arrays; without names it is a list."""
    names = names or []
    parts = [struct.pack("<QQQ", 0x112, 0, len(arrays)), *arrays, struct.pack("<Q", len(names))]
    parts.extend(struct.pack("<Q", len(name)) + name for name in names)
    return b"".join(parts)
