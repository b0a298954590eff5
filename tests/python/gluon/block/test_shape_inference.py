"""Shapes of a user's HybridBlocks that the functions they call tell; what MXNet 1.9.1 infers and what not."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd, np, npx
from glueball.gluon import nn

X = nd.array([[1, 2, 3], [4, 5, 6]])


class Own(nn.HybridBlock):
    """A layer of one parameter, of a shape that is not known yet."""

    def __init__(self, shape, function, **settings):
        super().__init__()
        self.function = function
        settings = {"init": "ones", **settings}
        self.weight = self.params.get("weight", shape=shape, allow_deferred_init=True, **settings)

    def hybrid_forward(self, F, x, weight):
        return self.function(F, x, weight)


@pytest.mark.parametrize(
    ("shape", "function", "x", "inferred", "output"),
    [
        ((4, 0), lambda F, x, w: F.FullyConnected(x, w, no_bias=True, num_hidden=4), X, (4, 3), (2, 4)),
        ((0, 0), lambda F, x, w: F.FullyConnected(x, w, no_bias=True, num_hidden=4), X, (4, 3), (2, 4)),
        (
            (4, 0),
            lambda F, x, w: F.FullyConnected(data=F.relu(x), weight=w, no_bias=True, num_hidden=4),
            nd.ones((2, 3, 5)),
            (4, 15),
            (2, 4),
        ),
        (
            (4, 0),
            lambda F, x, w: F.FullyConnected(x, w, None, 4, True, flatten=False),
            nd.ones((2, 3, 5)),
            (4, 5),
            (2, 3, 4),
        ),
        ((0,), lambda F, x, w: F.LayerNorm(x, w, w), X, (3,), (2, 3)),
        ((0,), lambda F, x, w: F.BatchNorm(x, w, w, w, w, axis=0), X, (2,), (2, 3)),
        ((7, 0), lambda F, x, w: F.Embedding(x, w, input_dim=7, output_dim=2), X, (7, 2), (2, 3, 2)),
        ((0, 0), lambda F, x, w: F.elemwise_mul(x, w), X, (2, 3), (2, 3)),
        ((0, 0), lambda F, x, w: F.elemwise_sub(w, x), X, (2, 3), (2, 3)),
    ],
)  # fmt: skip
def test_functions_tell_the_shapes_of_parameters_they_are_given(
    shape, function, x, inferred, output
):
    layer = Own(shape, function)
    layer.initialize()

    first = layer(x)

    assert layer.weight.shape == inferred
    assert first.shape == output
    onp.testing.assert_array_equal(layer(x), first)


@pytest.mark.parametrize(
    ("shape", "function"),
    [
        ((4, 0), lambda F, x, w: F.dot(x, w, transpose_b=True)),
        ((0,), lambda F, x, w: F.broadcast_mul(x, w)),
        ((5, 0), lambda F, x, w: F.FullyConnected(x, w, no_bias=True, num_hidden=4)),
        ((0, 0), lambda F, x, w: x + w.T),
    ],
)
def test_what_functions_do_not_tell_is_an_error_and_the_parameter_goes_on_waiting(shape, function):
    layer = Own(shape, function)
    layer.initialize()

    with pytest.raises(
        ValueError, match=r"^Deferred initialization failed.*infer_shape\(self, x\)"
    ):
        layer(X)

    assert layer.weight._state == "deferred"
    assert layer.weight.shape == shape


def test_a_dense_layer_as_gluons_documents_write_it_learns():
    class Dense(nn.HybridBlock):
        def __init__(self, units, in_units=0, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            with self.name_scope():
                self.weight = self.params.get(
                    "weight", shape=(units, in_units), allow_deferred_init=True
                )
                self.bias = self.params.get(
                    "bias", shape=(0,), init="zeros", allow_deferred_init=True
                )

        def hybrid_forward(self, F, x, weight, bias):
            return F.FullyConnected(x, weight, bias, num_hidden=self.units)

    net = nn.HybridSequential(Dense(4), nn.Activation("tanh"), Dense(1))
    net.initialize(init.Xavier())
    net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    y = nd.array([1, -1])
    losses = []
    for _ in range(100):
        with autograd.record():
            loss = gluon.loss.L2Loss()(net(X), y)
        loss.backward()
        trainer.step(2)
        losses.append(loss.mean().asscalar())

    assert net[0].weight.shape == (4, 3)
    assert net[2].bias.shape == (1,)
    assert losses[-1] < losses[0] / 100


def test_shapes_are_told_in_numpy_mode_too():
    npx.set_np()
    try:
        layer = Own((4, 0), lambda F, x, w: F.npx.fully_connected(x, w, no_bias=True, num_hidden=4))
        layer.initialize()
        assert layer(np.ones((2, 3))).shape == (2, 4)
    finally:
        npx.reset_np()


def test_an_error_of_the_users_own_is_not_taken_for_a_missing_shape():
    def fails(F, x, w):
        F.FullyConnected(x, w, no_bias=True, num_hidden=4)
        raise KeyError("mine")

    layer = Own((4, 0), fails)
    layer.initialize()

    with pytest.raises(KeyError, match="mine"):
        layer(X)
    assert layer.weight.shape == (4, 3)


def test_a_parameter_whose_shape_is_known_by_then_is_given_as_it_is():
    class Both(Own):
        def __init__(self):
            super().__init__((4, 0), None)
            self.scale = self.params.get("scale", shape=(1, 4), init="ones")

        def hybrid_forward(self, F, x, weight, scale):
            return F.broadcast_mul(
                F.FullyConnected(x, weight, no_bias=True, num_hidden=4), 2 * scale
            )

    layer = Both()
    layer.initialize()

    assert layer(nd.ones((1, 3))).asnumpy().tolist() == [[6, 6, 6, 6]]
