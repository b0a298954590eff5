"""Files of every kind: how they are named, told apart and refused."""

from __future__ import annotations

import io
import json
import os
import pathlib
import signal
import struct

import numpy as onp
import pytest

import glueball
from file_formats import entry, safetensors
from glueball import gluon, init, nd, npx, onnx
from glueball import np as gnp
from glueball.base import ArgumentError, DtypeError, FileFormatError, GlueballTypeError
from glueball.gluon import nn

KINDS = ["safetensors", "params", "npz"]


def with_header_of(size, entries):
    """Make a header, padded by metadata to so many bytes."""
    metadata = {"__metadata__": {"padding": ""}}
    room = size - len(json.dumps(metadata | entries))
    return json.dumps({"__metadata__": {"padding": "x" * room}} | entries).encode()


def net(dtype="float32"):
    layer = nn.Dense(1, in_units=2, use_bias=False, dtype=dtype)
    layer.initialize()
    return layer


# What a file is


@pytest.mark.parametrize("header_bytes", [0x4B50, 0x14B50, 0x112])
def test_a_header_as_long_as_other_formats_first_bytes_say_is_read(header_bytes, tmp_path):
    # 0x4B50 is "PK", with which zip archives begin; 0x112 begins MXNet's files.
    path = tmp_path / "x.safetensors"
    path.write_bytes(
        safetensors(
            with_header_of(header_bytes, {"a": entry("F32", [1], 0, 4)}), struct.pack("<f", 1.5)
        )
    )

    assert path.read_bytes()[:8] == struct.pack("<Q", header_bytes)
    assert nd.load(path)["a"].asnumpy().tolist() == [1.5]


@pytest.mark.parametrize("kind", ["params", "npz"])
def test_a_file_of_parameters_is_not_a_model_whatever_its_kind(kind, tmp_path):
    path = str(tmp_path / f"x.{kind}")
    net().save_parameters(path)
    fault = {
        "params": "found parameters only; build the net, and use load_parameters",
        "npz": "found a zip archive, as .npz files are",
    }[kind]

    with pytest.raises(FileFormatError, match=rf"x\.{kind}'.*{fault}"):
        glueball.load(path)


# How a file is named


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [os.fsencode, pathlib.Path, str], ids=["bytes", "Path", "str"])
def test_paths_of_every_form_are_taken(form, kind, tmp_path):
    path = form(str(tmp_path / f"Größe 🙂.{kind}"))
    first, second = net(), net()

    first.save_parameters(path)
    second.load_parameters(path)

    assert os.listdir(tmp_path) == [f"Größe 🙂.{kind}"]
    assert second.weight.data().asnumpy().tolist() == first.weight.data().asnumpy().tolist()


@pytest.mark.parametrize(
    "use",
    [
        lambda path: nd.save(path, {"a": nd.ones(1)}),
        nd.load,
        npx.load,
        glueball.load,
        init.Load,
        onnx.load,
        lambda path: net().save_parameters(path),
        lambda path: net().load_parameters(path),
        lambda path: net().collect_params().save(path),
        lambda path: net().collect_params().load(path),
        lambda path: net().export(path),
        lambda path: net().save(path),
        lambda path: net().load(path),
        lambda path: onnx.export(net(), path),
        lambda path: gluon.Trainer(net().collect_params(), "sgd").save_states(path),
        lambda path: gluon.Trainer(net().collect_params(), "sgd").load_states(path),
    ],
)
@pytest.mark.parametrize("path", [io.BytesIO(), 3, None], ids=["BytesIO", "int", "None"])
def test_what_is_not_a_path_is_refused_with_what_to_pass(use, path):
    with pytest.raises(TypeError, match=r"^expected .*found .*; "):
        use(path)


@pytest.mark.parametrize("data", [3, None, 1.5, onp.float64(2)])
def test_what_is_not_an_array_is_not_saved(data, tmp_path):
    with pytest.raises(
        GlueballTypeError, match=r"^expected an NDArray, a list .* for save, found .*; "
    ):
        nd.save(tmp_path / "x", data)
    assert os.listdir(tmp_path) == []


# What is in it


@pytest.mark.parametrize("kind", KINDS)
def test_names_that_are_not_text_are_refused(kind, tmp_path):
    with pytest.raises(ArgumentError, match=r"^expected names .*found '\\udc80'; rename"):
        nd.save(tmp_path / f"x.{kind}", {"\udc80": nd.ones(1)})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", KINDS)
def test_scalars_are_scalars_again_in_numpy_mode_and_have_an_axis_in_the_other(kind, tmp_path):
    path = tmp_path / f"x.{kind}"
    nd.save(path, {"a": gnp.array(2.5), "b": gnp.array([1.5])})

    found = npx.load(path)

    assert {name: each.shape for name, each in found.items()} == {"a": (), "b": (1,)}
    assert found["a"].item() == 2.5
    assert type(found["a"]) is gnp.ndarray
    assert nd.load(path)["a"].shape == (1,)


@pytest.mark.parametrize("shape", [[0, 2**62], [2**31, 2**31, 0]], ids=str)
def test_empty_shapes_whose_strides_overflow_are_named_with_the_file(shape, tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors({"a": entry("F32", shape, 0, 0)}))

    for read in (nd.load, init.Load):
        with pytest.raises(
            FileFormatError,
            match=r"x\.safetensors'.*array 'a' of 0 bytes, which do not fit its shape",
        ):
            read(path)


@pytest.mark.parametrize("dtype", ["complex128", "longdouble"])
def test_dtypes_of_numpy_that_no_other_file_holds_are_named_with_the_file(dtype, tmp_path):
    path = tmp_path / "x.npz"
    onp.savez(path, a=onp.ones((1, 2), dtype))

    for read in (nd.load, init.Load, net().load_parameters):
        with pytest.raises(DtypeError, match=rf"'a'.*{onp.dtype(dtype)}.*x\.npz'"):
            read(path)


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2"])
def test_floats_of_eight_bits_are_named_with_the_file(dtype, tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors({"weight": entry(dtype, [1, 2], 0, 2)}, b"\1\2"))

    for read in (nd.load, init.Load):
        with pytest.raises(DtypeError, match=rf"'weight'.*{dtype}.*x\.safetensors'"):
            read(path)


@pytest.mark.parametrize("settings", [{}, {"cast_dtype": True}], ids=str)
@pytest.mark.parametrize("dtype", ["F8_E4M3", "C64"])
def test_what_does_not_convert_is_not_loaded_and_casting_is_not_advised(dtype, settings, tmp_path):
    size = {"C64": 16}.get(dtype, 2)
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors({"weight": entry(dtype, [1, 2], 0, size)}, bytes(size)))
    layer = net()
    before = layer.weight.data().asnumpy().copy()

    with pytest.raises(
        DtypeError, match=rf"dense\d+_weight' in '.*x\.safetensors', found dtype {dtype}"
    ):
        layer.load_parameters(path, **settings)
    assert layer.weight.data().asnumpy().tolist() == before.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_two_arrays_that_differ_by_their_kind_alone_are_refused(kind, tmp_path):
    path = tmp_path / f"x.{kind}"
    arrays = {"arg:weight": nd.ones((1, 2)), "aux:weight": nd.zeros((1, 2))}
    nd.save(path, arrays)

    with pytest.raises(ArgumentError, match=r"one array for each name in '.*x\..*two for 'weight'"):
        net().load_parameters(path)
    with pytest.raises(
        ArgumentError, match=r"one array for each name in the dict.*two for 'weight'"
    ):
        net().collect_params().load_dict(arrays)


@pytest.mark.parametrize("kind", KINDS)
def test_a_shared_parameter_takes_equal_arrays_only(kind, tmp_path):
    path = tmp_path / f"x.{kind}"
    first = nn.Dense(2, in_units=2, use_bias=False)
    shared = nn.Sequential(first, nn.Dense(2, in_units=2, use_bias=False, params=first.params))
    shared.initialize(init.One())
    value = nd.array([[1, 2], [3, float("nan")]])

    nd.save(path, {"0.weight": value, "1.weight": nd.zeros((2, 2))})
    with pytest.raises(
        ArgumentError, match=r"x\..*found '0.weight' and '1.weight', which differ; load"
    ):
        shared.load_parameters(path)
    assert first.weight.data().asnumpy().tolist() == [[1, 1], [1, 1]]

    nd.save(path, {"0.weight": value, "1.weight": value.copy()})
    shared.load_parameters(path)
    onp.testing.assert_array_equal(first.weight.data().asnumpy(), value.asnumpy())


@pytest.mark.parametrize(
    "content", [b"", b"abc", b"PK", safetensors({"a": entry("F8_E4M3", [1], 0, 1)}, b"1")]
)
def test_what_is_wrong_in_memory_is_not_called_by_the_name_of_a_file(content):
    with pytest.raises((FileFormatError, DtypeError), match="<buffer>") as caught:
        nd.load_frombuffer(content)
    assert "/" not in str(caught.value)


# What is not a file

READERS = {
    "nd.load": nd.load,
    "npx.load": npx.load,
    "init.Load": init.Load,
    "glueball.load": glueball.load,
    "onnx.load": onnx.load,
    "load_parameters": lambda path: net().load_parameters(path),
    "Block.load": lambda path: net().load(path.removesuffix("-model.json")),
    "load_states": lambda path: gluon.Trainer(net().collect_params(), "adam").load_states(path),
}


@pytest.fixture
def in_time():
    """End what waits for ever, as reading from a pipe does."""

    def give_up(*_):
        raise AssertionError("expected an error at once, found that it waits")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize(
    ("kind", "error", "found"),
    [
        ("pipe", OSError, "No such device"),
        ("device", OSError, "No such device"),
        ("folder", IsADirectoryError, "Is a directory"),
        ("nothing", FileNotFoundError, "No such file or directory"),
    ],
)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_not_a_file_is_refused_at_once_and_named(reader, kind, error, found, tmp_path):
    path = tmp_path / "x-model.json"
    {
        "pipe": os.mkfifo,
        "device": lambda path: path.symlink_to("/dev/null"),
        "folder": os.mkdir,
        "nothing": lambda path: None,
    }[kind](path)

    with pytest.raises(error, match=f"^expected to read '.*x-model.json', found \"{found}\"; "):
        READERS[reader](str(path))
