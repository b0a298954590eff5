"""Constant: a parameter whose value is given, and stays."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from glueball import autograd, gluon, init, nd
from glueball.base import ArgumentError, DtypeError, NoGradientError, UninitializedError
from glueball.gluon import Constant, nn


class Scaled(nn.HybridBlock):
    """A net's output times a constant."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.layer = nn.Dense(2)
            self.factor = self.params.get_constant("factor", [[10.0, 100.0]])

    def hybrid_forward(self, F, x, factor):
        return self.layer(x) * factor


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([[1, 2]], np.float32),
        (np.array([[1, 2]]), np.float32),
        (np.array([[1.0, 2.0]]), np.float32),
        (nd.array([[1, 2]]), np.float32),
        (nd.array([[1, 2]], dtype="float64"), np.float64),
    ],
    ids=["list", "int", "double", "NDArray", "double NDArray"],
)
def test_a_constant_takes_its_value_from_anything_like_an_array(value, dtype):
    constant = Constant("c", value)
    constant.initialize()

    assert repr(constant) == f"Constant c (shape=(1, 2), dtype={np.dtype(dtype).name})"
    assert constant.data().dtype == dtype
    np.testing.assert_array_equal(constant.data().asnumpy(), [[1, 2]])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("abc", "found str of dtype <U3"),
        (None, "found NoneType of dtype object"),
        ([[1, 2], [3]], "found lists of unequal lengths"),
        (np.array([1j]), "found ndarray of dtype complex128"),
    ],
    ids=["text", "None", "ragged", "complex"],
)
def test_what_is_not_an_array_of_numbers_is_refused(value, found):
    with pytest.raises(DtypeError) as caught:
        Constant("c", value)

    assert f"expected an array of numbers as value of Constant 'c', {found}" in str(caught.value)


def test_a_constant_has_no_gradient_and_says_so_when_one_is_asked_for():
    constant = Constant("c", [1, 2])
    constant.initialize()

    with pytest.warns(UserWarning) as caught:
        constant.grad_req = "write"

    assert str(caught[0].message) == (
        'Constant parameter "c" does not support grad_req other than "null", and new value "write" '
        "is ignored."
    )
    assert constant.grad_req == "null"
    constant.grad_req = "null"
    with pytest.raises(NoGradientError):
        constant.grad()


def test_a_constant_needs_initialize_as_every_parameter():
    with pytest.raises(UninitializedError):
        Constant("c", [1]).data()


def test_initializing_a_net_leaves_its_constants_at_their_value():
    net = Scaled()
    net.initialize(init.One())
    assert net(nd.ones((1, 3))).asnumpy().tolist() == [[30, 300]]

    net.initialize(init.Zero(), force_reinit=True)
    np.testing.assert_array_equal(net.factor.data().asnumpy(), [[10, 100]])


def test_a_constant_beside_a_deferred_layer_takes_part_in_forward_and_backward():
    net = Scaled()
    net.hybridize()
    net.initialize("ones")
    with autograd.record():
        loss = net(nd.ones((1, 3))).sum()
    loss.backward()

    np.testing.assert_array_equal(
        net.layer.weight.grad().asnumpy(), [[10, 10, 10], [100, 100, 100]]
    )


def test_a_constant_refuses_another_value():
    constant = Constant("c", [1, 2])
    constant.initialize()

    with pytest.raises(
        ArgumentError,
        match="expected Constant 'c' to keep its value, found an attempt to set its data",
    ):
        constant.set_data([1, 3])
    with pytest.raises(
        ArgumentError, match="found an attempt to initialize it with an initializer"
    ):
        constant.initialize("zeros", force_reinit=True)

    constant.set_data(np.array([1, 2]))
    np.testing.assert_array_equal(constant.data().asnumpy(), [1, 2])


def test_constants_register_no_names_and_warn_of_none():
    for _ in range(1000):
        Constant("c", [1.0]).initialize()


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))], ids=["copy", "pickle"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_copy_is_an_equal_constant_of_its_own(copied, dtype):
    constant = Constant("c", nd.array([1, 2], dtype=dtype))
    constant.initialize()
    again = copied(constant)

    assert repr(again) == f"Constant c (shape=(2,), dtype={dtype})"
    assert again.data().dtype == np.dtype(dtype)
    again.data()[:] = 7
    np.testing.assert_array_equal(constant.data().asnumpy(), [1, 2])


def test_a_copy_of_a_cast_constant_keeps_the_dtype_and_one_never_initialized_stays_so():
    constant = Constant("c", [1, 2])
    constant.cast("float64")

    again = copy.deepcopy(constant)
    assert repr(again) == "Constant c (shape=(2,), dtype=float64)"
    with pytest.raises(UninitializedError):
        again.data()
    again.initialize()
    assert again.data().dtype == np.float64


def test_constants_are_saved_and_loaded_with_their_net(tmp_path):
    net = Scaled()
    net.initialize("ones")
    net(nd.ones((1, 3)))
    net.save_parameters(str(tmp_path / "net.npz"))

    again = Scaled()
    again.load_parameters(str(tmp_path / "net.npz"))
    assert again(nd.ones((1, 3))).asnumpy().tolist() == [[30, 300]]


def test_a_constant_is_trained_by_no_trainer():
    net = Scaled()
    net.initialize("ones")
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1.0})
    with autograd.record():
        loss = net(nd.ones((1, 3))).sum()
    loss.backward()
    trainer.step(1)

    np.testing.assert_array_equal(net.factor.data().asnumpy(), [[10, 100]])
    np.testing.assert_array_equal(net.layer.bias.data().asnumpy(), [-10, -100])
