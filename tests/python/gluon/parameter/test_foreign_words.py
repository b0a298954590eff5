"""Other systems' words on a parameter: values, size, whether a gradient was computed, and a description."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, nd
from glueball.base import DeferredInitializationError
from glueball.gluon import Parameter, Trainer, nn


def made(**settings):
    weight = Parameter("w", shape=(2, 3), **settings)
    weight.initialize("ones")
    return weight


def backward(weight):
    with autograd.record():
        loss = (weight.data() * 2).sum()
    loss.backward()


def test_numpy_is_a_copy_and_asarray_the_values_themselves():
    weight = made()

    weight.numpy()[:] = 5
    assert (weight.numpy() == 1).all()
    onp.asarray(weight)[:] = 6
    assert (weight.numpy() == 6).all()
    onp.array(weight)[:] = 7
    assert (weight.numpy() == 6).all()
    assert type(onp.asarray(weight)) is type(weight.numpy()) is onp.ndarray
    assert onp.asarray(weight, dtype="float64").dtype == onp.float64
    assert onp.mean(weight) == 6


def test_without_values_there_is_no_array():
    with pytest.raises(RuntimeError, match="has not been initialized"):
        onp.asarray(Parameter("w", shape=(2,)))
    waiting = nn.Dense(2)
    waiting.initialize()
    with pytest.raises(DeferredInitializationError):
        waiting.weight.numpy()


def test_numpy_functions_of_a_parameter_while_recording_are_refused_rather_than_not_differentiated():
    weight = made()

    with autograd.record(), pytest.raises(TypeError, match=r"write data\(\) for its array"):
        onp.mean(weight)


def test_size():
    assert made().size == 6
    assert Parameter("w", shape=()).size == 1
    with pytest.raises(DeferredInitializationError, match=r"found \(2, 0\); run the net on data"):
        nn.Dense(2).weight.size  # noqa: B018


def test_set_value_and_assign_are_set_data():
    weight = made()

    weight.set_value(onp.full((2, 3), 4))
    assert (weight.numpy() == 4).all()
    assert weight.assign(onp.full((2, 3), 5)) is weight
    assert (weight.numpy() == 5).all()


def test_a_gradient_is_there_from_backward_to_zero_grad():
    weight = made()
    assert weight.grad().asnumpy().tolist() == [[0] * 3] * 2
    assert not weight.has_grad

    backward(weight)
    assert weight.has_grad
    weight.zero_grad()
    assert not weight.has_grad


def test_a_step_leaves_the_gradient_that_was_computed():
    weight = made()
    trainer = Trainer([weight], "sgd", {"learning_rate": 1})
    backward(weight)

    trainer.step(1)

    assert weight.has_grad


@pytest.mark.parametrize(
    "weight",
    [Parameter("w", shape=(2,)), nn.Dense(2).weight, made(grad_req="null")],
    ids=["uninitialized", "of unknown shape", "frozen"],
)
def test_without_a_gradient_has_grad_is_false(weight):
    assert weight.has_grad is False


def test_a_layer_that_was_not_used_has_no_gradient():
    used, other = nn.Dense(1, in_units=2), nn.Dense(1, in_units=2)
    for each in (used, other):
        each.initialize()
    with autograd.record():
        loss = used(nd.ones((1, 2)))
    loss.backward()

    assert used.weight.has_grad
    assert not other.weight.has_grad


def test_new_values_have_a_new_gradient():
    weight = made()
    backward(weight)

    weight.initialize("ones", force_reinit=True)

    assert not weight.has_grad


def test_a_gradient_that_is_added_to_is_there_until_it_is_zeroed():
    weight = made(grad_req="add")
    backward(weight)
    backward(weight)

    assert weight.has_grad
    assert weight.grad().asnumpy().tolist() == [[4] * 3] * 2


def test_describe_says_values_mean_and_spread():
    weight = made()
    weight.set_data([[1, 2, 3], [4, 5, 6]])

    text = repr(weight.describe())

    assert text.splitlines() == [
        "Parameter w (shape=(2, 3), dtype=float32)",
        "[[1. 2. 3.]",
        " [4. 5. 6.]]",
        "mean 3.5, standard deviation 1.708, from 1 to 6",
        "learns (grad_req='write'), no gradient computed",
    ]
    backward(weight)
    assert str(weight.describe()).endswith("a gradient was computed")


def test_describe_of_other_states():
    assert "not initialized: no values yet" in Parameter("w", shape=(2,)).describe()
    waiting = nn.Dense(2)
    waiting.initialize()
    assert "waits for its shape" in waiting.weight.describe()
    weight = made(grad_req="null")
    weight.set_data([[1, 2, 3], [4, onp.nan, onp.inf]])
    assert "mean 2.5" in weight.describe()
    assert "2 of 6 are not finite" in weight.describe()
    assert "does not learn (grad_req='null')" in weight.describe()


def test_describe_of_a_large_one_is_a_few_lines():
    weight = Parameter("w", shape=(1000, 1000))
    weight.initialize()

    assert len(weight.describe().splitlines()) < 12


def test_describe_says_where_the_parameter_is():
    net = nn.Sequential(nn.Dense(1, in_units=1))

    assert " at '0.weight'" in net["0.weight"].describe()
