"""Chains of layers with random settings and values, for tests that carry nets elsewhere and back."""

from __future__ import annotations

import numpy as onp
from hypothesis import strategies as st

from glueball import init, nd
from glueball.gluon import nn

RNG = onp.random.default_rng(7)
FUNCTIONS = [
    "relu",
    "sigmoid",
    "tanh",
    "softrelu",
    "softplus",
    "softsign",
    "gelu",
    "silu",
    "swish",
    "leaky_relu",
    "elu",
    "selu",
    "log_sigmoid",
    "mish",
    "identity",
]

KINDS = [
    "dense",
    "activation",
    "leaky_relu",
    "elu",
    "swish",
    "plain",
    "prelu",
    "batch_norm",
    "layer_norm",
    "group_norm",
    "dropout",
    "chain",
]


def normal(*shape, dtype="float32"):
    return RNG.normal(size=shape).astype(dtype)


def randomised(net, x):
    """Give every parameter random values: zeros and ones would hide mistakes."""
    net.initialize(init.Xavier())
    net(nd.array(x, dtype=x.dtype))
    for name, parameter in net.collect_params().items():
        values = RNG.normal(size=parameter.shape)
        if name.endswith("running_var"):
            values = values**2 + 0.1
        elif name.endswith("weight"):
            values /= onp.sqrt(parameter.shape[-1])
        parameter.set_data(values)
    return net


@st.composite
def nets(draw, kinds):
    """Draw a chain of layers of some `kinds` ("chain" for nested ones), and a width of its input."""

    def layer():
        match draw(st.sampled_from(kinds)):
            case "dense":
                return nn.Dense(
                    draw(st.integers(1, 6)),
                    activation=draw(st.sampled_from([None, *FUNCTIONS])),
                    use_bias=draw(st.booleans()),
                    flatten=draw(st.booleans()),
                )
            case "activation":
                return nn.Activation(draw(st.sampled_from(FUNCTIONS)))
            case "leaky_relu":
                return nn.LeakyReLU(draw(st.sampled_from([0.0, 0.01, 0.5])))
            case "elu":
                return nn.ELU(draw(st.sampled_from([0.25, 1.0, 2.0])))
            case "swish":
                return nn.Swish(draw(st.sampled_from([-1.0, 1.0, 1.5])))
            case "plain":
                return draw(st.sampled_from([nn.SELU, nn.GELU, nn.SiLU, nn.Identity, nn.Flatten]))()
            case "prelu":
                return nn.PReLU(in_channels=draw(st.sampled_from([0, 1])))
            case "batch_norm":
                return nn.BatchNorm(scale=draw(st.booleans()), center=draw(st.booleans()))
            case "layer_norm":
                return nn.LayerNorm(epsilon=draw(st.sampled_from([1e-5, 1e-3])))
            case "group_norm":
                return nn.GroupNorm(scale=draw(st.booleans()))
            case "dropout":
                axes = draw(st.sampled_from([(), (0,), (-1,)]))
                return nn.Dropout(draw(st.sampled_from([0.0, 0.5])), axes=axes)
            case "chain":
                return nn.HybridSequential(*(layer() for _ in range(draw(st.integers(0, 2)))))

    layers = [layer() for _ in range(draw(st.integers(1, 5)))]
    return nn.HybridSequential(*layers), draw(st.integers(2, 6))
