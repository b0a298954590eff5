"""Orders of samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import random
from glueball.gluon.data import (
    BatchSampler,
    IntervalSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SplitBatchSampler,
    SplitSampler,
)


def test_random_order_is_a_permutation_that_changes_from_pass_to_pass():
    sampler = RandomSampler(50)
    first, second = list(sampler), list(sampler)

    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert len(sampler) == 50


def test_the_seed_repeats_the_order_and_another_seed_changes_it():
    def order(seed):
        random.seed(seed)
        return list(RandomSampler(50))

    assert order(7) == order(7)
    assert order(7) != order(8)


def test_every_place_is_equally_likely_for_an_index():
    random.seed(1)
    counts = [0] * 4
    for _ in range(4000):
        counts[list(RandomSampler(4)).index(0)] += 1

    # Three standard deviations of a binomial count are 82.
    assert all(abs(count - 1000) < 110 for count in counts)


def test_rollover_puts_what_is_left_first_the_next_time():
    sampler = BatchSampler(SequentialSampler(5), 3, "rollover")

    assert len(sampler) == 1
    assert list(sampler) == [[0, 1, 2]]
    assert len(sampler) == 2
    assert list(sampler) == [[3, 4, 0], [1, 2, 3]]
    assert list(sampler) == [[4, 0, 1], [2, 3, 4]]
    assert list(sampler) == [[0, 1, 2]]


@given(
    count=st.integers(0, 30),
    size=st.integers(1, 9),
    last=st.sampled_from(["keep", "discard", "rollover"]),
)
def test_length_is_the_number_of_batches(count, size, last):
    sampler = BatchSampler(SequentialSampler(count), size, last)

    for _ in range(3):
        expected = len(sampler)
        batches = list(sampler)
        assert len(batches) == expected
        assert all(len(batch) == size for batch in batches[: count // size])


def test_another_word_for_the_last_batch_is_refused_at_once():
    with pytest.raises(
        ValueError,
        match=r"^last_batch must be one of 'keep', 'discard', or 'rollover', but got foo",
    ):
        BatchSampler(SequentialSampler(5), 3, "foo")


@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), (-1, ValueError), (2.5, TypeError), (None, TypeError)]
)
def test_a_batch_size_that_is_not_a_positive_integer_is_refused(size, error):
    with pytest.raises(error, match=f"1 or more as batch_size, found {size}"):
        BatchSampler(SequentialSampler(5), size)


def test_interval_sampler_gives_every_index_once_at_a_fixed_distance():
    sampler = IntervalSampler(13, interval=3)

    assert list(sampler) == [0, 3, 6, 9, 12, 1, 4, 7, 10, 2, 5, 8, 11]
    assert len(sampler) == 13
    first = IntervalSampler(13, interval=3, rollover=False)
    assert list(first) == [0, 3, 6, 9, 12]
    assert len(first) == 5


@pytest.mark.parametrize("interval", [0, 4])
def test_interval_has_to_lie_in_the_length(interval):
    with pytest.raises(AssertionError, match=rf"{interval}\D"):
        IntervalSampler(3, interval)


def test_a_sampler_that_forgets_a_method_is_told_which():
    class Empty(Sampler):
        pass

    with pytest.raises(NotImplementedError, match="Empty has to define __iter__"):
        iter(Empty())
    with pytest.raises(NotImplementedError, match="Empty has to define __len__"):
        len(Empty())


@given(length=st.integers(0, 60), parts=st.integers(1, 7))
def test_split_samplers_share_the_samples_evenly(length, parts):
    found = [list(SplitSampler(length, parts, part)) for part in range(parts)]

    assert sorted(index for each in found for index in each) == list(range(length))
    assert max(map(len, found)) - min(map(len, found)) <= 1
    assert [len(SplitSampler(length, parts, part)) for part in range(parts)] == list(
        map(len, found)
    )


@given(
    length=st.integers(8, 60),
    batch=st.integers(8, 20),
    parts=st.integers(1, 5),
    seed=st.integers(0, 9),
)
def test_split_batches_are_the_parts_of_the_batches_of_one_process(length, batch, parts, seed):
    alone = SplitBatchSampler(length, batch, last_batch="discard", seed=seed)
    ranks = [
        SplitBatchSampler(length, batch, parts, part, "discard", seed) for part in range(parts)
    ]

    for _ in range(2):
        sizes = ranks[0].sizes()
        whole = list(alone)
        joined = [[each for some in part for each in some] for part in zip(*ranks, strict=True)]
        assert joined == whole
        assert [len(each) for each in whole] == sizes
        assert len({index for each in whole for index in each}) == sum(sizes)


def test_split_batches_come_in_another_order_in_each_epoch_and_go_on_where_they_are_told():
    sampler = SplitBatchSampler(30, 4, seed=5)
    first, second = list(sampler), list(sampler)
    assert (
        sorted(i for b in first for i in b)
        == sorted(i for b in second for i in b)
        == list(range(30))
    )
    assert first != second

    sampler = SplitBatchSampler(30, 4, seed=5)
    sampler.epoch, sampler.start = 1, 3
    assert (len(sampler), sampler.sizes()) == (5, [4, 4, 4, 4, 2])
    assert list(sampler) == second[3:]
    assert len(list(sampler)) == 8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SplitSampler(5, 2, 2), "part_index below num_parts, 2, found 2"),
        (lambda: SplitSampler(5, 0), "an integer of 1 or more as num_parts, found 0"),
        (
            lambda: SplitBatchSampler(9, 8, 2),
            "for each of 2 parts in every batch, found a batch of 1",
        ),
        (
            lambda: SplitBatchSampler(9, 8, last_batch="rollover"),
            "'keep' or 'discard', found 'rollover'",
        ),
        (lambda: SplitBatchSampler(9, 0), "1 or more as batch_size, found 0"),
    ],
)
def test_parts_that_are_not_there_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
