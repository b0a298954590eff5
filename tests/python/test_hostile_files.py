"""Reading trusts nothing: no crash, no unbounded memory, nothing half-loaded, whatever a file holds."""

from __future__ import annotations

import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from file_formats import entry, params_array, params_file, safetensors
from glueball import init, nd
from glueball.base import MXNetError
from glueball.gluon import nn

KINDS = ["safetensors", "params", "npz"]


def small_net():
    net = nn.Sequential()
    net.add(nn.Dense(2, in_units=2), nn.Dense(1, in_units=2))
    return net


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    """Write a net's file of each kind."""
    folder = tmp_path_factory.mktemp("contents")
    net = small_net()
    net.initialize(init.Normal(1))
    for kind in KINDS:
        net.save_parameters(folder / f"net.{kind}")
    return {kind: (folder / f"net.{kind}").read_bytes() for kind in KINDS}


def values(net):
    return [np.array(parameter.data()) for parameter in net.collect_params().values()]


def error_of(call):
    """Return the message of our error that `call` ends with, or None; other errors pass through."""
    try:
        call()
    except MXNetError as error:
        return str(error)
    return None


def assert_nothing_loads(net, path):
    """Check that loading fails with an error that names the file, and changes no value of the net."""
    before = values(net)
    with pytest.raises(MXNetError) as caught:
        net.load_parameters(path)
    assert path.name in str(caught.value)
    for kept, value in zip(values(net), before, strict=True):
        np.testing.assert_array_equal(kept, value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_off_at_any_byte_is_an_error_and_changes_nothing(tmp_path, contents, kind):
    path = tmp_path / "cut"
    net = small_net()
    net.initialize()
    whole = contents[kind]
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert_nothing_loads(net, path)
    path.write_bytes(whole)
    net.load_parameters(path)


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bits_give_an_error_or_a_net_of_the_same_shapes(tmp_path_factory, contents, kind):
    folder = tmp_path_factory.mktemp("flipped")
    whole = contents[kind]

    @given(st.lists(st.integers(0, 8 * len(whole) - 1), min_size=1, max_size=4))
    def flip(bits):
        damaged = bytearray(whole)
        for bit in bits:
            damaged[bit // 8] ^= 1 << bit % 8
        path = folder / "flipped"
        path.write_bytes(damaged)
        net = small_net()
        net.initialize()
        before = values(net)
        fault = error_of(lambda: net.load_parameters(path))
        if fault is not None:
            assert path.name in fault
            for kept, value in zip(values(net), before, strict=True):
                np.testing.assert_array_equal(kept, value)
        assert [each.shape for each in values(net)] == [each.shape for each in before]

    flip()


@given(st.binary(max_size=300), st.sampled_from(["", "{", "PK", "params", "npy"]))
def test_any_bytes_are_an_error_that_names_the_file_or_arrays(tmp_path_factory, content, start):
    starts = {
        "": b"",
        "{": struct.pack("<Q", len(content)) + b"{",
        "PK": b"PK\3\4",
        "params": struct.pack("<QQ", 0x112, 0),
        "npy": b"\x93NUMPY\x01\x00",
    }
    path = tmp_path_factory.mktemp("any") / "any.bin"
    path.write_bytes(starts[start] + content)

    fault = error_of(lambda: nd.load(path))
    assert fault is None or "any.bin" in fault


@pytest.mark.parametrize("last", ["shape", "dtype", "missing", "extra"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_in_the_last_array_leaves_every_array_alone(tmp_path, kind, last):
    arrays = {"0.weight": nd.ones((2, 2)), "0.bias": nd.ones(2), "1.weight": nd.ones((1, 2))}
    arrays["1.bias"] = {"shape": nd.ones(3), "dtype": nd.ones(1, dtype="float64")}.get(
        last, nd.ones(1)
    )
    if last == "missing":
        del arrays["1.bias"]
    if last == "extra":
        arrays["2.bias"] = nd.ones(1)
    path = tmp_path / f"a.{kind}"
    nd.save(path, arrays)
    net, fresh = small_net(), small_net()
    net.initialize(init.Normal(1))

    if last in ("missing", "extra"):
        assert_nothing_loads(net, path)
    before = values(net)
    with pytest.raises(AssertionError):
        net.load_parameters(path)
    np.testing.assert_equal(values(net), before)
    with pytest.raises(AssertionError):
        fresh.load_parameters(path)
    for parameter in fresh.collect_params().values():
        with pytest.raises(RuntimeError, match="has not been initialized"):
            parameter.data()


def hostile_headers():
    """Small files that speak of enormous things, and large ones of nothing but structure."""
    shape = b"[" + b"1," * 4_000_000 + b"1]"
    info = b'{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    names = b",".join(b'"%d":' % i + info for i in range(100_000))
    empty = params_array(np.empty((0, 2), "float32"))
    return {
        "a shape of four million axes": safetensors(
            b'{"a":{"dtype":"F32","data_offsets":[0,4],"shape":' + shape + b"}}", bytes(4)
        ),
        "a list in an unknown key": safetensors(b'{"a":{"x":' + shape + b"," + info[1:] + b"}"),
        "a hundred thousand arrays": safetensors(b"{" + names + b"}"),
        "a long text": safetensors(b'{"__metadata__":{"k":"' + b"x" * 8_000_000 + b'"}}'),
        "an array of 2^60 bytes": safetensors({"a": entry("F32", [2**58], 0, 2**60)}),
        "2^60 arrays": struct.pack("<QQQ", 0x112, 0, 2**60),
        "two hundred thousand empty arrays": params_file([empty] * 200_000),
        "an array of 2^40 elements": params_file(
            [empty[:12] + struct.pack("<qq", 2**40, 2) + empty[28:]]
        ),
        "a name of 2^60 bytes": params_file([params_array(np.ones(1, "float32"))])[:-8]
        + struct.pack("<QQ", 1, 2**60),
    }


LIMITED = """
import resource, sys
from glueball import nd
from glueball.base import MXNetError
nd.ones(1)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (256 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in sys.argv[1:]:
    try:
        print("read", len(nd.load(path)))
    except MXNetError as error:
        print("refused", str(error)[:80])
"""


def test_memory_is_bounded_whatever_a_header_says(tmp_path):
    paths = []
    for i, content in enumerate(hostile_headers().values()):
        paths.append(tmp_path / str(i))
        paths[-1].write_bytes(content)

    # In a process that may take 256 MB more than it has: a MemoryError, or worse, would end it.
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    verdicts = [line.split()[0] for line in done.stdout.splitlines()]
    expected = [
        "refused",
        "read",
        "read",
        "read",
        "refused",
        "refused",
        "read",
        "refused",
        "refused",
    ]
    assert verdicts == expected, done.stdout
