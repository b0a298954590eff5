"""Sums, extremes, norms and orders against NumPy."""

from __future__ import annotations

import math

import hypothesis.extra.numpy as hnp
import numpy as onp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import nd
from nd_values import A, close, same

REDUCTIONS = {
    "sum": onp.sum, "mean": onp.mean, "max": onp.max, "min": onp.min, "prod": onp.prod, "nansum": onp.nansum,
    "nanprod": onp.nanprod, "norm": lambda x, axis=None, keepdims=False: onp.sqrt(
        onp.sum(x * x, axis=axis, keepdims=keepdims)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (1, -1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_equal_numpys(name, axis, keepdims):
    x = onp.random.default_rng(3).normal(size=(2, 3, 4))
    expected = REDUCTIONS[name](x, axis=axis, keepdims=keepdims)

    function = getattr(nd, name)(nd.array(x, dtype="float64"), axis=axis, keepdims=keepdims)
    method = getattr(nd.array(x, dtype="float64"), name)(axis=axis, keepdims=keepdims)

    for result in (function, method):
        close(result, onp.atleast_1d(expected), rtol=1e-12)


def test_exclude_reduces_the_other_axes():
    x = onp.random.default_rng(3).normal(size=(2, 3, 4)).astype(onp.float32)

    close(nd.sum(nd.array(x), axis=1, exclude=True), x.sum(axis=(0, 2)), rtol=1e-5)
    close(nd.max(nd.array(x), axis=(0, 2), exclude=True), x.max(axis=1))


def test_axis_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"axis in \[-2, 2\) for 'sum', found 2"):
        nd.sum(nd.array(A), axis=2)


def test_extremes_of_nothing_are_refused():
    for function in (nd.max, nd.argmax):
        with pytest.raises(ValueError, match="at least one element"):
            function(nd.zeros((0, 2)))
    same(nd.sum(nd.zeros((0, 2))), [0])


def test_norm_of_large_and_small_numbers_does_not_overflow():
    close(nd.norm(nd.array([3e30, 4e30])), [5e30])
    close(nd.norm(nd.array([3e-30, 4e-30])) * 1e30, [5])
    close(nd.norm(nd.array(A), ord=1), [21])
    assert nd.norm(nd.array([math.inf, 1])).item() == math.inf
    with pytest.raises(ValueError, match="ord 1 or 2 for norm, found 3"):
        nd.norm(nd.array(A), ord=3)


def test_positions_are_float32():
    a = nd.array(A)

    same(a.argmax(axis=1), [2, 1])
    same(nd.argmin(a, axis=0), [0, 0, 1])
    same(nd.argmax(a, axis=1, keepdims=True), [[2], [1]])
    same(nd.argmax_channel(a), [2, 1])


def test_sorting():
    a = nd.array([[3, 1, 2], [1, 3, 1]])

    same(nd.sort(a), [[1, 2, 3], [1, 1, 3]])
    same(nd.sort(a, axis=0, is_ascend=False), [[3, 3, 2], [1, 1, 1]])
    same(nd.argsort(a), [[1, 2, 0], [0, 2, 1]])
    same(nd.argsort(a, is_ascend=False), [[0, 2, 1], [1, 0, 2]])
    same(nd.topk(a, k=2), [[0, 2], [1, 0]])
    same(nd.topk(a, k=2, ret_typ="value"), [[3, 2], [3, 1]])
    same(nd.topk(a, k=1, is_ascend=True, ret_typ="value"), [[1], [1]])
    same(nd.topk(a, k=1, ret_typ="mask"), [[1, 0, 0], [0, 1, 0]])
    values, positions = nd.topk(a, k=1, axis=0, ret_typ="both")
    same(values, [[3, 3, 2]])
    same(positions, [[0, 1, 0]])
    with pytest.raises(ValueError, match=r"k in 1\.\.3 for topk, found 4"):
        nd.topk(a, k=4)


@given(
    hnp.arrays(onp.float32, hnp.array_shapes(max_dims=3), elements=st.floats(-100, 100, width=32)),
    st.booleans(),
)
def test_sum_of_any_array_equals_numpys(values, keepdims):
    a = nd.array(values)
    for axis in range(values.ndim):
        onp.testing.assert_array_equal(
            onp.asarray(nd.sum(a, axis=axis, keepdims=keepdims)).reshape(-1),
            values.sum(axis=axis, keepdims=keepdims).reshape(-1),
        )
