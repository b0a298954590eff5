"""Masks, last elements and reverses of sequences of different lengths."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import nd
from nd_values import A, same


def test_what_lies_past_a_sequences_end_is_masked_and_left_alone():
    x = onp.arange(12, dtype=onp.float32).reshape(3, 2, 2)
    lengths = nd.array([1, 3])

    masked = nd.SequenceMask(nd.array(x), lengths, use_sequence_length=True, value=-1).asnumpy()
    expected = x.copy()
    expected[1:, 0] = -1
    onp.testing.assert_array_equal(masked, expected)
    same(nd.SequenceLast(nd.array(x), lengths, True), onp.stack([x[0, 0], x[2, 1]]))
    reverse = x.copy()
    reverse[:, 1] = x[::-1, 1]
    same(nd.SequenceReverse(nd.array(x), lengths, True), reverse)
    same(
        nd.SequenceReverse(nd.array(x.swapaxes(0, 1)), lengths, True, axis=1),
        reverse.swapaxes(0, 1),
    )
    same(nd.SequenceMask(nd.array(x)), x)


def test_a_sequence_of_no_elements_stays_as_it_is_when_reversed():
    same(nd.SequenceReverse(nd.array(A), nd.array([0, 2, 1]), True), [[1, 5, 3], [4, -2, -6]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda a: nd.SequenceLast(a, nd.array([1, 9, 1]), True),
            IndexError,
            "sequences of 1 to 2 elements, found lengths from 1 to 9",
        ),
        (lambda a: nd.SequenceLast(a, nd.array([0, 1, 1]), True), IndexError, "from 0 to 1"),
        (
            lambda a: nd.SequenceReverse(a, nd.array([1, 1]), True),
            ValueError,
            r"each of the 3 sequences, found shape \(2,\)",
        ),
        (
            lambda a: nd.SequenceMask(a, nd.array([1, 1]), True),
            ValueError,
            r"each of the 3 sequences, found shape \(2,\)",
        ),
    ],
)
def test_lengths_that_do_not_fit_are_refused(call, error, message):
    with pytest.raises(error, match=f"expected .*{message}"):
        call(nd.array(A))
