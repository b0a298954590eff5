"""Sharing memory with NumPy, PyTorch and all that speak DLPack or the buffer protocol."""

from __future__ import annotations

import gc

import numpy as onp
import pytest

from glueball import autograd, nd, np, npx
from glueball.gluon import nn


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8"])
def test_numpy_takes_an_array_by_dlpack_without_a_copy(dtype):
    ours = nd.array([[1, 2, 3], [4, 5, 6]], dtype=dtype)

    theirs = onp.from_dlpack(ours)
    ours[0, 1] = 9

    assert theirs.dtype == onp.dtype(dtype)
    onp.testing.assert_array_equal(theirs, [[1, 9, 3], [4, 5, 6]])
    assert theirs.ctypes.data == onp.asarray(ours).ctypes.data


@pytest.mark.parametrize(
    "export", [lambda a: a, lambda a: a.__dlpack__()], ids=["array", "capsule"]
)
def test_from_dlpack_shares_memory_both_ways_and_keeps_it_alive(export):
    theirs = onp.arange(6, dtype="float32").reshape(2, 3)
    ours = nd.from_dlpack(export(theirs))

    ours[1, 1] = 40
    theirs[0, 0] = 10

    assert isinstance(ours, nd.NDArray)
    onp.testing.assert_array_equal(ours.asnumpy(), [[10, 1, 2], [3, 40, 5]])
    assert theirs[1, 1] == 40
    del theirs
    gc.collect()
    assert ours.asnumpy()[1, 1] == 40


@pytest.mark.parametrize("method", ["to_dlpack_for_read", "to_dlpack_for_write"])
def test_capsules_go_round_by_gluons_names(method):
    ours = nd.array([1, 2, 3])

    back = nd.from_dlpack(getattr(ours, method)())
    also = nd.from_dlpack(getattr(nd, method)(ours))
    back[0] = 7
    also[1] = 8

    onp.testing.assert_array_equal(ours.asnumpy(), [7, 8, 3])


def test_strided_arrays_are_shared_too():
    theirs = onp.arange(12.0).reshape(3, 4)
    ours = nd.from_dlpack(theirs.T[::2])
    onp.testing.assert_array_equal(ours.asnumpy(), theirs.T[::2])
    ours[0, 0] = -1
    assert theirs[0, 0] == -1


def test_parameters_memory_can_be_lent_out():
    layer = nn.Dense(2, in_units=3, use_bias=False)
    layer.initialize("ones")
    x = nd.ones((1, 3))
    lent = onp.from_dlpack(layer.weight.data())

    lent[...] = 2  # by somebody who has never heard of glueball

    onp.testing.assert_array_equal(layer(x).asnumpy(), [[6, 6]])


def test_from_numpy_shares_or_copies():
    theirs = onp.arange(4, dtype="float64")
    shared, copied = nd.from_numpy(theirs), nd.from_numpy(theirs, zero_copy=False)
    theirs[0] = 9
    assert shared.dtype == onp.float64
    assert (shared.asnumpy()[0], copied.asnumpy()[0]) == (9, 0)


def test_buffer_protocol_reads_and_writes_the_memory():
    ours = nd.zeros((2, 2))
    view = memoryview(ours)
    assert (view.format, view.shape, view.readonly) == ("f", (2, 2), False)
    view[1, 0] = 3.5
    onp.testing.assert_array_equal(ours.asnumpy(), [[0, 0], [3.5, 0]])
    assert onp.frombuffer(ours, "float32")[2] == 3.5


def test_numpys_functions_see_the_memory_itself():
    ours = nd.array([1, 2])
    assert onp.shares_memory(onp.asarray(ours), ours)
    theirs = onp.array([1.0, 2.0], "float32")
    assert onp.shares_memory(nd.from_numpy(theirs), theirs)


def test_numpy_mode():
    npx.set_np()
    try:
        theirs = onp.ones(2, "float32")
        for ours in (npx.from_dlpack(theirs), npx.from_numpy(theirs)):
            assert type(ours) is np.ndarray
            ours[0] += 1
        assert theirs[0] == 3
        assert onp.from_dlpack(np.ones(3)).sum() == 3
    finally:
        npx.reset_np()


def test_array_that_others_shall_write_is_refused_while_it_is_in_a_graph():
    x = nd.array([1, 2])
    x.attach_grad()
    with autograd.record():
        y = x * x
        with pytest.raises(RuntimeError, match="already in a computational graph"):
            y.to_dlpack_for_write()
        onp.testing.assert_array_equal(nd.from_dlpack(y.to_dlpack_for_read()).asnumpy(), [1, 4])


def test_what_is_not_a_capsule_or_is_used_up_is_refused():
    with pytest.raises(TypeError, match=r"expected an unused DLPack capsule.* found 5; export"):
        nd.from_dlpack(5)
    capsule = nd.ones(2).to_dlpack_for_read()
    nd.from_dlpack(capsule)
    with pytest.raises(TypeError, match=r"unused DLPack capsule.*used_dltensor"):
        nd.from_dlpack(capsule)
    for export in (nd.to_dlpack_for_read, nd.to_dlpack_for_write):
        with pytest.raises(TypeError, match="expected an NDArray, found list; wrap it"):
            export([1])
    with pytest.raises(TypeError, match="expected a numpy.ndarray, found list"):
        nd.from_numpy([1])


def test_read_only_arrays_stay_read_only():
    theirs = onp.ones(2, "float32")
    theirs.flags.writeable = False
    ours = nd.from_numpy(theirs)
    with pytest.raises(ValueError, match="read-only"):
        ours[0] = 2


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is an extra")


def test_torch_takes_an_array_without_a_copy(torch):
    ours = nd.array([[1, 2], [3, 4]])
    for theirs in (
        torch.from_dlpack(ours),
        torch.utils.dlpack.from_dlpack(ours.to_dlpack_for_read()),
        torch.from_numpy(onp.asarray(ours)),
        torch.as_tensor(onp.asarray(ours)),
    ):
        theirs[0, 0] += 10
        assert theirs.data_ptr() == onp.asarray(ours).ctypes.data
    assert ours.asnumpy()[0, 0] == 41


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_torchs_tensors_are_taken_without_a_copy(torch, dtype):
    theirs = torch.arange(6, dtype=getattr(torch, dtype)).reshape(2, 3)
    for export in (lambda t: t, torch.utils.dlpack.to_dlpack, lambda t: t.numpy()):
        ours = nd.from_dlpack(export(theirs))
        ours[0, 0] += 1
        assert str(ours.dtype) == dtype or ours.dtype == onp.dtype(dtype)
    assert int(theirs[0, 0]) == 3


def test_net_trains_on_torchs_memory(torch):
    data = torch.ones((4, 3))
    layer = nn.Dense(1, in_units=3)
    layer.initialize("ones")
    x = nd.from_dlpack(data)
    x.attach_grad()
    with autograd.record():
        y = layer(x)
    y.backward()
    assert float(torch.from_dlpack(x.grad).sum()) == 12
