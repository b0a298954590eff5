"""A layer of two weights of 1, data for it, and one backward: what tests of the Trainer start from."""

from __future__ import annotations

from glueball import autograd, nd
from glueball.gluon import nn

X = nd.array([[1, 2], [3, 4]])


def linear(**settings):
    net = nn.Dense(1, in_units=2, weight_initializer="ones", prefix="fc_", **settings)
    net.initialize()
    return net


def backward(net, x=X):
    with autograd.record():
        y = net(x).sum()
    y.backward()


def weight(net):
    return net.weight.data().asnumpy().copy()
