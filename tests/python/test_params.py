"""MXNet's `.params` files: against files that MXNet wrote, and against bytes put together by hand."""

from __future__ import annotations

import numpy as np
import pytest

import mxnet_files
from file_formats import MXNET_DTYPES, params_array, params_file
from glueball import gluon, init, nd
from glueball.base import FileFormatError
from glueball.gluon import nn


def load(tmp_path, content):
    path = tmp_path / "a.params"
    path.write_bytes(content)
    return nd.load(path)


def saved(tmp_path, data):
    nd.save(tmp_path / "ours.params", data)
    return (tmp_path / "ours.params").read_bytes()


def small_net():
    net = nn.Sequential()
    net.add(nn.Dense(2, in_units=3), nn.Dense(1, in_units=2))
    return net


# Files of MXNet 1.9.1 itself


def test_mxnets_list_is_read_and_written_byte_by_byte(tmp_path):
    found = load(tmp_path, mxnet_files.LIST)

    assert isinstance(found, list)
    np.testing.assert_array_equal(found[0].asnumpy(), [[1.5, -2], [3, 4]])
    assert found[1].dtype == np.int64
    assert saved(tmp_path, found) == mxnet_files.LIST


def test_mxnets_dtypes_are_read_and_written_byte_by_byte(tmp_path):
    found = load(tmp_path, mxnet_files.DTYPES)

    assert list(found) == MXNET_DTYPES
    for name, array in found.items():
        assert array.dtype == np.dtype(name)
        np.testing.assert_array_equal(array.asnumpy(), np.array([[0, 1, 2]]).astype(name))
    assert saved(tmp_path, found) == mxnet_files.DTYPES


@pytest.mark.parametrize("content", ["NET", "FULL"])
def test_mxnets_nets_load_and_are_written_byte_by_byte(tmp_path, content):
    path = tmp_path / "net.params"
    path.write_bytes(getattr(mxnet_files, content))
    net = small_net()

    net.load_parameters(path)

    np.testing.assert_array_equal(net[0].weight.data(), [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(net[0].bias.data(), [10, 11])
    np.testing.assert_array_equal(net[1].weight.data(), [[20, 21]])
    np.testing.assert_array_equal(net[1].bias.data(), [30])
    net.save_parameters(tmp_path / "again.params")
    assert (tmp_path / "again.params").read_bytes() == mxnet_files.NET


def test_arrays_of_mxnets_numpy_mode_are_read_and_written_byte_by_byte(tmp_path):
    found = load(tmp_path, mxnet_files.NP)

    assert found["scalar"].asnumpy() == 2.5
    np.testing.assert_array_equal(found["w"].asnumpy(), [[1, 1]])
    assert found["none"].shape == (0, 2)


# Bytes put together by hand

WEIGHT = np.array([[1.5, -2, 3]], "float32")


@pytest.mark.parametrize("version", range(4))
@pytest.mark.parametrize("device", [(1, 0), (2, 3)], ids=["cpu", "gpu"])
def test_every_version_from_every_device_is_read(tmp_path, version, device):
    content = params_file([params_array(WEIGHT, version, device)], [b"w"])

    np.testing.assert_array_equal(load(tmp_path, content)["w"].asnumpy(), WEIGHT)


@pytest.mark.parametrize("dtype", MXNET_DTYPES)
def test_every_dtype_is_written_as_it_should_be(tmp_path, dtype):
    value = np.array([[0, 1], [1, 0]], dtype)

    assert saved(tmp_path, {"x": nd.array(value, dtype=dtype)}) == params_file(
        [params_array(value)], [b"x"]
    )


def test_prefixes_of_checkpoints_are_dropped_where_gluon_drops_them(tmp_path):
    path = tmp_path / "model-0000.params"
    path.write_bytes(
        params_file(
            [params_array(WEIGHT), params_array(WEIGHT[:, 0])], [b"arg:weight", b"aux:bias"]
        )
    )
    layer = nn.Dense(1)

    layer.load_parameters(path)

    np.testing.assert_array_equal(layer.weight.data(), WEIGHT)
    assert list(nd.load(path)) == ["arg:weight", "aux:bias"]
    weight = np.empty((1, 3), "float32")
    init.Load(path)("weight", weight)
    np.testing.assert_array_equal(weight, WEIGHT)


def test_what_is_sparse_missing_or_unknown_is_named(tmp_path):
    good = params_array(WEIGHT)
    sparse = good[:4] + b"\1\0\0\0" + good[8:]
    unknown = good[: -WEIGHT.nbytes - 4] + b"\x0d\0\0\0" + good[-WEIGHT.nbytes :]
    for content, fault in [
        (params_file([sparse]), r"storage type 1, sparse"),
        (params_file([unknown]), r"dtype number 13"),
        (params_file([good, good], [b"w", b"w"]), r"array 'w' twice"),
        (params_file([good], [b"\xff"]), r"the name '\\xff', which is not UTF-8"),
        (params_file([good], [b"v", b"w"]), r"2 names of 1 arrays"),
        (params_file([good]) + b"\0", r"1 trailing bytes after the last name"),
    ]:
        with pytest.raises(FileFormatError, match=rf"as '.*a\.params', found .*{fault}"):
            load(tmp_path, content)


def test_every_name_but_the_known_ones_means_params(tmp_path):
    for name in ("net.params", "net", "net.txt", "net-0001.params"):
        nd.save(tmp_path / name, {"w": nd.array(WEIGHT)})
        assert (tmp_path / name).read_bytes() == params_file([params_array(WEIGHT)], [b"w"])


def test_contents_and_not_names_tell_what_a_file_is(tmp_path):
    arrays = {"w": nd.array(WEIGHT)}
    for kind in ("npz", "params", "safetensors"):
        nd.save(tmp_path / f"a.{kind}", arrays)
        for other in ("npz", "params", "safetensors", "bin"):
            path = (tmp_path / f"a.{kind}").rename(tmp_path / f"b.{other}")
            np.testing.assert_array_equal(nd.load(path)["w"].asnumpy(), WEIGHT)
            path.rename(tmp_path / f"a.{kind}")


def test_shared_parameters_are_written_under_each_path(tmp_path):
    net = nn.Sequential()
    net.add(nn.Dense(3, in_units=3))
    net.add(nn.Dense(3, in_units=3, params=net[0].params))
    net.initialize()
    net.save_parameters(tmp_path / "net.params")

    assert list(nd.load(tmp_path / "net.params")) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_dtypes_and_names_without_a_place_in_the_format_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'x' of dtype C64; convert it, or write a .safetensors"):
        nd.save(tmp_path / "a.params", {"x": nd.from_numpy(np.ones(2, "complex64"))})
    for dtype in ("int16", "uint16", "uint32", "uint64"):
        with pytest.raises(ValueError, match="dtypes that MXNet 1.9.1 reads"):
            nd.save(tmp_path / "a.params", {"x": nd.from_numpy(np.ones(2, dtype))})
    with pytest.raises(ValueError, match="without zero bytes"):
        nd.save(tmp_path / "a.params", {"x\0y": nd.ones(1)})
    assert list(tmp_path.iterdir()) == []


def test_parameter_dicts_go_through_params(tmp_path):
    net = small_net()
    net.initialize(init.Normal(1))
    net.collect_params().save(tmp_path / "full")
    other = gluon.ParameterDict()
    for name, parameter in net.collect_params().items():
        other.get(name, shape=parameter.shape)

    other.load(tmp_path / "full")

    for name, parameter in net.collect_params().items():
        np.testing.assert_array_equal(other[name].data(), parameter.data())
