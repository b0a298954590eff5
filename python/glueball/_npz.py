"""NumPy's `.npz` archives, without pickle and without trust.

An archive is a zip file of `.npy` files. What an entry says of itself is checked before memory is taken
for it, and what may come of a file in all is bounded, so that no archive can blow up.
"""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from glueball._disk import whole
from glueball.base import ArgumentError, FileFormatError

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Mapping

__all__ = ["read", "write"]

# Compressed numbers shrink to a hundredth at best, unless they are hardly more than zeros.
_LEAST_LIMIT = 1 << 30
_LARGEST_GAIN = 100

_METHODS = (0, 8)  # zipfile's ZIP_STORED and ZIP_DEFLATED

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 1 << 16
# Exactly what NumPy writes; its own reader evaluates the text as Python, which is far more than needed.
_HEADER = (
    rb"\{'descr': '([<>|=][biufc][0-9]{1,2})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:[0-9]{1,19}L?, ?)*(?:[0-9]{1,19}L?)?)\),? *\} *\n?"
)


def write(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an archive as `numpy.savez` does, at once or not at all.

    Raises
    ------
    OSError
        If writing fails; an old file is untouched then.
    ValueError
        For a name that a zip archive cannot hold.
    """
    for name in arrays:
        if "\0" in name or len(name.encode()) > 60000:
            message = (
                f"expected names without zero characters and of at most 60000 bytes for an .npz file, "
                f"found {name[:80]!r}; rename the array"
            )
            raise ArgumentError(message)
    import zipfile  # here, because it takes long to import

    with (
        whole(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, value in arrays.items():
            # Not numpy.savez, which has no room for an array that is called 'file'. A ZipInfo of
            # our own has no time in it: equal arrays give equal files.
            entry = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, value, allow_pickle=False)


def read(file: BinaryIO) -> dict[str, np.ndarray]:
    """Read an archive that is open; every array is new, in C order and native byte order.

    The caller names the file, by `reading`: zipfile, zlib and NumPy raise whatever a hostile archive makes them.

    Raises
    ------
    FileFormatError
        If it holds anything but arrays of numbers, or would become unreasonably large.
    """
    import zipfile  # here, as in write

    with zipfile.ZipFile(file) as archive:
        limit = max(_LEAST_LIMIT, _LARGEST_GAIN * os.fstat(file.fileno()).st_size)
        return _read_entries(archive, limit)


def _read_entries(archive: zipfile.ZipFile, limit: int) -> dict[str, np.ndarray]:
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    if total > limit:
        fault = f"{total} bytes when unpacked, which is more than a file of its size should hold"
        raise FileFormatError(fault)
    arrays: dict[str, np.ndarray] = {}
    for entry in entries:
        name = entry.filename.removesuffix(".npy")
        if name == entry.filename:
            fault = f"entry {entry.filename!r}, which is not an .npy file"
            raise FileFormatError(fault)
        if name in arrays:
            fault = f"array {name!r} twice"
            raise FileFormatError(fault)
        if entry.compress_type not in _METHODS:
            fault = f"array {name!r} compressed by method {entry.compress_type}"
            raise FileFormatError(fault)
        with archive.open(entry) as member:
            arrays[name] = _read_array(member, entry.file_size, name)
    return arrays


def _read_array(member: Any, size: int, name: str) -> np.ndarray:
    dtype, fortran_order, shape, header_size = _read_header(member, name)
    if math.prod(shape) * dtype.itemsize != size - header_size:
        fault = f"array {name!r} of shape {shape} and dtype {dtype} in {size} bytes"
        raise FileFormatError(fault)
    values = np.empty(shape[::-1] if fortran_order else shape, dtype)
    # As bytes, which arrays of no elements do not let themselves be cast to.
    left = values.reshape(-1).view(np.uint8).data if values.size else memoryview(b"")
    while left:
        count = member.readinto(left)
        if not count:
            fault = f"array {name!r} that ends too early"
            raise FileFormatError(fault)
        left = left[count:]
    if member.read(1):  # reading to the end is also what makes zipfile compare the checksum
        fault = f"array {name!r} with trailing bytes"
        raise FileFormatError(fault)
    if fortran_order:
        values = values.T
    return np.ascontiguousarray(values, dtype.newbyteorder("=")).reshape(shape)


def _read_header(member: Any, name: str) -> tuple[np.dtype[Any], bool, tuple[int, ...], int]:
    start = member.read(8)
    if start[:6] != _MAGIC or start[6:7] not in (b"\x01", b"\x02", b"\x03"):
        fault = f"array {name!r} that does not begin as an .npy file"
        raise FileFormatError(fault)
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(member.read(width), "little")
    text = member.read(min(length, _LONGEST_HEADER))
    found = re.fullmatch(_HEADER, text)
    if found is None or len(text) != length:
        fault = (
            f"array {name!r} with a header that does not describe numbers, {text[:80].rstrip()!r}"
        )
        raise FileFormatError(fault)
    descr, order, lengths = found.groups()
    shape = tuple(int(each.rstrip(b"L")) for each in re.findall(rb"[0-9]+", lengths))
    return np.dtype(descr.decode()), order == b"True", shape, 8 + width + length
