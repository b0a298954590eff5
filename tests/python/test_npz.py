"""`.npz` archives: NumPy's, both ways, and none that blows up or runs code."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import nd
from glueball.base import FileFormatError

DTYPES = ["f4", "f8", "f2", "i8", "i4", "i2", "i1", "u1", "u2", "u4", "u8", "?", "c8", ">f4", ">i2"]


def npy(descr="'<f4'", order="False", shape="(2,)", data=bytes(8), text=None):
    text = text or f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    header = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def archive(path, entries, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in entries:
            file.writestr(name, content)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_numpys_archives_are_read(tmp_path, save):
    path = tmp_path / "a.npz"
    arrays = {dtype: np.arange(6).reshape(2, 3).astype(dtype) for dtype in DTYPES}
    arrays["fortran"] = np.asfortranarray(np.arange(24.0).reshape(2, 3, 4))
    arrays["scalar"] = np.array(2.5)
    arrays["none"] = np.empty((0, 3))
    save(path, **arrays)

    found = nd.load(path)

    assert list(found) == list(arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(found[name].asnumpy().reshape(value.shape), value)
        assert found[name].dtype == value.dtype.newbyteorder("=")


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
        st.tuples(
            st.sampled_from(DTYPES[:12]), st.lists(st.integers(1, 3), min_size=1, max_size=4)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_numpy_reads_what_we_write(tmp_path_factory, arrays):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    values = {name: np.ones(shape, dtype) for name, (dtype, shape) in arrays.items()}
    nd.save(path, {name: nd.from_numpy(value) for name, value in values.items()})

    with np.load(path, allow_pickle=False) as found:
        assert sorted(found.files) == sorted(values)
        for name, value in values.items():
            np.testing.assert_array_equal(found[name], value)
            assert found[name].dtype == value.dtype


def test_equal_arrays_give_equal_files(tmp_path):
    for name in ("a.npz", "b.npz"):
        nd.save(tmp_path / name, {"w": nd.ones((2, 2))})

    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


FAULTS = {
    "objects": npy("'|O'"),
    "text": npy("'<U2'"),
    "a structure": npy("[('a', '<f4')]"),
    "code": npy("__import__('os').getcwd()"),
    "no dict": npy(text="()"),
    "another order of keys": npy(text="{'shape': (2,), 'descr': '<f4', 'fortran_order': False, }"),
    "an expression as shape": npy(shape="(1+1,)"),
    "a negative length": npy(shape="(-2,)"),
    "fewer bytes than the shape says": npy(shape="(3,)"),
    "more bytes than the shape says": npy(shape="(1,)"),
    "an enormous shape": npy(shape="(99999999999999999,)"),
    "a shape that overflows": npy(shape="(4294967296, 4294967296, 4294967296, 4294967296)"),
    "a dtype of no size": npy("'<f0'"),
    "a dtype of an odd size": npy("'<f5'"),
    "no magic": b"NUMPY" + npy(),
    "an unknown version": npy()[:6] + b"\x09" + npy()[7:],
    "a header that ends too early": npy()[:20],
    "nothing": b"",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_entry_that_is_not_an_array_of_numbers_is_refused_and_nothing_runs(tmp_path, fault):
    path = archive(tmp_path / "a.npz", [("x.npy", FAULTS[fault])])

    with pytest.raises(
        FileFormatError, match=r"expected an \.npz file of arrays in '.*a\.npz', found "
    ):
        nd.load(path)


def test_entries_of_other_kinds_and_names_that_repeat_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match=r"entry 'readme\.txt', which is not an \.npy file"):
        nd.load(archive(tmp_path / "a.npz", [("readme.txt", b"x")]))
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive(tmp_path / "b.npz", [("x.npy", npy()), ("x.npy", npy())])
    with pytest.raises(FileFormatError, match="array 'x' twice"):
        nd.load(tmp_path / "b.npz")
    with pytest.raises(FileFormatError, match="compressed by method 14"):
        nd.load(archive(tmp_path / "c.npz", [("x.npy", npy())], zipfile.ZIP_LZMA))


def test_paths_as_names_are_names_and_nothing_is_written(tmp_path):
    archive(tmp_path / "a.npz", [("../../x.npy", npy()), ("/etc/y.npy", npy())])

    assert list(nd.load(tmp_path / "a.npz")) == ["../../x", "/etc/y"]
    assert [each.name for each in tmp_path.iterdir()] == ["a.npz"]


def test_a_wrong_checksum_is_found(tmp_path):
    content = archive(tmp_path / "a.npz", [("x.npy", npy())]).read_bytes()
    data_end = content.index(b"PK\x01\x02")
    (tmp_path / "a.npz").write_bytes(content[: data_end - 1] + b"\x01" + content[data_end:])

    with pytest.raises(FileFormatError, match="Bad CRC-32"):
        nd.load(tmp_path / "a.npz")


def bomb(path, claimed, actual):
    """Make an archive of one entry: zeros that are `actual` many and claimed to be `claimed`."""
    head = npy(shape=f"({claimed // 4},)", data=b"")
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = stream.compress(head)
    for _ in range(actual // (1 << 20)):
        packed += stream.compress(bytes(1 << 20))
    packed += stream.flush()
    size = len(head) + claimed
    local = (
        struct.pack("<4sHHHHHLLLHH", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(packed), size, 5, 0)
        + b"x.npy"
    )
    central = struct.pack(
        "<4sHHHHHHLLLHHHHHLL", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(packed), size, 5, 0, 0, 0, 0, 0, 0
    ) + b"x.npy"  # fmt: skip
    end = struct.pack(
        "<4sHHHHLLH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local) + len(packed), 0
    )
    path.write_bytes(local + packed + central + end)
    return path


def test_a_bomb_is_refused_before_memory_is_taken(tmp_path):
    claims_more = bomb(tmp_path / "a.npz", claimed=1 << 31, actual=1 << 21)
    hides_more = bomb(tmp_path / "b.npz", claimed=1 << 20, actual=1 << 27)

    tracemalloc.start()
    try:
        with pytest.raises(
            FileFormatError, match="which is more than a file of its size should hold"
        ):
            nd.load(claims_more)
        with pytest.raises(FileFormatError):
            nd.load(hides_more)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_names_that_a_zip_archive_cannot_hold_are_refused(tmp_path):
    for name in ("a\0b", "n" * 70_000):
        with pytest.raises(ValueError, match="without zero characters and of at most 60000 bytes"):
            nd.save(tmp_path / "a.npz", {name: nd.ones(1)})
    assert list(tmp_path.iterdir()) == []


def test_an_empty_archive_is_an_empty_list(tmp_path):
    np.savez(tmp_path / "a.npz")

    assert nd.load(tmp_path / "a.npz") == []
