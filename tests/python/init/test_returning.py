"""Initializers that return arrays, arrays as initializers, and notes on what initializers raise."""

from __future__ import annotations

import numpy as np
import pytest

import glueball as mx
from glueball import init, nd
from glueball.gluon import nn


class Keras(init.Initializer):
    def __call__(self, shape, dtype=None):
        data = nd.random.uniform(-10, 10, shape, dtype=dtype)
        return data * (nd.abs(data) >= 5)


class Returning(init.Initializer):
    def _init_weight(self, name, arr):
        return np.arange(arr.size).reshape(arr.shape)


class ShapeOnly(init.Initializer):
    def __call__(self, shape):
        return np.full(shape, 2.0)


def filled(initializer, dtype="float32"):
    layer = nn.Dense(2, in_units=3, weight_initializer=initializer, dtype=dtype)
    layer.initialize()
    return layer.weight.data().asnumpy()


COUNT = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [
        (Returning(), COUNT),
        (ShapeOnly(), np.full((2, 3), 2)),
        (lambda desc, arr: np.full(arr.shape, 4), np.full((2, 3), 4)),
        (lambda shape, dtype: np.full(shape, 5, dtype), np.full((2, 3), 5)),
        (lambda shape: 6, np.full((2, 3), 6)),
        (COUNT, COUNT),
        (nd.array(COUNT), COUNT),
        (COUNT.tolist(), COUNT),
        ([1, 2, 3], np.tile([1, 2, 3], (2, 1))),
    ],
)
def test_what_is_returned_or_given_is_written(initializer, expected):
    assert np.array_equal(filled(initializer), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_class_in_kerass_way_draws_from_the_parameters_stream(dtype):
    mx.random.seed(3)
    values = filled(Keras(), dtype)

    assert values.dtype == dtype
    assert np.all((values == 0) | (abs(values) >= 5))
    assert len(np.unique(values)) > 2
    assert Keras()(shape=(4, 5)).shape == (4, 5)


def test_keras_way_reaches_biases_given_to_a_net_as_default():
    net = nn.Dense(2, in_units=3, bias_initializer=None)
    net.initialize(ShapeOnly())

    assert np.array_equal(net.bias.data(), [2, 2])


class WrongShape(init.Initializer):
    def _init_weight(self, name, arr):
        return np.zeros(arr.shape[::-1])


class Words(init.Initializer):
    def _init_weight(self, name, arr):
        return "ones"


class Nothing(init.Initializer):
    def __call__(self, shape, dtype=None):
        np.ones(shape)


class Truth(init.Initializer):
    def _init_weight(self, name, arr):
        return True


class Raising(init.Initializer):
    def _init_weight(self, name, arr):
        raise KeyError("mine")


@pytest.mark.parametrize("kind", [WrongShape, Words, Nothing, Truth])
def test_what_cannot_be_written_is_an_error_and_never_zeros(kind):
    with pytest.raises(mx.MXNetError, match=r"expected .*\(2, 3\).*; ") as caught:
        filled(kind())

    assert "weight' of shape (2, 3)" in caught.value.__notes__[0]


def test_an_exception_carries_one_note_of_parameter_shape_and_initializer():
    layer = nn.Dense(2, in_units=3, prefix="out_")
    with pytest.raises(KeyError, match="mine") as caught:
        layer.initialize(init.Mixed([".*"], [Raising()]))

    assert caught.value.__notes__ == [
        "while Raising() filled parameter 'out_weight' of shape (2, 3)"
    ]


def test_shapes_that_cannot_be_broadcast_name_the_parameter():
    with pytest.raises(mx.base.ShapeError, match="weight"):
        filled(np.zeros((3, 2)))


@pytest.mark.parametrize(
    "values", [np.arange(4.0), np.arange(4), nd.arange(4), [0.0, 1.0, 2.0, 3.0]], ids=type
)
def test_an_array_is_a_bias_initializer_too(values):
    dense = nn.Dense(
        4,
        in_units=2,
        bias_initializer=init.Constant(values) if isinstance(values, list) else values,
    )
    dense.initialize()
    assert dense.bias.numpy().tolist() == [0, 1, 2, 3]


def test_moments_of_kerass_way_are_those_of_what_it_returns():
    class Halves(init.Initializer):
        def __call__(self, shape, dtype=None):
            return np.full(shape, 0.5, dtype)

    assert (Halves().mean((2, 3)), Halves().variance((2, 3))) == (0.5, 0.0)
    net = nn.Dense(2, in_units=3)
    row = net.explain(Halves())["weight"]
    assert (row.expected_mean, row.expected_sd) == (0.5, 0.0)


def test_moments_of_a_hook_that_writes_nothing_are_zero():
    class Idle(init.Initializer):
        def _init_weight(self, name, arr):
            pass

    np.full((100, 100), 7.0)  # memory that was used before
    assert (Idle().mean((100, 100)), Idle().variance((100, 100))) == (0.0, 0.0)
