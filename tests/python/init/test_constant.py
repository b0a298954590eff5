from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, broadcastable_shapes

import glueball as mx
from glueball import init, nd
from glueball.base import ArgumentError, ShapeError
from init_filling import fill


def as_own(initializer, shape, dtype="float32"):
    """Fill an array as a parameter's own initializer does, whatever the name."""
    return fill(initializer, shape, init.InitDesc("x_bias", {"__init__": initializer}), dtype)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0), (1, 2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_zero_one_and_constant_fill_any_shape(shape, dtype):
    np.testing.assert_array_equal(fill(init.Zero(), shape, dtype=dtype), np.zeros(shape))
    np.testing.assert_array_equal(fill(init.One(), shape, dtype=dtype), np.ones(shape))
    expected = np.full(shape, 0.1, dtype)
    np.testing.assert_array_equal(fill(init.Constant(0.1), shape, dtype=dtype), expected)


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float32(2), np.int64(2), np.array(2), "2", [[2]], True + 1]
)
def test_constant_takes_whatever_is_a_number(value):
    np.testing.assert_array_equal(fill(init.Constant(value), (2, 2)), np.full((2, 2), 2))


@given(st.data())
def test_constant_broadcasts_as_numpy_does(data):
    shape = data.draw(array_shapes(max_dims=4, max_side=4))
    smaller = data.draw(broadcastable_shapes(shape, max_dims=len(shape), max_side=4))
    values = data.draw(arrays(np.float64, smaller, elements=st.floats(-5, 5, width=32)))
    try:
        expected = np.broadcast_to(values, shape)
    except ValueError:
        with pytest.raises(ShapeError):
            fill(init.Constant(values), shape)
        return

    np.testing.assert_array_equal(fill(init.Constant(values), shape), expected)


def test_constant_keeps_a_copy():
    values = np.array([1.0, 2.0])
    constant = init.Constant(values)

    values[:] = 9

    np.testing.assert_array_equal(fill(constant, (2,)), [1, 2])


def test_constant_refuses_a_shape_that_does_not_fit():
    with pytest.raises(
        ShapeError, match=r"array of shape \(3,\).*found 'dense0_weight' of shape \(2, 2\)"
    ):
        fill(init.Constant([1, 2, 3]), (2, 2))


@pytest.mark.parametrize("value", [None, "two", ["a", "b"], [[1], [2, 3]], object(), 1j, [1j]])
def test_constant_refuses_what_is_not_a_number(value):
    with pytest.raises(TypeError, match=r"expected a number.*for value of Constant, found"):
        init.Constant(value)


def test_assign_is_paddles_name_for_constant():
    assert init.Assign is init.Constant
    assert init.create("assign", value=[1, 2]) == init.Constant([1, 2])


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (0, 2)])
def test_identity_is_numpys_eye(shape):
    np.testing.assert_array_equal(fill(init.Identity(), shape), np.eye(*shape))
    np.testing.assert_array_equal(fill(init.Identity(gain=2.5), shape), 2.5 * np.eye(*shape))


@pytest.mark.parametrize("shape", [(), (3,), (2, 2, 2)])
def test_identity_refuses_what_is_not_a_matrix(shape):
    with pytest.raises(ShapeError, match="two axes for Identity, found 'dense0_weight' of shape"):
        fill(init.Identity(), shape)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("shape", [(4, 3, 3), (4, 5, 2, 3), (2, 1, 3, 4, 5), (6, 2, 1), (4, 3)])
def test_dirac_passes_channels_through(shape, groups):
    expected = np.zeros(shape)
    centre = tuple(size // 2 for size in shape[2:])
    per_group = shape[0] // groups
    for group in range(groups):
        for d in range(min(per_group, shape[1])):
            expected[(group * per_group + d, d, *centre)] = 1

    np.testing.assert_array_equal(fill(init.Dirac(groups), shape), expected)


def test_dirac_refuses_what_it_cannot_be():
    with pytest.raises(ArgumentError, match="expected groups of at least 1 for Dirac, found 0"):
        init.Dirac(0)
    with pytest.raises(TypeError, match=r"expected an integer for groups of Dirac, found 1.5"):
        init.Dirac(1.5)
    with pytest.raises(
        ShapeError, match=r"groups=2 divide, found 'dense0_weight' of shape \(3, 3, 3\)"
    ):
        fill(init.Dirac(2), (3, 3, 3))
    with pytest.raises(ShapeError, match="2 to 5 axes for Dirac"):
        fill(init.Dirac(), (3,))


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (2, 3, 5, 5), (1, 2, 3, 7), (2, 1, 1, 1)])
def test_bilinear_is_the_formulas_kernel(shape):
    f = math.ceil(shape[3] / 2)
    c = (2 * f - 1 - f % 2) / (2 * f)
    rows = 1 - abs(np.arange(shape[2]) / f - c)
    columns = 1 - abs(np.arange(shape[3]) / f - c)

    array = fill(init.Bilinear(), shape)

    np.testing.assert_allclose(array, np.broadcast_to(np.outer(rows, columns), shape), rtol=1e-6)


def test_bilinear_of_four_is_the_known_kernel():
    side = [0.25, 0.75, 0.75, 0.25]

    np.testing.assert_array_equal(fill(init.Bilinear(), (1, 1, 4, 4))[0, 0], np.outer(side, side))


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4)])
def test_bilinear_refuses_other_ranks(shape):
    with pytest.raises(ShapeError, match="four axes for Bilinear, found 'dense0_weight' of shape"):
        fill(init.Bilinear(), shape)


def test_lstm_bias_opens_the_forget_gate():
    np.testing.assert_array_equal(as_own(init.LSTMBias(), (8,)), [0, 0, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(as_own(init.LSTMBias(0.5), (4,)), [0, 0.5, 0, 0])
    with pytest.raises(ShapeError, match=r"multiple of 4, found 'x_bias' of shape \(6,\)"):
        as_own(init.LSTMBias(), (6,))


@pytest.mark.parametrize("make", [init.Identity, init.LSTMBias, init.Constant])
@pytest.mark.parametrize("value", [np.zeros((2, 2)) + 1j, "one", None])
def test_settings_have_to_be_numbers(make, value):
    with pytest.raises(TypeError, match="expected a number"):
        make(value)


@pytest.mark.parametrize("value", [[1, 2], np.array([1.0, 2.0]), nd.array([1, 2]), 3.5], ids=str)
def test_the_settings_of_a_constant_can_be_written_as_json(value):
    made = init.Constant(value)
    name, settings = json.loads(json.dumps(["constant", made._kwargs]))

    again = init.create(name, **settings)
    assert again == made
    np.testing.assert_array_equal(again.value, np.asarray(made.value))


HOOKS = ("_init_weight", "_init_bias", "_init_gamma", "_init_beta", "_init_one", "_init_zero")


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("initializer", [init.Xavier(), init.Normal(2), init.Constant(5)], ids=repr)
def test_hooks_called_by_hand_take_none_as_the_name(initializer, hook):
    by_hand, by_name = nd.full((3, 3), 7), nd.full((3, 3), 7)
    mx.random.seed(3)
    getattr(initializer, hook)(None, by_hand)
    mx.random.seed(3)
    getattr(initializer, hook)("x_weight", by_name)

    np.testing.assert_array_equal(by_hand, by_name)
    assert (by_hand != 7).asnumpy().any()
