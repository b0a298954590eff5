"""Writes the seed corpora: small valid files of every kind, from which the fuzzer starts.

    python tests/fuzz/make_corpus.py FOLDER

makes FOLDER/safetensors, FOLDER/params, FOLDER/json and FOLDER/model. Built with struct and json alone, by the formats'
descriptions.
"""

from __future__ import annotations

import json
import pathlib
import struct
import sys

BITS = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "U8": 8, "I8": 8, "F8_E4M3": 8, "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip
# By the number that MXNet gives the type.
SIZES = [4, 8, 2, 1, 4, 1, 8, 1, 2, 2, 4, 8, 2]


def safetensors(arrays: dict[str, tuple[str, list[int]]], metadata=None) -> bytes:
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, (dtype, shape) in arrays.items():
        bits = BITS[dtype]
        for length in shape:
            bits *= length
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + bits // 8]}
        end += bits // 8
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(i % 251 for i in range(end))


def params(version: int, arrays: list[tuple[int, tuple[int, ...]]], names: list[str]) -> bytes:
    parts = [struct.pack("<QQQ", 0x112, 0, len(arrays))]
    for code, shape in arrays:
        if version == 0:
            parts.append(struct.pack(f"<I{len(shape)}I", len(shape), *shape))
        else:
            storage = struct.pack("<i", 0) if version > 1 else b""
            parts.append(struct.pack("<I", 0xF993FAC7 + version) + storage)
            parts.append(struct.pack(f"<i{len(shape)}q", len(shape), *shape))
        count = SIZES[code]
        for length in shape:
            count *= length
        parts.append(struct.pack("<iii", 1, 0, code) + bytes(i % 251 for i in range(count)))
    parts.append(struct.pack("<Q", len(names)))
    parts.extend(struct.pack("<Q", len(each)) + each.encode() for each in names)
    return b"".join(parts)


def architecture() -> bytes:
    """Every kind of layer that needs no more arrays than fuzz_model.cpp has."""
    common = {"use_bias": True, "flatten": True, "activation": None}
    layers = [
        {"kind": "Dense", "prefix": "a_", "units": 2, "in_units": 3, **common},
        {
            "kind": "HybridSequential",
            "prefix": "b_",
            "layers": [
                {
                    "kind": "Dense", "prefix": "c_", "parameters": "d_", "units": 2, "in_units": 2,
                    **common, "activation": "leaky_relu", "alpha": 0.3,
                }
            ],
        },
        {"kind": "Activation", "prefix": "", "function": "tanh"},
        {"kind": "Dropout", "prefix": "", "rate": 0.5, "axes": [0, -1]},
        *({"kind": kind, "prefix": "", "alpha": 0.5} for kind in ("ELU", "LeakyReLU")),
        {"kind": "Swish", "prefix": "", "beta": 1.5},
        *({"kind": kind, "prefix": ""} for kind in ("Flatten", "GELU", "Identity", "SELU", "SiLU")),
    ]  # fmt: skip
    head = {"format": "glueball.model", "version": 1, "dtype": "float32", "in_units": 3}
    net = {"kind": "HybridSequential", "prefix": "net_", "layers": layers}
    return json.dumps(head | {"net": net}).encode()


def corpora() -> dict[str, list[bytes]]:
    every = {dtype: (dtype, [8]) for dtype in BITS}
    return {
        "safetensors": [
            safetensors({}),
            safetensors(
                {"0.weight": ("F32", [2, 3]), "0.bias": ("F32", [2])}, {"1.bias": "0.bias"}
            ),
            safetensors(every),
            safetensors({"0": ("F64", []), "1": ("F32", [0, 4])}, {"glueball.list": "true"}),
        ],
        "params": [
            params(2, [], []),
            params(2, [(0, (2, 3)), (0, (2,))], ["0.weight", "0.bias"]),
            params(2, [(code, (3,)) for code in range(13)], []),
            *(params(version, [(1, (1, 2))], ["arg:w"]) for version in (0, 1, 3)),
            params(3, [(0, ()), (6, (0, 2))], ["s", "n"]),
        ],
        "json": [
            b'{"a": [1, -2.5e-1, true, false, null], "b": {"c": "\\u00e9\\n"}}',
            b"[]",
            b'"\\ud83d\\ude00"',
            b"[[[[1]]], {}, 0.1, 1e300]",
        ],
        "model": [architecture()],
    }


def main() -> None:
    for reader, files in corpora().items():
        folder = pathlib.Path(sys.argv[1], reader)
        folder.mkdir(parents=True, exist_ok=True)
        for i, content in enumerate(files):
            (folder / f"seed-{i}").write_bytes(content)


if __name__ == "__main__":
    main()
