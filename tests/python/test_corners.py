"""Kernels at the corners of their range, against float64; settings that float32 cannot hold."""

import inspect
import math

import numpy as np
import pytest
from scipy import special

from glueball import MXNetError, autograd, gluon, init, lr_scheduler, metric, nd, optimizer
from glueball.gluon import nn

FLOAT32 = np.finfo(np.float32)
CORNERS = np.array(
    [0.0, 1e-45, 1e-40, 1.2e-38, 1e-30, 1e-8, 0.5, 2, 10, 17, 80, 87, 88.5, 95, 103, 1e4, 1e19]
    + [1e20, 1e30, 1e38, FLOAT32.max],
    np.float32,
)
CORNERS = np.concatenate([-CORNERS[::-1], CORNERS])


def softplus(x):
    return np.logaddexp(0, x)


FUNCTIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "softrelu": softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "gelu": lambda x: x * special.ndtr(x),
    "silu": lambda x: x * special.expit(x),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: (
        1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
    ),
    "log_sigmoid": lambda x: -softplus(-x),
    "mish": lambda x: x * np.tanh(softplus(x)),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_an_activation_is_right_from_denormals_to_the_largest_number(name):
    x = nd.array(CORNERS)
    x.attach_grad()
    with autograd.record():
        y = nn.Activation(name)(x)
    y.backward()
    with np.errstate(over="ignore"):
        expected = FUNCTIONS[name](CORNERS.astype(np.float64)).astype(np.float32)
    # Where e^x is denormal, so is its precision.
    np.testing.assert_allclose(y.asnumpy(), expected, rtol=2e-6, atol=1e-42)
    assert np.isfinite(x.grad.asnumpy()).all()
    assert (abs(x.grad.asnumpy()) <= 1.8).all()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_an_activation_shows_nan(name):
    assert np.isnan(nn.Activation(name)(nd.array([math.nan] * 9)).asnumpy()).all()


ROWS = [(offset, step) for offset in (0.0, 1.0, 1e7, -1.6e7) for step in (1.0, 2.0)] + [
    (0.0, step) for step in (1e-3, 1e10, 1e19, 1e30, 1e37)
]


def expected_rows(x):
    x = x.astype(np.float64)
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)


def norms():
    """Ways to normalise each row of (4, 8)."""

    def layer(block, shape, back):
        block.initialize()

        def run(x):
            with autograd.record():
                return back(block(x.reshape(shape) if shape else x.T))

        return run

    def same(y):
        return y.reshape((4, 8))

    ones, zeros = nd.ones(8), nd.zeros(8)
    yield "LayerNorm", layer(nn.LayerNorm(), (4, 8), same)
    yield "LayerNorm of axis 1", layer(nn.LayerNorm(axis=1), (4, 8, 1), same)
    yield "GroupNorm", layer(nn.GroupNorm(1), (4, 8), same)
    yield "GroupNorm of images", layer(nn.GroupNorm(1), (4, 2, 4), same)
    yield "InstanceNorm", layer(nn.InstanceNorm(epsilon=1e-5), (4, 1, 8), same)
    yield "BatchNorm", layer(nn.BatchNorm(), None, lambda y: y.T)
    yield "BatchNorm of images", layer(nn.BatchNorm(), (1, 4, 8), same)
    yield "nd.LayerNorm", lambda x: nd.LayerNorm(x, ones, zeros, eps=1e-5)
    yield "nd.GroupNorm", lambda x: nd.GroupNorm(x, ones, zeros, eps=1e-5)
    yield (
        "nd.InstanceNorm",
        lambda x: same(nd.InstanceNorm(x.reshape((4, 1, 8)), nd.ones(1), nd.zeros(1), eps=1e-5)),
    )

    def batch(x):
        four = nd.ones(4), nd.zeros(4), nd.zeros(4), nd.ones(4)
        with autograd.train_mode():
            return nd.BatchNorm(x.T, *four, eps=1e-5).T

    yield "nd.BatchNorm", batch


@pytest.mark.parametrize(("offset", "step"), ROWS)
@pytest.mark.parametrize(("name", "normalise"), list(norms()))
def test_a_normalisation_keeps_the_digits_of_its_moments(name, normalise, offset, step):
    values = np.array([0, 1, 2, 3, 5, 7, 1, 2]) * step
    x = np.stack([offset + values, offset - values, offset + values[::-1], values]).astype(
        np.float32
    )
    np.testing.assert_allclose(
        normalise(nd.array(x)).asnumpy(), expected_rows(x), rtol=3e-6, atol=3e-6
    )


@pytest.mark.parametrize(("offset", "step"), ROWS)
@pytest.mark.parametrize("make", [nn.LayerNorm, lambda: nn.GroupNorm(2), nn.BatchNorm])
def test_gradients_of_a_normalisation_keep_digits_too(make, offset, step):
    x = (offset + np.arange(24).reshape(4, 6) ** 2 % 11 * step).astype(np.float32)
    head = np.sin(np.arange(24)).reshape(4, 6).astype(np.float32)
    found = []
    for dtype in ("float32", "float64"):
        layer = make()
        layer.initialize()
        layer.cast(dtype)
        data = nd.array(x, dtype=dtype)
        data.attach_grad()
        with autograd.record():
            y = layer(data)
        y.backward(nd.array(head, dtype=dtype))
        found.append([data.grad.asnumpy() * step, layer.gamma.grad().asnumpy()])
    for narrow, wide in zip(*found, strict=True):
        np.testing.assert_allclose(narrow, wide, rtol=1e-4, atol=1e-4)


def losses():
    loss = gluon.loss
    yield from (loss.L1Loss, loss.L2Loss, loss.HuberLoss, loss.SigmoidBCELoss, loss.HingeLoss)
    yield from (loss.SquaredHingeLoss, loss.LogisticLoss, loss.SoftmaxCELoss)


@pytest.mark.parametrize("kind", list(losses()))
@pytest.mark.parametrize("size", [1e-40, 1e-20, 1.0, 1e18, 1.5e19, 1e38])
def test_a_loss_is_what_float64_says_wherever_float32_can_hold_it(kind, size):
    scores = np.linspace(-1, 1, 24).reshape(4, 6) * size
    label = np.arange(4) if kind is gluon.loss.SoftmaxCELoss else np.sign(scores)
    found = [
        kind()(nd.array(scores, dtype=dtype), nd.array(label, dtype=dtype)).asnumpy()
        for dtype in ("float32", "float64")
    ]
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(found[0], found[1].astype(np.float32), rtol=1e-5, atol=1e-7)


# Multiplies by the square of a gradient, and so diverges from gradients of 1e4, in float64 too.
DIVERGING = {"dcasgd"}


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e4, 1e8])
@pytest.mark.parametrize("name", sorted(set(optimizer.Optimizer.opt_registry) - DIVERGING))
def test_nearly_constant_gradients_leave_weights_finite(name, size):
    settings = [{}]
    if name == "rmsprop":
        settings = [{"centered": True}, {"centered": False}]
    for each in settings:
        rule = optimizer.create(name, **each)
        weight, rng = nd.ones((64,)), np.random.default_rng(3)
        state = rule.create_state(0, weight)
        for _ in range(200):
            gradient = size * (1 + 1e-4 * rng.standard_normal(64))
            rule.update(0, weight, nd.array(gradient), state)
        assert np.isfinite(weight.asnumpy()).all()


@pytest.mark.parametrize("average", ["macro", "micro"])
@pytest.mark.parametrize(
    "scales", [(1, 1), (1e-85, 1e85), (1e85, 1e85), (1e-300, 1), (1e300, 1e-160)]
)
def test_pearsons_correlation_does_not_depend_on_units(scales, average):
    rng = np.random.default_rng(5)
    pairs = [rng.standard_normal((2, 20)) + 3 for _ in range(3)]
    pearson = metric.PearsonCorrelation(average=average)
    for labels, preds in pairs:
        pearson.update(
            nd.array(labels * scales[0], dtype="float64"),
            nd.array(preds * scales[1], dtype="float64"),
        )
    each = [np.corrcoef(pair)[0, 1] for pair in pairs]
    expected = np.mean(each) if average == "macro" else np.corrcoef(np.concatenate(pairs, 1))[0, 1]
    assert pearson.get()[1] == pytest.approx(expected, rel=1e-12)


def numeric_settings():
    """Every setting that is a number, of every class that has some, with what else the class needs."""
    needed = {
        "units": 2, "alpha": 0.1, "rate": 0.5, "num_groups": 1, "step": 2, "max_update": 9,
        "function": "softmax", "activation": "relu", "in_channels": 2, "input_dim": 3, "output_dim": 2,
    }  # fmt: skip
    lists = {"MultiFactorScheduler": {"step": [1, 2]}, "LambdaCallback": None}
    for room in (nn, init, optimizer, gluon.loss, lr_scheduler):
        for name in room.__all__:
            kind = getattr(room, name)
            if not inspect.isclass(kind) or issubclass(kind, Warning):
                continue
            parameters = inspect.signature(kind).parameters
            plain = [
                each
                for each in parameters.values()
                if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
            ]
            others = {each.name: needed[each.name] for each in plain if each.name in needed}
            others |= lists.get(name) or {}
            for each in plain:
                if isinstance(each.default, float) or each.name in (
                    "alpha",
                    "beta",
                    "slope",
                    "margin",
                ):
                    yield pytest.param(kind, each.name, others, id=f"{name}-{each.name}")


# Settings that may be infinite: bounds.
MAY_BE_INFINITE = {"low", "high"}


@pytest.mark.parametrize(("kind", "name", "others"), list(numeric_settings()))
@pytest.mark.parametrize("value", [1e39, -1e307, math.inf, math.nan])
def test_a_setting_that_float32_cannot_hold_is_refused(kind, name, others, value):
    if name in MAY_BE_INFINITE and not math.isnan(value):
        return
    with pytest.raises(MXNetError):
        kind(**others | {name: value})


def test_the_settings_tried_are_many():
    assert len(list(numeric_settings())) > 60
