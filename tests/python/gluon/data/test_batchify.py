"""One batch of many samples."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import nd, npx
from glueball import np as gnp
from glueball.gluon.data import batchify
from glueball.gluon.data.dataloader import default_batchify_fn


@pytest.mark.parametrize(
    ("samples", "dtype", "values"),
    [
        ([nd.array([1, 2]), nd.array([3, 4])], "float32", [[1, 2], [3, 4]]),
        ([1, 2], "int64", [1, 2]),
        ([0.5, 1.5], "float64", [0.5, 1.5]),
        ([onp.float64(1), onp.float64(2)], "float64", [1, 2]),
        ([onp.zeros(2, onp.uint8), onp.ones(2, onp.uint8)], "uint8", [[0, 0], [1, 1]]),
        ([[1, 2], [3, 4]], "int64", [[1, 2], [3, 4]]),
    ],
    ids=["arrays", "ints", "floats", "numpy-numbers", "bytes", "lists"],
)
def test_samples_are_stacked_with_their_dtype(samples, dtype, values):
    batch = default_batchify_fn(samples)

    assert isinstance(batch, nd.NDArray)
    assert batch.dtype == dtype
    assert batch.asnumpy().tolist() == values


def test_fields_of_tuples_are_batched_apart():
    x, (y, z) = default_batchify_fn([(1, (2.0, 3)), (4, (5.0, 6))])

    assert x.asnumpy().tolist() == [1, 4]
    assert y.asnumpy().tolist() == [2, 5]
    assert z.asnumpy().tolist() == [3, 6]


def test_numpy_mode_makes_its_own_arrays():
    npx.set_np()
    try:
        batch = default_batchify_fn([1, 2])
    finally:
        npx.reset_np()

    assert type(batch) is gnp.ndarray


def test_samples_of_different_shapes_are_refused():
    with pytest.raises(
        ValueError, match=r"samples of one shape to stack, found \(1,\), \(2,\); .*Pad\(\)"
    ):
        default_batchify_fn([nd.ones(2), nd.ones(1)])


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (["a", "b"], "found str; pass a batchify_fn"),
        ([{}, {}], "found dict; pass a batchify_fn"),
        ([], "at least one sample in a batch, found none"),
        ([(1, 2), (3,)], r"tuples of one length as samples, found lengths \[1, 2\]"),
    ],
    ids=["texts", "dicts", "none", "uneven-tuples"],
)
def test_samples_that_make_no_arrays_are_refused(samples, message):
    with pytest.raises(ValueError, match=message):
        default_batchify_fn(samples)


def test_pad_fills_every_axis_to_the_longest():
    batch = batchify.Pad(val=9)([onp.ones((1, 2)), onp.ones((2, 1))])

    assert batch.asnumpy().tolist() == [[[1, 1], [9, 9]], [[1, 9], [1, 9]]]


def test_pad_takes_a_dtype_and_numbers():
    assert batchify.Pad(dtype="float32")([[1], [2, 3]]).dtype == "float32"
    assert batchify.Pad()([1, 2]).asnumpy().tolist() == [1, 2]


def test_pad_refuses_samples_of_different_rank():
    with pytest.raises(ValueError, match=r"one number of axes to pad, found \[0, 1\]"):
        batchify.Pad()([1, [2]])


def test_append_leaves_samples_apart():
    assert [a.shape for a in batchify.Append()([[1, 2], [3]])] == [(1, 2), (1, 1)]
    assert [a.shape for a in batchify.Append(expand=False)([[1, 2], [3]])] == [(2,), (1,)]
    assert batchify.Append(batch_axis=1)([[1, 2]])[0].shape == (2, 1)


def test_group_has_a_function_for_each_field():
    lengths, texts = batchify.Group(batchify.Stack(), batchify.AsList())([(1, "a"), (2, "b")])

    assert lengths.asnumpy().tolist() == [1, 2]
    assert texts == ["a", "b"]


def test_group_refuses_other_numbers_of_fields_and_what_is_not_a_function():
    with pytest.raises(ValueError, match="expected 2 fields in each sample, found 3"):
        batchify.Group([batchify.Stack(), batchify.Stack()])([(1, 2, 3)])
    with pytest.raises(ValueError, match="expected functions of a list of samples, found 3"):
        batchify.Group(batchify.Stack(), 3)
