"""Indexing, assignment, and functions that select elements."""

from __future__ import annotations

import itertools

import numpy as onp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import nd
from nd_values import A, same


def test_reductions_and_elements_have_shape_1():
    a = nd.array(A)

    for value, expected in (
        (a.sum(), 5),
        (a[0, 1], -2),
        (a[1][2], -6),
        (a.max(), 5),
        (a.argmax(), 4),
    ):
        assert value.shape == (1,)
        assert value.asscalar() == expected


def test_first_axis_and_reshape_are_views_other_pieces_are_copies():
    source = onp.arange(24, dtype=onp.float32).reshape(4, 3, 2)
    for key, shares in [
        (1, True),
        (-1, True),
        (slice(1, 3), True),
        ((1, 2), True),
        ((1, slice(0, 2)), True),
        ((0, 1, 1), True),
        ((slice(None), 0), False),
        ((slice(None), slice(None), 1), False),
        (slice(None, None, 2), False),
        ([0, 1], False),
        (nd.array([0, 1]), False),
    ]:  # fmt: skip
        a = nd.array(source)
        piece = a[key]
        piece[:] = -1

        assert (onp.asarray(a) == -1).any() == shares, key

    a = nd.array(source)
    a.reshape((6, 4))[:] = -1
    assert (onp.asarray(a) == -1).all()


def test_assignment_takes_numbers_lists_and_arrays():
    a = nd.zeros((3, 2))
    a[:] = 1
    a[0] = [2, 3]
    a[1, 0] = 4
    a[1:2, 1] = onp.array([5])
    a[2] = nd.array([6, 7])

    same(a, [[2, 3], [4, 5], [6, 7]])


def test_in_place_operators_change_the_array_itself():
    a = nd.ones((2, 2))
    b = a
    b += 1
    b *= nd.array([1, 3])
    a[:] += 1
    a -= 1
    a /= 2

    assert a is b
    same(a, [[1, 3], [1, 3]])


def test_index_errors():
    a = nd.ones((2, 3))

    for key in (5, (0, 3), (-3, 0)):
        with pytest.raises(IndexError, match="out of bounds"):
            a[key]
    with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 2"):
        a[5]
    with pytest.raises(ValueError, match="could not broadcast"):
        a[:] = nd.ones((2, 2))


def test_index_arrays_of_floats_take_rows_and_must_be_whole():
    a = nd.array(A)

    same(a[nd.array([1, 1, 0])], A[[1, 1, 0]])
    same(a[nd.array([0, 1]), nd.array([2, 0])], A[[0, 1], [2, 0]])
    with pytest.raises(TypeError, match="expected integers in an index"):
        a[nd.array([0.5])]


def test_selecting():
    a = nd.array(A)

    same(nd.take(a, nd.array([[1], [0]])), A[[[1], [0]]])
    same(nd.take(a, nd.array([7, -7])), A[[1, 0]])  # clipped
    same(nd.take(a, nd.array([2, -1]), mode="wrap"), A[[0, 1]])
    same(a.take(nd.array([0, 2]), axis=1), A[:, [0, 2]])
    with pytest.raises(IndexError, match="index 7 is out of bounds for axis with size 2"):
        nd.take(a, nd.array([0, 7]), mode="raise")
    same(nd.pick(a, nd.array([0, 2])), [1, -6])
    same(nd.pick(a, nd.array([[0, 1, 0]]), axis=0, keepdims=True), [[1, 5, 3]])
    same(nd.pick(a, nd.array([5, -5])), [3, 4])
    with pytest.raises(ValueError, match=r"index of shape \(2,\) for pick, found \(3,\)"):
        nd.pick(a, nd.array([0, 1, 2]))
    same(nd.one_hot(nd.array([1, 0, 5]), 3), [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    same(
        nd.one_hot(nd.array([[1]]), 2, on_value=8, off_value=-1, dtype="int32"),
        [[[-1, 8]]],
        onp.int32,
    )
    same(nd.Embedding(nd.array([1, 0]), a, 2, 3), A[[1, 0]])
    with pytest.raises(IndexError, match="index 2 is out of bounds"):
        nd.Embedding(nd.array([2]), a)
    same(nd.gather_nd(a, nd.array([[0, 1], [2, 0]])), [3, 4])
    same(
        nd.scatter_nd(nd.array([5, 6]), nd.array([[0, 1], [2, 0]]), (2, 3)), [[0, 0, 5], [6, 0, 0]]
    )
    same(nd.boolean_mask(a, nd.array([0, 1])), A[1:])
    same(nd.take(a, nd.array([0.5, 1.9])), A[[0, 1]])
    same(nd.pick(a, nd.array([0.5, 1.9])), [A[0, 0], A[1, 1]])
    same(nd.one_hot(nd.array([0.5, 1.9]), 2), onp.eye(2))
    with pytest.raises(TypeError, match="integers in indices"):
        nd.take(a, nd.array([onp.nan]))


@given(
    st.lists(
        st.one_of(
            st.integers(-3, 2),
            st.builds(slice, *itertools.repeat(st.one_of(st.none(), st.integers(-4, 4)), 2)),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_basic_indexing_equals_numpys_but_for_scalars(key):
    values = onp.arange(27, dtype=onp.float32).reshape(3, 3, 3)

    result = nd.array(values)[tuple(key)]

    onp.testing.assert_array_equal(onp.asarray(result), onp.atleast_1d(values[tuple(key)]))


def test_single_elements_can_be_changed_in_place():
    a = nd.array([[1, 2], [3, 4]])
    a[0, 1] += 5
    a[1, 0] = a[0, 0] * 7
    a[1][1] -= 1
    same(a, [[1, 7], [7, 3]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda a: nd.gather_nd(a, nd.array([[5], [0]])),
            IndexError,
            r"leading axes of \(2, 3\) for gather_nd, found 5 to 5, 0 to 0",
        ),
        (lambda a: nd.gather_nd(a, nd.zeros((3, 1))), IndexError, "over axes, not over points"),
        (
            lambda a: nd.scatter_nd(a[0, :1], nd.array([[-3]]), (2,)),
            IndexError,
            r"leading axes of \(2,\) for scatter_nd",
        ),
        (
            lambda a: nd.boolean_mask(a, nd.ones(5)),
            ValueError,
            r"shape \(2,\), a number for each .* for boolean_mask, found \(5,\)",
        ),
        (lambda a: nd.one_hot(a, -1), ValueError, "depth of 0 or more for one_hot, found -1"),
    ],
)
def test_what_selects_nothing_that_is_there_is_refused(call, error, message):
    with pytest.raises(error, match=f"expected .*{message}"):
        call(nd.array(A))


def test_onehot_encode_fills_and_returns_out():
    out = nd.full((2, 4), 7)

    assert nd.onehot_encode(nd.array([1, 3]), out) is out

    assert out.asnumpy().tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (lambda: nd.ravel_multi_index(nd.array([[0], [6]]), (7, 6)), IndexError, r"out of bounds for shape \(7, 6\)"),
        (lambda: nd.ravel_multi_index(nd.array([[0]]), (7, 6)), ValueError, "2 rows of coordinates"),
        (lambda: nd.ravel_multi_index(nd.array([[0], [1]]), (7, -1)), ValueError, "of which the first may be -1"),
        (lambda: nd.unravel_index(nd.array([42]), (7, 6)), IndexError, r"places within \(7, 6\)"),
        (lambda: nd.fill_element_0index(nd.ones((2, 3)), nd.ones(2), nd.array([0, 3])), IndexError, "index 3 is out of bounds"),
        (lambda: nd.fill_element_0index(nd.ones((2, 3)), nd.ones(3), nd.ones(2)), ValueError, r"found \(2, 3\), \(3,\)"),
    ],
)  # fmt: skip
def test_indices_that_do_not_fit_are_refused(wrong, error, text):
    with pytest.raises(error, match=text):
        wrong()
