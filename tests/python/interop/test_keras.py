"""Weights from Keras and to it, on Keras itself: where it is installed.

`tests/python/interop/test_arrays.py` shows the same conversions without it.
"""

from __future__ import annotations

import os

import numpy as onp
import pytest

from glueball import interop, nd
from glueball.gluon import nn

pytest.importorskip("torch", reason="needs a backend of Keras: pip install torch")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="needs Keras: pip install keras")

# Of Keras's own, with NumPy 2 and PyTorch.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def pair():
    """(model, net): the same net, there and here."""
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((5,)),
            layers.Dense(4, activation="tanh"),
            layers.BatchNormalization(epsilon=1e-5, scale=False),
            layers.Dense(4, use_bias=False),
            layers.LayerNormalization(epsilon=1e-5),
            layers.PReLU(),
            layers.Dense(2, activation="softplus"),
        ]
    )
    net = nn.HybridSequential(
        nn.Dense(4, activation="tanh"),
        nn.BatchNorm(scale=False),
        nn.Dense(4, use_bias=False),
        nn.LayerNorm(),
        nn.PReLU(in_channels=4),
        nn.Dense(2, activation="softrelu"),
    )
    return model, net


def randomise(model):
    rng = onp.random.default_rng(4)
    model.set_weights(
        [
            onp.abs(rng.normal(size=w.shape)) + 0.1
            if w.path.endswith("variance")
            else rng.normal(size=w.shape)
            for w in model.weights
        ]
    )


@pytest.mark.parametrize("by_name", [False, True])
def test_a_net_computes_what_its_model_does_and_gives_its_weights_back(by_name):
    model, net = pair()
    randomise(model)
    x = onp.random.default_rng(1).normal(size=(6, 5)).astype("float32")

    weights = {v.path: v for v in model.weights} if by_name else model.get_weights()
    interop.load_keras(net, weights)

    theirs = model.predict(x, verbose=0)
    onp.testing.assert_allclose(net(nd.array(x)).asnumpy(), theirs, rtol=1e-4, atol=1e-5)
    other, _ = pair()
    other.set_weights(interop.to_keras(net))
    for ours, original in zip(other.get_weights(), model.get_weights(), strict=True):
        onp.testing.assert_array_equal(ours, original)
