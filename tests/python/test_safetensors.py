"""`.safetensors` files: both ways against the `safetensors` package, and its verdict on malformed ones."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from file_formats import entry
from file_formats import safetensors as file_of
from glueball import _files, init, nd
from glueball.base import FileFormatError
from glueball.gluon import nn

DTYPES = [
    "float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32",
    "uint64", "bool", "complex64",
]  # fmt: skip


def some_arrays():
    rng = np.random.default_rng(1)
    arrays = {f"a.{dtype}": (rng.random((3, 2)) * 9).astype(dtype) for dtype in DTYPES}
    arrays["scalar"] = np.array(2.5, "float32")
    arrays["none"] = np.empty((0, 3), "float32")
    arrays['größe\n"\\'] = np.arange(5, dtype="int16")
    return arrays


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        np.testing.assert_array_equal(np.asarray(found[name]), value, err_msg=name)


# Both ways


def test_the_package_reads_what_we_write(tmp_path):
    path = tmp_path / "a.safetensors"
    _files.write(path, some_arrays(), metadata={"k": "ä\n"})

    assert_same(safetensors.numpy.load_file(path), some_arrays())
    with safetensors.safe_open(path, "np") as file:
        assert file.metadata() == {"k": "ä\n"}


def test_we_read_what_the_package_writes(tmp_path):
    path = tmp_path / "a.whatever"
    safetensors.numpy.save_file(some_arrays(), path, metadata={"k": "ä\n", "l": ""})

    found = _files.read(path)

    assert found.metadata == {"k": "ä\n", "l": ""}
    expected = some_arrays()
    assert_same({name: each.to_numpy() for name, each in found.arrays.items()}, expected)


def test_files_are_equal_byte_by_byte(tmp_path):
    _files.write(tmp_path / "ours.safetensors", some_arrays(), metadata={"k": 'q"\\\x01\x7fé/\b'})
    safetensors.numpy.save_file(
        some_arrays(), tmp_path / "theirs", metadata={"k": 'q"\\\x01\x7fé/\b'}
    )

    assert (tmp_path / "ours.safetensors").read_bytes() == (tmp_path / "theirs").read_bytes()


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter("__metadata__".__ne__),
        st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=4)),
        max_size=6,
    )
)
def test_any_names_shapes_and_dtypes_go_both_ways(tmp_path_factory, arrays):
    folder = tmp_path_factory.mktemp("any")
    values = {name: np.ones(shape, dtype) for name, (dtype, shape) in arrays.items()}
    # Each array has memory of its own, so that none becomes another name of one.
    _files.write(folder / "x.safetensors", values)

    assert (folder / "x.safetensors").read_bytes() == safetensors.numpy.save(values)
    assert_same(
        {k: v.to_numpy() for k, v in _files.read(folder / "x.safetensors").arrays.items()}, values
    )


def test_arrays_in_other_orders_are_written_as_their_numbers(tmp_path):
    path = tmp_path / "a.safetensors"
    base = np.arange(24, dtype=">f4").reshape(4, 6)

    _files.write(path, {"transposed": base.T, "strided": base[::2, ::3]})

    assert_same(
        safetensors.numpy.load_file(path),
        {"transposed": base.T.astype("f4"), "strided": base[::2, ::3].astype("f4")},
    )


def test_bfloat16_becomes_float32_and_small_floats_are_refused_by_name(tmp_path):
    path = tmp_path / "a.safetensors"
    bits = np.array([1.5, -2.0, 3.0e38], "float32").view("uint32") >> 16
    path.write_bytes(file_of({"b": entry("BF16", [3], 0, 6)}, bits.astype("uint16").tobytes()))
    found = nd.load(path)["b"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.asnumpy(), (bits << 16).astype("uint32").view("float32"))

    path.write_bytes(file_of({"tiny": entry("F8_E4M3", [3], 0, 3)}, b"abc"))
    assert _files.read(path).arrays["tiny"].dtype == "F8_E4M3"
    with pytest.raises(TypeError, match=r"as 'tiny', found dtype F8_E4M3"):
        nd.load(path)


# Lists, and several names of one array


def test_lists_come_back_as_lists_in_order(tmp_path):
    path = tmp_path / "a.safetensors"
    values = [nd.array([i], dtype="float64" if i % 2 else "float32") for i in range(12)]
    nd.save(path, values)

    found = nd.load(path)

    assert isinstance(found, list)
    assert [float(each.asnumpy()[0]) for each in found] == list(range(12))


def test_one_array_under_two_names_is_stored_once_and_read_back_tied(tmp_path):
    path = tmp_path / "a.safetensors"
    shared = nd.ones((2, 2))
    nd.save(path, {"first": shared, "other": shared, "equal": nd.ones((2, 2)), "row": shared[0:1]})

    with safetensors.safe_open(path, "np") as file:
        assert sorted(file.keys()) == ["equal", "first", "row"]
        assert file.metadata() == {"other": "first"}
    found = nd.load(path)
    assert found["other"] is found["first"]
    assert found["equal"] is not found["first"]


def test_a_tied_layer_is_stored_once_and_loads_into_nets_tied_or_not(tmp_path):
    path = tmp_path / "net.safetensors"

    def build(tied):
        net = nn.Sequential()
        net.add(nn.Dense(3, in_units=3))
        net.add(nn.Dense(3, in_units=3, params=net[0].params if tied else None))
        return net

    net = build(tied=True)
    net.initialize(init.Normal(1))
    net.save_parameters(path)

    with safetensors.safe_open(path, "np") as file:
        assert sorted(file.keys()) == ["0.bias", "0.weight"]
        assert file.metadata() == {"1.weight": "0.weight", "1.bias": "0.bias"}
    for tied in (True, False):
        other = build(tied)
        other.load_parameters(path)
        for layer in other:
            np.testing.assert_array_equal(layer.weight.data(), net[0].weight.data())
    assert other[0].weight is not other[1].weight


def test_deduplicate_forgets_the_other_names(tmp_path):
    path = tmp_path / "net.safetensors"
    net = nn.Sequential()
    net.add(nn.Dense(3, in_units=3))
    net.add(nn.Dense(3, in_units=3, params=net[0].params))
    net.initialize()
    net.save_parameters(path, deduplicate=True)

    assert sorted(nd.load(path)) == ["0.bias", "0.weight"]


def test_metadata_of_other_programs_is_not_an_alias(tmp_path):
    path = tmp_path / "a.safetensors"
    safetensors.numpy.save_file({"w": np.ones(2)}, path, metadata={"format": "pt"})

    assert list(nd.load(path)) == ["w"]


# Malformed files: (bytes, whether the package reads them, whether we do)

FOUR = bytes(4)
GOOD = entry("F32", [1], 0, 4)
TEXT = json.dumps(GOOD).encode()

MALFORMED = {
    "no bytes": (b"", False, False),
    "seven bytes": (bytes(7), False, False),
    "an empty header": (bytes(8), False, False),
    "a header longer than the file": (struct.pack("<Q", 3) + b"{}", False, False),
    "a header of more than 100 MB": (struct.pack("<Q", 100_000_001) + b"{}", False, False),
    "a header of 2^64 - 1 bytes": (b"\xff" * 8 + b"{}", False, False),
    "a header that is not UTF-8": (file_of(b'{"\xff":' + TEXT + b"}", FOUR), False, False),
    "a header that is a list": (file_of([]), False, False),
    "a header that is null": (file_of(None), False, False),
    "a byte order mark": (file_of(b"\xef\xbb\xbf{}"), False, False),
    "text after the header": (file_of(b"{}x"), False, False),
    "zero bytes after the header": (file_of(b"{}\0\0"), False, False),
    "a header that ends too early": (file_of(b'{"a":'), False, False),
    "a trailing comma": (file_of(b'{"a":' + TEXT + b",}", FOUR), False, False),
    "the metadata twice": (file_of(b'{"__metadata__":{},"__metadata__":{}}'), False, False),
    "metadata that is not text": (file_of({"__metadata__": {"a": 1}}), False, False),
    "metadata that is a list": (file_of({"__metadata__": []}), False, False),
    "a dtype twice": (
        file_of(b'{"a":{"dtype":"F32",' + TEXT[1:] + b"}", FOUR), False, False
    ),
    "no dtype": (file_of({"a": {"shape": [1], "data_offsets": [0, 4]}}, FOUR), False, False),
    "no shape": (file_of({"a": {"dtype": "F32", "data_offsets": [0, 4]}}, FOUR), False, False),
    "no offsets": (file_of({"a": {"dtype": "F32", "shape": [1]}}, FOUR), False, False),
    "an unknown dtype": (file_of({"a": entry("F99", [1], 0, 4)}, FOUR), False, False),
    "a dtype in small letters": (file_of({"a": entry("f32", [1], 0, 4)}, FOUR), False, False),
    "an array that is null": (file_of({"a": None}), False, False),
    "a negative length": (file_of({"a": entry("F32", [-1], 0, 4)}, FOUR), False, False),
    "a fractional length": (file_of({"a": entry("F32", [1.0], 0, 4)}, FOUR), False, False),
    "a length that is text": (file_of({"a": entry("F32", ["1"], 0, 4)}, FOUR), False, False),
    "a length of 2^64": (file_of({"a": entry("F32", [2**64], 0, 4)}, FOUR), False, False),
    "a length of 2^64 - 1 and one of 0": (
        file_of({"a": entry("F32", [2**64 - 1, 0], 0, 0)}), False, False
    ),
    "a product of lengths that overflows": (
        file_of({"a": entry("F32", [2**32, 2**32], 0, 4)}, FOUR), False, False
    ),
    "a number of bytes that overflows": (
        file_of({"a": entry("F32", [2**62 + 1], 0, 4)}, FOUR), False, False
    ),
    "65 axes": (file_of({"a": entry("F32", [1] * 65, 0, 4)}, FOUR), False, False),
    "one offset": (file_of({"a": {**GOOD, "data_offsets": [0]}}, FOUR), False, False),
    "three offsets": (file_of({"a": {**GOOD, "data_offsets": [0, 4, 4]}}, FOUR), False, False),
    "offsets in reverse": (file_of({"a": entry("F32", [1], 4, 0)}, FOUR), False, False),
    "data that begin late": (file_of({"a": entry("F32", [1], 4, 8)}, 2 * FOUR), False, False),
    "a hole": (file_of({"a": GOOD, "b": entry("F32", [1], 5, 9)}, bytes(9)), False, False),
    "an overlap": (file_of({"a": GOOD, "b": entry("F32", [1], 2, 6)}, bytes(6)), False, False),
    "two arrays in one place": (file_of({"a": GOOD, "b": GOOD}, FOUR), False, False),
    "an array beyond the file": (file_of({"a": GOOD}, b"xxx"), False, False),
    "an array far beyond it": (
        file_of({"a": entry("F32", [1], 2**64 - 5, 2**64 - 1)}, FOUR), False, False
    ),
    "trailing bytes after the last array": (file_of({"a": GOOD}, FOUR + b"x"), False, False),
    "fewer bytes than the shape says": (
        file_of({"a": entry("F32", [2], 0, 4)}, FOUR), False, False
    ),
    "half a byte": (file_of({"a": entry("F4", [3], 0, 1)}, b"x"), False, False),
    "half a surrogate pair": (file_of(b'{"\\ud800":' + TEXT + b"}", FOUR), False, False),
    "a control character": (file_of(b'{"a\nb":' + TEXT + b"}", FOUR), False, False),
    "deep nesting": (file_of(b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}"), False, False),
    "an exponent": (file_of(b'{"a":' + TEXT.replace(b"[1]", b"[1e0]") + b"}", FOUR), False, False),
    "a leading zero": (file_of(b'{"a":' + TEXT.replace(b"[1]", b"[01]") + b"}", FOUR), False, False),
    "a number beyond double": (
        file_of(b'{"a":' + TEXT[:-1] + b',"x":1e999}}', FOUR), False, False
    ),
    # We are stricter: the format's description demands the first and forbids the second and third.
    "white space before the header": (file_of(b"  {}"), True, False),
    "an array twice": (file_of(b'{"a":' + TEXT + b',"a":' + TEXT + b"}", FOUR), True, False),
    "a key of the metadata twice": (
        file_of(b'{"__metadata__":{"a":"1","a":"2"}}'), True, False
    ),
    "an array that is a list": (file_of({"a": ["F32", [1], [0, 4]]}, FOUR), True, False),
    # Unusual, and good.
    "metadata that is null": (file_of({"__metadata__": None}), True, True),
    "white space after the header": (file_of(b"{}\n\t "), True, True),
    "a header of odd length": (file_of(b'{"a":' + TEXT + b"} ", FOUR), True, True),
    "more keys than known": (file_of({"a": {**GOOD, "x": [{"y": None}]}}, FOUR), True, True),
    "deep values under unknown keys": (
        file_of(b'{"a":' + TEXT[:-1] + b',"x":' + b"[" * 100 + b"]" * 100 + b"}}", FOUR), True, True
    ),
    "arrays out of order": (
        file_of({"b": entry("F32", [1], 4, 8), "a": GOOD}, bytes(8)), True, True
    ),
    "a zero in a name": (file_of({"a\0b": GOOD}, FOUR), True, True),
    "a path as name": (file_of({"../../etc/passwd": GOOD}, FOUR), True, True),
    "an empty name": (file_of({"": GOOD}, FOUR), True, True),
    "a very long name": (file_of({"n" * 100_000: GOOD}, FOUR), True, True),
    "a scalar": (file_of({"a": entry("F32", [], 0, 4)}, FOUR), True, True),
    "an array without elements": (file_of({"a": entry("F32", [0, 3], 0, 0)}), True, True),
    "no arrays": (file_of({}), True, True),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_verdicts_are_the_packages_or_stricter(tmp_path, name):
    content, theirs, ours = MALFORMED[name]
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)

    try:
        safetensors.numpy.load_file(path)
    except (safetensors.SafetensorError, ValueError):
        their_verdict = False
    else:
        their_verdict = True
    assert their_verdict == theirs
    if ours:
        found = nd.load(path)
        assert set(found) == set(safetensors.numpy.load_file(path))
        return
    with pytest.raises(FileFormatError) as caught:
        nd.load(path)
    assert f"'{path}', found " in str(caught.value)
    assert len(str(caught.value)) < 1000


# Through Gluon's functions


def test_nets_and_dicts_of_parameters_go_through_safetensors(tmp_path):
    net = nn.Sequential()
    net.add(nn.Dense(2, in_units=3, prefix="one_"))
    net.initialize(init.Normal(1))
    net.save_parameters(tmp_path / "net.safetensors")
    net.collect_params().save(tmp_path / "full.safetensors")

    fresh = nn.Sequential()
    fresh.add(nn.Dense(2, prefix="one_"))
    fresh.load_parameters(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(fresh[0].weight.data(), net[0].weight.data())
    fresh.collect_params().load(tmp_path / "full.safetensors")
    loaded = init.Load(tmp_path / "full.safetensors")
    weight = np.empty((2, 3), "float32")
    loaded("one_weight", weight)
    np.testing.assert_array_equal(weight, net[0].weight.data())


def test_half_precision_files_load_into_float32_nets_when_asked(tmp_path):
    path = tmp_path / "half.safetensors"
    weight = np.array([[0.1, -2, 6e-8]], "float16")
    safetensors.numpy.save_file({"weight": weight, "bias": np.array([7], "int64")}, path)
    layer = nn.Dense(1)

    with pytest.raises(AssertionError, match="expected float32 vs saved int64"):
        layer.load_parameters(path)
    layer.load_parameters(path, cast_dtype=True)

    np.testing.assert_array_equal(layer.weight.data(), weight.astype("float32"))
    np.testing.assert_array_equal(layer.bias.data(), [7])


def test_brain_floats_load_into_nets_when_asked_and_smaller_ones_never(tmp_path):
    path = tmp_path / "a.safetensors"
    layer = nn.Dense(1, use_bias=False)
    path.write_bytes(file_of({"weight": entry("BF16", [1, 2], 0, 4)}, b"\xc0\x3f\x00\xc0"))
    with pytest.raises(AssertionError, match=r"vs saved bfloat16\. .*\(In file '.*a\.safetensors'"):
        layer.load_parameters(path)
    layer.load_parameters(path, cast_dtype=True)
    np.testing.assert_array_equal(layer.weight.data(), [[1.5, -2]])

    path.write_bytes(file_of({"weight": entry("F8_E4M3", [1, 2], 0, 2)}, b"ab"))
    with pytest.raises(TypeError, match=r"_weight' in '.*a.safetensors', found dtype F8_E4M3"):
        layer.load_parameters(path, cast_dtype=True)
    np.testing.assert_array_equal(layer.weight.data(), [[1.5, -2]])
