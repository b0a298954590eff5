"""Arrays in a file beside the model, where protocol buffers cannot hold them: ONNX's external data."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from glueball._disk import open_file, whole, write_bytes
from glueball.base import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["read_external", "take_external", "write_beside"]

# Where arrays begin, so that runtimes can map them.
_PAGE = 4096
_DIGITS = 16


def write_beside(
    onnx: Any, model: Any, arrays: Sequence[tuple[str, np.ndarray[Any, Any]]], path: str
) -> None:
    """Write arrays to a file beside the model's, refer to them in the model, and write that.

    The file is called after its contents, ``net.onnx.<16 hexadecimal digits>.data``: until the new model stands in
    place of an old one, the old one's arrays are there. Then they go.

    Raises
    ------
    OSError
        If writing fails; an old model is untouched then, and nothing new is left.
    """
    data = f"{path}.{_digest(arrays)}.data"
    is_new = not os.path.lexists(data)
    with whole(data) as file:
        for name, array in arrays:
            file.write(bytes(-file.tell() % _PAGE))
            model.graph.initializer.append(
                _reference(onnx, name, array, os.path.basename(data), file.tell())
            )
            file.write(_bytes_of(array))
    try:
        write_bytes(path, model.SerializeToString())
    except BaseException:
        if is_new:
            os.unlink(data)
        raise
    for old in _data_of(path):
        if old != os.path.basename(data):
            os.unlink(os.path.join(os.path.dirname(path), old))


def _digest(arrays: Sequence[tuple[str, np.ndarray[Any, Any]]]) -> str:
    digest = hashlib.blake2b(digest_size=_DIGITS // 2)
    for name, array in arrays:
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(_bytes_of(array))
    return digest.hexdigest()


def _bytes_of(array: np.ndarray[Any, Any]) -> memoryview:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return little.reshape(-1).view(np.uint8).data


def _data_of(path: str) -> list[str]:
    """Return the names of the files of arrays that were written beside a model of that path."""
    pattern = re.compile(re.escape(os.path.basename(path)) + rf"\.[0-9a-f]{{{_DIGITS}}}\.data")
    return [each for each in os.listdir(os.path.dirname(path) or ".") if pattern.fullmatch(each)]


def _reference(
    onnx: Any, name: str, array: np.ndarray[Any, Any], location: str, offset: int
) -> Any:
    tensor = onnx.TensorProto(
        name=name,
        dims=array.shape,
        data_type=onnx.helper.np_dtype_to_tensor_dtype(array.dtype),
        data_location=onnx.TensorProto.EXTERNAL,
    )
    place = {"location": location, "offset": str(offset), "length": str(array.nbytes)}
    for key, value in place.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def take_external(onnx: Any, model: Any) -> list[Any]:
    """Take the initializers out of a model whose arrays are in other files, and declare them as inputs.

    What is left says all but those arrays' elements, and is small enough to be checked.
    """
    graph = model.graph
    external = [each for each in graph.initializer if _is_external(onnx, each)]
    inside = [each for each in graph.initializer if not _is_external(onnx, each)]
    declared = {each.name for each in graph.input}
    del graph.initializer[:]
    graph.initializer.extend(inside)
    graph.input.extend(
        onnx.helper.make_tensor_value_info(each.name, each.data_type, each.dims)
        for each in external
        if each.name not in declared
    )
    return external


def read_external(
    onnx: Any, model: Any, tensors: Sequence[Any], path: str
) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of tensors by name; put those of constant nodes into the model.

    Files are looked for in the model's folder and nowhere else, and opened once each.

    Raises
    ------
    FileFormatError
        If a file cannot be read, or a reference leads out of the folder, beyond a file's end, or does not fit the
        tensor.
    """
    with contextlib.ExitStack() as stack:
        files: dict[str, BinaryIO] = {}

        def array_of(tensor: Any) -> np.ndarray[Any, Any]:
            place = {each.key: each.value for each in tensor.external_data}
            location = _inside(os.path.dirname(path), place.get("location", ""), tensor.name)
            if location not in files:
                try:
                    files[location] = stack.enter_context(open_file(location))
                except OSError as error:
                    fault = (
                        f"tensor '{tensor.name}' in '{location}', which cannot be read ({error})"
                    )
                    raise FileFormatError(fault) from error
            return _read(onnx, tensor, place, files[location])

        for tensor in _constants(onnx, model):
            array = array_of(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
        return {tensor.name: array_of(tensor) for tensor in tensors}


def _is_external(onnx: Any, tensor: Any) -> bool:
    return bool(tensor.data_location == onnx.TensorProto.EXTERNAL)


def _constants(onnx: Any, model: Any) -> Iterator[Any]:
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t") and _is_external(onnx, attribute.t):
                yield attribute.t


def _read(onnx: Any, tensor: Any, place: dict[str, str], file: BinaryIO) -> np.ndarray[Any, Any]:
    known = tensor.data_type in onnx.helper.get_all_tensor_dtypes()
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type) if known else "O")
    if dtype.kind not in "biuf" or any(length < 0 for length in tensor.dims):
        fault = (
            f"tensor '{tensor.name}' of type {tensor.data_type} and shape {list(tensor.dims)} in another "
            "file, which no array of numbers has"
        )
        raise FileFormatError(fault)
    size = math.prod(tensor.dims) * dtype.itemsize
    end = os.fstat(file.fileno()).st_size
    offset = _count(place, "offset", 0, tensor.name)
    length = _count(place, "length", max(end - offset, 0), tensor.name)
    if length != size or offset + length > end:
        fault = (
            f"tensor '{tensor.name}' of {size} bytes as {length} bytes from {offset} on of "
            f"'{place['location']}', which has {end}"
        )
        raise FileFormatError(fault)
    array = np.empty(tuple(tensor.dims), dtype.newbyteorder("<"))
    file.seek(offset)
    if size and file.readinto(_bytes_of(array)) != size:  # type: ignore[attr-defined]
        fault = f"tensor '{tensor.name}' in '{place['location']}', which became shorter"
        raise FileFormatError(fault)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _inside(folder: str, location: str, name: str) -> str:
    """Return the path of a file in the model's folder, links followed; refuse any other."""
    root = os.path.realpath(folder or ".")
    is_name = bool(location) and "\0" not in location and not os.path.isabs(location)
    path = os.path.realpath(os.path.join(root, location)) if is_name else ""
    if not path or os.path.commonpath([root, path]) != root:
        fault = f"tensor '{name}' in {location!r}, which is not in the model's folder"
        raise FileFormatError(fault)
    return path


def _count(place: dict[str, str], key: str, default: int, name: str) -> int:
    text = place.get(key)
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,19}", text):
        fault = (
            f"tensor '{name}' with the {key} {text[:80]!r} in another file, which is not a count"
        )
        raise FileFormatError(fault)
    return int(text)
