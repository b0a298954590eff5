"""Operators on arrays: comparisons, broadcasting, dtypes, NumPy arrays mixed in."""

from __future__ import annotations

import math

import numpy as onp
import pytest

from glueball import MXNetError, autograd, nd
from glueball.base import ShapeError
from nd_values import A, close, same


def test_comparisons_are_numbers_of_the_dtype():
    a = nd.array(A)

    same(a >= 3, A >= 3)
    same(nd.array([1, 2], dtype="float64") == 2, [0, 1], onp.float64)
    same(a < 3, A < 3)
    same(nd.logical_not(a > 0), A <= 0)


def test_comparison_selects_when_used_as_an_index():
    a = nd.array(A)

    same(a[a > 2], [3, 4, 5])
    a[a < 0] = 0
    same(a, onp.maximum(A, 0))
    rows = nd.array([1, 2, 3])
    same(rows[rows != 2], [1, 3])
    same(rows[(rows > 1) * (rows < 3)], [2])
    same(rows[nd.logical_or(rows < 2, rows > 2)], [1, 3])


def test_comparison_multiplies_as_a_number():
    data = nd.array([-7, 3, 9, -4])

    data *= data.abs() >= 5

    same(data, [-7, 0, 9, 0])
    assert math.copysign(1, data[3].asscalar()) == -1  # zeroed negatives are -0


def test_comparison_that_was_overwritten_is_no_longer_a_mask():
    index = nd.array([5, 6]) > 5
    index[:] = [1, 0]

    same(nd.array([[1], [2]])[index], [[2], [1]])


def test_arithmetic_broadcasts_and_keeps_float32():
    a, row = nd.array(A), nd.array([1, 2, 3])
    r = onp.array([1, 2, 3], onp.float32)

    same(a + row, A + r)
    same(a * 2, A * 2)
    same(2 - a, 2 - A)
    same(a / row, A / r)
    same(a % 2, A % 2)
    same(-a, -A)
    same(abs(a), onp.abs(A))
    same(a**2, A**2)
    same(2**row, 2**r)
    same(a * onp.float64(2.5), A * onp.float32(2.5))
    same(onp.float64(2.5) * a, A * onp.float32(2.5))
    close(nd.dot(a, a.T), A @ A.T)
    close(a @ a.T, A @ A.T)


def test_plain_arrays_mix_in_and_take_the_dtype():
    a = nd.array(A)

    same(a + onp.ones(3), A + 1)
    same(onp.ones(3) + a, A + 1)
    same(a * onp.array([1, 2, 3]), A * onp.array([1, 2, 3], onp.float32))
    same(onp.exp(a), onp.exp(A))
    a += onp.ones(3)
    same(a, A + 1)


def test_two_dtypes_are_refused():
    with pytest.raises(
        MXNetError, match=r"same dtype for 'add', found float32 and float64.*astype"
    ):
        nd.ones(2) + nd.ones(2, dtype="float64")
    with pytest.raises(TypeError, match="dot"):
        nd.dot(nd.ones((2, 2)), nd.ones((2, 2), dtype="float64"))


def test_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(
        MXNetError,
        match=r"operands could not be broadcast together with shapes \[2\] \[3\]: expected.*reshape one",
    ):
        nd.ones(2) + nd.ones(3)
    a = nd.ones(2)
    with pytest.raises(MXNetError, match="could not be broadcast"):
        a += nd.ones(3)
    same(a, [1, 1])


def test_numpy_functions_give_ndarrays():
    a = nd.array(A)

    same(onp.concatenate([a, a]), onp.concatenate([A, A]))
    same(onp.where(a > 0, a, 0), onp.where(A > 0, A, 0))
    same(onp.sum(a), [5])
    same(onp.mean(nd.array([1, 2], dtype="int32")), [1.5])
    assert onp.allclose(a, A)
    onp.testing.assert_allclose(a, A)
    assert onp.shape(a) == (2, 3)
    assert onp.array_equal(a, a)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda a: onp.matmul(a, nd.ones((2, 2))), r"shapes \[2, 3\] \[2, 2\]: expected axes that fit the signature .* in 'matmul'"),
        (lambda a: onp.add(a, 1, out=nd.ones((2, 2))), r"shapes \[2, 3\] \[\] \[2, 2\]: expected axes that are equal or 1"),
        (lambda a: onp.add(a[:1], 1, out=a[0]), r"shapes \[1, 3\] \[\] \[3\]"),
    ],
    ids=["a product", "an output of another shape", "an output of fewer axes"],
)  # fmt: skip
def test_shapes_that_a_ufunc_cannot_take_are_an_error_of_ours(call, text):
    with pytest.raises(ShapeError, match=text):
        call(nd.ones((2, 3)))


def test_other_value_errors_of_a_ufunc_are_numpys():
    with pytest.raises(ValueError, match="order") as caught:
        onp.add(nd.ones(2), 1, order="no such order")

    assert not isinstance(caught.value, MXNetError)


def test_arguments_that_only_numpy_knows_go_to_numpy_and_mistakes_are_reported():
    x = nd.array([[1.0, 2.0], [3.0, 4.0]])
    x.attach_grad()

    with autograd.record():
        total = onp.sum(x, dtype="float64")
        with pytest.raises(TypeError, match="axis of 'sum', found 'an argument'"):
            onp.sum(x, axis="an argument")
    total.backward()

    onp.testing.assert_array_equal(x.grad.asnumpy(), onp.ones((2, 2)))
