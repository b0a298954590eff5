"""Damage to files, from a seed: of bytes, and of what formats keep in them, which damaged bytes seldom reach."""

from __future__ import annotations

import copy
import io
import json
import math
import struct
import zipfile

import numpy as np

__all__ = ["damaged", "mutated_json"]

_ODD_NUMBERS = (0, -1, 1, 2**31, 2**63 - 1, 2**63, 2**64, 2**70, -(2**70), 10**400)
_ODD_VALUES = (
    None, True, False, *_ODD_NUMBERS, 0.5, -0.0, 1e308, math.nan, math.inf, -math.inf, "", "x", "0",
    "\ud800", "a" * 300, [], {}, [[]], [None], {"": None}, {"array": "0"}, {"number": "x"}, [1, [2]],
)  # fmt: skip
# Deeper than Python's readers go, and less deep than they go.
_NESTS = (20, 400, 5000)


def damaged(rng, name, data):
    """Return the contents of a file of that name, damaged: one way in two inside of what it holds."""
    if rng.random() < 0.5:
        for ending, change in _INSIDE.items():
            if name.endswith(ending):
                return change(rng, data)
    return _bytes(rng, data)


def mutated_json(rng, text):
    """Return a JSON text in which one to three values are others, missing, or there twice."""
    value = json.loads(text)
    for _ in range(int(rng.integers(1, 4))):
        value = _changed(rng, value)
    made = json.dumps(value, ensure_ascii=bool(rng.integers(2)))
    if rng.random() < 0.1:
        depth = int(rng.choice(_NESTS))
        inner = (
            '{"a":' * depth + "1" + "}" * depth if rng.integers(2) else "[" * depth + "]" * depth
        )
        places = [i for i, letter in enumerate(made) if letter in ",:"]
        at = int(rng.choice(places)) + 1 if places else 0
        made = made[:at] + inner + ("," if made[at - 1 : at] == "," else "") + made[at:]
    return made


def _places(value, found, path=()):
    found.append(path)
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        if isinstance(each, dict | list):
            _places(each, found, (*path, key))
        else:
            found.append((*path, key))


def _changed(rng, value):
    if not isinstance(value, dict | list):
        return _odd(rng, value)
    found: list = []
    _places(value, found)
    path = found[int(rng.integers(len(found)))]
    if not path:
        return _odd(rng, value) if rng.random() < 0.3 else value
    return _replace(rng, value, path)


def _replace(rng, root, path):
    holder = root
    for key in path[:-1]:
        holder = holder[key]
    key = path[-1]
    way = int(rng.integers(6))
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, list):
        holder.insert(int(rng.integers(len(holder) + 1)), holder[key])
    elif way == 1:
        holder[key + "x"] = holder.pop(key)
    elif way == 2 and len(holder) > 1:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        other = keys[int(rng.integers(len(keys)))]
        holder[key], holder[other] = holder[other], holder[key]
    else:
        holder[key] = _odd(rng, holder[key])
    return root


def _odd(rng, value):
    if isinstance(value, int | float) and rng.integers(2):
        return _ODD_NUMBERS[int(rng.integers(len(_ODD_NUMBERS)))]
    return copy.deepcopy(_ODD_VALUES[int(rng.integers(len(_ODD_VALUES)))])


def _bytes(rng, data):
    made = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        size = len(made)
        if not size:
            break
        at = int(rng.integers(size))
        way = int(rng.integers(7))
        if way == 0:
            made[at] ^= 1 << int(rng.integers(8))
        elif way == 1:
            made[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF, 0x7B, 0x22]))
        elif way == 2:
            del made[at:]
        elif way == 3:  # a piece of it somewhere else
            begin = int(rng.integers(size))
            made[at:at] = made[begin : begin + int(rng.integers(1, 40))]
        elif way == 4:
            del made[at : at + int(rng.integers(1, 20))]
        elif way == 5:
            odd = _ODD_NUMBERS[int(rng.integers(len(_ODD_NUMBERS)))] % 2**64
            made[at : at + 8] = struct.pack("<Q", odd)
        else:
            made[at : at + 4] = bytes(4)
    return bytes(made)


def _safetensors(rng, data):
    (size,) = struct.unpack("<Q", data[:8])
    header, rest = data[8 : 8 + size], data[8 + size :]
    model = json.loads(header).get("__metadata__", {}).get("glueball.model")
    if model and rng.random() < 0.7:
        changed = json.loads(header)
        changed["__metadata__"]["glueball.model"] = mutated_json(rng, model)
        text = json.dumps(changed).encode()
    else:
        text = mutated_json(rng, header).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + rest


def _json(rng, data):
    return mutated_json(rng, data).encode("utf-8", "surrogatepass")


def _npz(rng, data):
    """Change the header of a Trainer's states, or an array of an archive."""
    with np.load(io.BytesIO(data)) as archive:
        arrays = dict(archive)
    names = list(arrays)
    name = (
        "header"
        if "header" in arrays and rng.random() < 0.8
        else names[int(rng.integers(len(names)))]
    )
    if name == "header":
        text = mutated_json(rng, arrays[name].tobytes()).encode("utf-8", "surrogatepass")
        arrays[name] = np.frombuffer(text, np.uint8)
    else:
        changes = (
            lambda a: a.reshape(-1), lambda a: a[None], lambda a: a[:0], lambda a: a.astype("i4"),
            lambda a: a.astype("f8"), lambda a: a.astype("c8"), lambda a: a.astype(">f4"),
            lambda a: a.astype("?"), lambda a: np.full(a.shape, np.nan), lambda a: np.zeros((0, 2**40), "u1"),
            lambda a: None,
        )  # fmt: skip
        made = changes[int(rng.integers(len(changes)))](arrays.pop(name))
        if made is not None:
            arrays[name] = made
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for key, value in arrays.items():
            with archive.open(f"{key}.npy", "w") as member:
                np.lib.format.write_array(member, value)
    return out.getvalue()


def _onnx(rng, data):
    """Change fields of a model's messages."""
    import onnx

    model = onnx.load_model_from_string(data)
    for _ in range(int(rng.integers(1, 3))):
        messages = list(_messages(model))
        _change_message(rng, messages[int(rng.integers(len(messages)))])
    return model.SerializePartialToString()


def _messages(message):
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if _is_repeated(field) else [value]:
                yield from _messages(each)


def _is_repeated(field):
    return (
        field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    )


def _change_message(rng, message):
    fields = message.DESCRIPTOR.fields
    present = [field for field, _ in message.ListFields()]
    if present and rng.random() < 0.8:
        fields = present
    field = fields[int(rng.integers(len(fields)))]
    if rng.random() < 0.2:
        message.ClearField(field.name)
        return
    if field.message_type is not None:
        value = getattr(message, field.name)
        if not _is_repeated(field):
            value.SetInParent()
        elif len(value) and rng.integers(2):
            del value[int(rng.integers(len(value)))]
        elif len(value):
            value.add().CopyFrom(value[int(rng.integers(len(value)))])
        else:
            value.add()
        return
    odd = _odd_field(rng, field)
    if not _is_repeated(field):
        setattr(message, field.name, odd)
        return
    value = getattr(message, field.name)
    if len(value) and rng.integers(2):
        value[int(rng.integers(len(value)))] = odd
    else:
        value.append(odd)


def _odd_field(rng, field):
    kinds = type(field)
    choices = {
        kinds.CPPTYPE_INT32: (0, -1, 1, 2, 7, 11, 99, 2**31 - 1, -(2**31)),
        kinds.CPPTYPE_INT64: (0, -1, 1, 2, 3, 4, 2**31, 2**40, 2**63 - 1, -(2**63)),
        kinds.CPPTYPE_UINT64: (0, 1, 2**64 - 1),
        kinds.CPPTYPE_FLOAT: (0.0, -1.0, 1e38, math.nan, math.inf),
        kinds.CPPTYPE_DOUBLE: (0.0, -1.0, 1e308, math.nan),
        kinds.CPPTYPE_ENUM: tuple(each.number for each in field.enum_type.values) if field.enum_type else (0,),
        kinds.CPPTYPE_STRING: ("", "x", "input", "output", "0.weight", "Relu", "Gemm", "Transpose", "Cast", "Softmax"),
    }.get(field.cpp_type, (0,))  # fmt: skip
    if field.type == field.TYPE_BYTES:
        choices = (b"", b"x", b"\xff\xfe", b"none", bytes(64))
    return choices[int(rng.integers(len(choices)))]


_INSIDE = {
    ".safetensors": _safetensors, ".json": _json, ".npz": _npz, ".states": _npz, ".onnx": _onnx,
}  # fmt: skip
