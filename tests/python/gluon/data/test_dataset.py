"""Sets of samples, and what can be made of them."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import nd
from glueball.gluon.data import (
    ArrayDataset,
    Dataset,
    FilterSampler,
    SequentialSampler,
    SimpleDataset,
)


def test_one_array_gives_rows_and_several_give_tuples():
    x, y = nd.arange(6).reshape((3, 2)), [7, 8, 9]

    assert ArrayDataset(x)[1].asnumpy().tolist() == [2, 3]
    row, label = ArrayDataset(x, y)[2]
    assert row.asnumpy().tolist() == [4, 5]
    assert label == 9
    assert len(ArrayDataset(x, y)) == 3


def test_element_of_a_vector_is_a_numpy_number():
    item = ArrayDataset(nd.array([1, 2]))[1]

    assert isinstance(item, onp.float32)
    assert item == 2


def test_arrays_of_unequal_length_are_refused_and_named():
    with pytest.raises(
        AssertionError,
        match=r"^All arrays must have the same length; array\[0\] has length 2 while array\[2\] has 1",
    ):
        ArrayDataset([1, 2], [3, 4], [5])


def test_no_array_is_refused():
    with pytest.raises(AssertionError, match=r"^Needs at least 1 arrays"):
        ArrayDataset()


def test_something_without_a_length_is_refused():
    with pytest.raises(TypeError, match=r"expected arrays.*found 3 as array\[1\]"):
        ArrayDataset([1], 3)


def test_transform_gets_the_parts_of_a_tuple_each_time_a_sample_is_read():
    calls = []

    def add(a, b):
        calls.append((a, b))
        return a + b

    sums = ArrayDataset([1, 2], [10, 20]).transform(add)

    assert calls == []
    assert [sums[0], sums[1], sums[1]] == [11, 22, 22]
    assert len(calls) == 3


def test_transform_that_is_not_lazy_is_called_once_for_each_sample():
    calls = []
    doubled = SimpleDataset([1, 2]).transform(lambda x: calls.append(x) or 2 * x, lazy=False)

    assert [doubled[0], doubled[1], doubled[1]] == [2, 4, 4]
    assert calls == [1, 2]


def test_transform_first_leaves_the_label():
    pairs = ArrayDataset([1, 2], ["a", "b"]).transform_first(lambda x: -x)

    assert pairs[1] == (-2, "b")
    assert SimpleDataset([3]).transform_first(lambda x: -x)[0] == -3


def test_filter_keeps_samples_for_which_the_function_is_true():
    even = SimpleDataset([1, 2, 3, 4]).filter(lambda x: x % 2 == 0)

    assert [even[i] for i in range(len(even))] == [2, 4]


def test_filter_gets_a_tuple_whole():
    assert len(ArrayDataset([1, 2], [0, 1]).filter(lambda sample: sample[1])) == 1


def test_shards_are_contiguous_and_the_first_are_longer():
    data = SimpleDataset(list(range(8)))
    parts = [data.shard(3, i) for i in range(3)]

    assert [[part[i] for i in range(len(part))] for part in parts] == [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7],
    ]


@pytest.mark.parametrize("index", [-1, 3])
def test_a_shard_that_does_not_exist_is_refused(index):
    with pytest.raises(AssertionError, match=f"found index {index} of 3 shards"):
        SimpleDataset([1, 2, 3]).shard(3, index)


@pytest.mark.parametrize(
    "part",
    [
        lambda data: data.take(1.5),
        lambda data: data.shard(2.0, 0),
        lambda data: data.shard(2, "0"),
    ],
)
def test_parts_are_counted_in_integers(part):
    with pytest.raises(TypeError, match="expected an integer"):
        part(SimpleDataset([1, 2, 3]))


@pytest.mark.parametrize(("count", "length"), [(2, 2), (9, 3), (None, 3), (0, 0)])
def test_take_gives_the_first_samples(count, length):
    assert len(SimpleDataset([5, 6, 7]).take(count)) == length


def test_take_refuses_a_negative_count():
    with pytest.raises(AssertionError, match="found -1"):
        SimpleDataset([5]).take(-1)


def test_sample_takes_what_a_sampler_gives():
    data = SimpleDataset(list("abcd"))
    chosen = data.sample(FilterSampler(lambda x: x > "b", data)).sample(SequentialSampler(1, 1))

    assert len(chosen) == 1
    assert chosen[0] == "d"


def test_sample_refuses_what_is_not_a_sampler():
    with pytest.raises(TypeError, match=r"^Invalid sampler type: <class 'list'>"):
        SimpleDataset([1]).sample([0])


def test_index_beyond_the_end_is_an_index_error():
    with pytest.raises(IndexError):
        ArrayDataset(nd.ones((2, 2)))[2]
    with pytest.raises(IndexError):
        SimpleDataset([1, 2, 3]).take(2)[2]


def test_a_subclass_that_forgets_a_method_is_told_which():
    class Empty(Dataset):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty has to define __getitem__"):
        Empty()[0]
    with pytest.raises(NotImplementedError, match=r"Empty has to define __len__"):
        len(Empty())
