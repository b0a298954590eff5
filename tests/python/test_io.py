"""`io.NDArrayIter` and what it gives. Batches are those of MXNet 1.9.1, pads of rolled-over ones excepted."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, gluon, init, io, nd, npx, random
from glueball import np as mxnp

X = onp.arange(5)
Y = 10 * X


def batches(iterator):
    found = [
        (*(each.asnumpy().tolist() for each in batch.data + batch.label), batch.pad)
        for batch in iterator
    ]
    iterator.reset()
    return found


FIRST = [([0, 1], [0, 10], 0), ([2, 3], [20, 30], 0)]


def test_a_last_batch_is_filled_up_from_the_beginning():
    iterator = io.NDArrayIter(X, Y, 2)

    assert batches(iterator) == [*FIRST, ([4, 0], [40, 0], 1)]
    assert batches(iterator) == [*FIRST, ([4, 0], [40, 0], 1)]


def test_a_batch_larger_than_the_data_repeats_it():
    (only,) = batches(io.NDArrayIter([1, 2], batch_size=5))

    assert only == ([1, 2, 1, 2, 1], 3)


def test_a_last_batch_is_left_out():
    iterator = io.NDArrayIter(X, Y, 2, last_batch_handle="discard")

    assert batches(iterator) == FIRST
    assert batches(iterator) == FIRST


def test_a_last_batch_rolls_over_into_the_next_pass():
    iterator = io.NDArrayIter(X, Y, 2, last_batch_handle="roll_over")

    assert batches(iterator) == FIRST
    assert batches(iterator) == [
        ([4, 0], [40, 0], 0),
        ([1, 2], [10, 20], 0),
        ([3, 4], [30, 40], 0),
    ]
    assert batches(iterator) == FIRST
    iterator.hard_reset()
    assert batches(iterator) == FIRST


def test_a_pass_that_was_broken_off_rolls_nothing_over():
    iterator = io.NDArrayIter(X, Y, 2, last_batch_handle="roll_over")
    next(iterator)

    iterator.reset()

    assert batches(iterator) == FIRST


@pytest.mark.parametrize("handle", ["pad", "discard", "roll_over"])
def test_at_the_end_it_stops_until_it_is_reset(handle):
    iterator = io.NDArrayIter(X, Y, 2, last_batch_handle=handle)
    length = len(list(iterator))

    for _ in range(2):
        with pytest.raises(StopIteration):
            iterator.next()

    iterator.reset()
    assert len(list(iterator)) == (3 if handle == "roll_over" else length)


def test_shuffling_keeps_samples_together_and_obeys_the_seed():
    def passes(seed):
        random.seed(seed)
        iterator = io.NDArrayIter(onp.arange(40), 10 * onp.arange(40), 8, shuffle=True)
        return [onp.concatenate([b.data[0].asnumpy() for b in iterator]), batches_of(iterator)]

    def batches_of(iterator):
        iterator.reset()
        pairs = [(b.data[0].asnumpy(), b.label[0].asnumpy()) for b in iterator]
        for data, label in pairs:
            onp.testing.assert_array_equal(label, 10 * data)
        return onp.concatenate([data for data, _ in pairs])

    first, second = passes(3)

    assert sorted(first) == sorted(second) == list(range(40))
    assert (first != second).any()
    onp.testing.assert_array_equal(passes(3), [first, second])


def test_several_arrays_have_names_and_keep_their_places():
    iterator = io.NDArrayIter([X, X + 1], {"a": Y, "b": -Y}, 2)

    batch = next(iterator)

    assert [each.name for each in iterator.provide_data] == ["_0_data", "_1_data"]
    assert [each.name for each in iterator.provide_label] == ["a", "b"]
    assert [each.asnumpy().tolist() for each in batch.data] == [[0, 1], [1, 2]]
    assert [each.asnumpy().tolist() for each in batch.label] == [[0, 10], [0, -10]]


def test_batches_are_described():
    iterator = io.NDArrayIter({"d": nd.ones((4, 2), dtype="float64")}, nd.arange(4), 3)

    (data,), (label,) = iterator.provide_data, iterator.provide_label

    assert tuple(data) == ("d", (3, 2))
    assert (data.dtype, label.dtype) == ("float64", "float32")
    assert tuple(label) == ("softmax_label", (3,))
    assert (iterator.num_data, iterator.batch_size) == (4, 3)
    assert repr(io.DataDesc("a", (1, 2), "float32")) == "DataDesc[a,(1, 2),float32,NCHW]"
    assert io.DataDesc.get_batch_axis("TNC") == 1
    assert str(next(iterator)) == "DataBatch: data shapes: [(3, 2)] label shapes: [(3,)]"


def test_ndarrays_keep_their_dtype_and_others_become_float32():
    batch = next(io.NDArrayIter([nd.array([1], dtype="int64"), onp.ones(1)], [2], 1))

    assert [each.dtype for each in batch.data] == ["int64", "float32"]


def test_there_may_be_no_labels():
    iterator = io.NDArrayIter(X, None, 5)

    assert iterator.provide_label == []
    assert next(iterator).label == []


def test_batches_of_numpy_mode_are_of_its_class():
    npx.set_np()
    try:
        batch = next(io.NDArrayIter(X, Y, 2))
    finally:
        npx.reset_np()

    assert type(batch.data[0]) is mxnp.ndarray


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((X, Y[:3]), ValueError, r"as many samples in each array, found \{'data': 5, 'softmax_label': 3"),
        ((X, Y, 0), ValueError, "1 or more as batch_size, found 0"),
        ((X, Y, "2"), ValueError, "1 or more as batch_size, found '2'"),
        ((X, Y, 2, False, "drop"), ValueError, "as last_batch_handle, found 'drop'"),
        ((X, Y, 6, False, "discard"), ValueError, "batch_size of at most 5.*found 6"),
        (([],), ValueError, "at least one sample, found none"),
        ((None,), TypeError, "^Input must be NDArray.*found NoneType as 'data'"),
        ((3,), TypeError, "with an axis of samples as 'data', found 3"),
        ((onp.array(["a"]),), TypeError, "^Input must be NDArray"),
        (([[1, 2], [3]], None), ValueError, "as many samples in each array"),
    ],
)  # fmt: skip
def test_what_makes_no_batches_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        io.NDArrayIter(*arguments)


def test_a_batch_holds_lists():
    with pytest.raises(AssertionError, match="^Data must be list of NDArrays: found NDArray"):
        io.DataBatch(nd.ones(1))
    with pytest.raises(AssertionError, match="^Label must be list of NDArrays"):
        io.DataBatch([nd.ones(1)], nd.ones(1))


def test_an_iterator_of_ones_own_gives_batches():
    class Squares(io.DataIter):
        def __init__(self):
            super().__init__(batch_size=1)
            self.reset()

        def reset(self):
            self.number = 0

        def iter_next(self):
            self.number += 1
            return self.number <= 3

        def getdata(self):
            return [nd.array([self.number**2])]

    squares = Squares()

    assert [batch.data[0].asscalar() for batch in squares] == [1, 4, 9]
    squares.reset()
    assert [batch.label for batch in squares] == [None] * 3


def test_a_net_trains_on_its_batches():
    random.seed(0)
    inputs = onp.random.default_rng(0).normal(size=(64, 3))
    batches_ = io.NDArrayIter(inputs, inputs @ [[1], [-2], [0.5]], 16, shuffle=True)
    net = gluon.nn.Dense(1)
    net.initialize(init.Normal(0.1))
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})
    loss = gluon.loss.L2Loss()

    for _ in range(40):
        batches_.reset()
        for batch in batches_:
            with autograd.record():
                cost = loss(net(batch.data[0]), batch.label[0])
            cost.backward()
            trainer.step(batch.data[0].shape[0])

    onp.testing.assert_allclose(net.weight.data(), [[1, -2, 0.5]], atol=1e-3)
