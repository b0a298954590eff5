"""Functions that give elements another shape or order."""

from __future__ import annotations

import math

import hypothesis.extra.numpy as hnp
import numpy as onp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import nd
from nd_values import A, same


@pytest.mark.parametrize(
    ("source", "codes", "expected"),
    [
        ((2, 3, 4), (4, 0, 2), (4, 3, 2)),
        ((2, 3, 4), (6, 1, -1), (6, 1, 4)),
        ((2, 3, 4), (-2,), (2, 3, 4)),
        ((2, 3, 4), (2, -2), (2, 3, 4)),
        ((2, 3, 4), (-2, 1, 1), (2, 3, 4, 1, 1)),
        ((2, 3, 4), (-3, 4), (6, 4)),
        ((2, 3, 4, 5), (-3, -3), (6, 20)),
        ((2, 3, 4), (0, -3), (2, 12)),
        ((2, 3, 4), (-4, 1, 2, -2), (1, 2, 3, 4)),
        ((2, 3, 4), (2, -4, -1, 3, -2), (2, 1, 3, 4)),
        ((2, 3, 4), (-1,), (24,)),
        ((2, 3, 4), (0, 0, -1), (2, 3, 4)),
        ((6,), (2, 3), (2, 3)),
        ((0, 3), (0, 3), (0, 3)),
    ],
)
def test_codes_of_reshape(source, codes, expected):
    a = nd.zeros(source)

    assert nd.reshape(a, codes).shape == expected
    assert a.reshape(codes).shape == expected
    assert a.reshape(*codes).shape == expected
    assert a.reshape(shape=codes).shape == expected


def test_reverse_reshape_reads_from_the_end():
    a = nd.zeros((10, 5, 4))

    assert a.reshape((-1, 0)).shape == (40, 5)
    assert a.reshape((-1, 0), reverse=True).shape == (50, 4)
    assert a.reshape((0, -4, 1, 5, 0), reverse=True).shape == (10, 1, 5, 4)
    assert a.reshape((-4, -1, 2, 0, 0), reverse=True).shape == (5, 2, 5, 4)


@pytest.mark.parametrize(
    "codes", [(5, 5), (-1, -1), (7, -1), (0, 0, 0, 0), (-4, 5, 2), (-5,), (-4, 2)]
)
def test_shapes_that_do_not_fit_are_refused(codes):
    with pytest.raises(ValueError, match=r"as many elements as \(2, 12\)"):
        nd.zeros((2, 12)).reshape(codes)


@given(hnp.array_shapes(max_dims=4, max_side=4), st.data())
def test_reshape_to_any_shape_and_back_keeps_the_elements(shape, data):
    size = math.prod(shape)
    divisors = [n for n in range(1, size + 1) if size % n == 0]
    first = data.draw(st.sampled_from(divisors))
    x = nd.arange(size).reshape(shape)

    y = x.reshape((first, -1))

    assert y.shape == (first, size // first)
    same(y.reshape(shape), onp.arange(size).reshape(shape))


def test_moving_elements():
    a = nd.array(A)

    same(nd.transpose(a), A.T)
    same(a.transpose(1, 0), A.T)
    same(a.transpose((1, 0)), A.T)
    same(nd.swapaxes(a, 0, 1), A.T)
    same(nd.flip(a, axis=1), A[:, ::-1])
    same(nd.reverse(a, axis=0), A[::-1])
    same(nd.tile(a, (2, 1)), onp.tile(A, (2, 1)))
    same(a.tile(2), onp.tile(A, 2))
    same(nd.repeat(a, 2, axis=1), onp.repeat(A, 2, axis=1))
    same(nd.expand_dims(a, 1), A[:, None])
    same(nd.squeeze(nd.ones((1, 2, 1))), onp.ones(2))
    same(nd.squeeze(nd.ones((1, 2, 1)), axis=2), onp.ones((1, 2)))
    same(nd.broadcast_to(nd.array([[1, 2]]), (3, 2)), [[1, 2]] * 3)
    same(nd.broadcast_to(nd.array([[1], [2]]), (0, 3)), [[1] * 3, [2] * 3])
    same(nd.broadcast_axis(nd.array([[1, 2]]), axis=0, size=2), [[1, 2]] * 2)
    same(nd.flatten(nd.zeros((2, 3, 4))), onp.zeros((2, 12)))
    same(nd.Flatten(nd.zeros(3)), onp.zeros((3, 1)))
    same(nd.shape_array(a), [2, 3], onp.int64)
    same(nd.cumsum(a, axis=1), onp.cumsum(A, axis=1))


def test_errors_of_moving_elements():
    a = nd.array(A)

    with pytest.raises(ValueError, match=r"order of the 2 axes for transpose, found axes=\(0, 0\)"):
        a.transpose((0, 0))
    with pytest.raises(
        ValueError, match=r"axes of length 1 for squeeze, found axis 0 of shape \(2, 3\)"
    ):
        a.squeeze(axis=0)
    with pytest.raises(ValueError, match=r"broadcasts to \(2, 4\), found \(2, 3\)"):
        a.broadcast_to((2, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: nd.moveaxis(a, 0, 5), ValueError, r"shape \(2, 3\) for moveaxis.*destination=5"),
        (lambda a: nd.moveaxis(a, (0, 1), 0), ValueError, r"for moveaxis, each once.*\(0, 1\)"),
        (lambda a: nd.tile(a, (2, -1)), ValueError, "0 or more for tile, found -1"),
        (lambda a: nd.tile(a, "x"), ValueError, "0 or more for tile, found 'x'"),
        (lambda a: nd.repeat(a, -1), ValueError, "0 or more for repeat, found -1"),
        (lambda a: nd.repeat(a, 1.5), ValueError, "0 or more for repeat, found 1.5"),
        (
            lambda a: nd.broadcast_axis(a, axis=(0, 1), size=2),
            ValueError,
            r"a size for each axis for broadcast_axis, found axis=\(0, 1\) and size=2",
        ),
    ],
)
def test_what_has_no_such_shape_is_refused(call, error, message):
    with pytest.raises(error, match=f"^expected .*{message}.*; "):
        call(nd.array(A))


def test_whole_floats_may_say_how_often():
    same(nd.repeat(nd.array(A), 2.0, axis=0), onp.repeat(A, 2, axis=0))
