"""PyTorch's functions that fill in place, and Keras's class names: against formulas and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import glueball as mx
from glueball import autograd, gluon, init, nd
from glueball.gluon import nn

SHAPE = (300, 200)
AVG, IN, OUT = 250, 200, 300


def uniform(bound):
    return stats.uniform(-bound, 2 * bound)


DISTRIBUTIONS = {
    "uniform_": (lambda w: init.uniform_(w, -2, 5), stats.uniform(-2, 7)),
    "normal_": (lambda w: init.normal_(w, mean=3, std=0.5), stats.norm(3, 0.5)),
    "trunc_normal_": (
        lambda w: init.trunc_normal_(w, 0.5, 2, -1, 3),
        stats.truncnorm((-1 - 0.5) / 2, (3 - 0.5) / 2, 0.5, 2),
    ),
    "xavier_uniform_": (lambda w: init.xavier_uniform_(w, 2), uniform(2 * math.sqrt(3 / AVG))),
    "xavier_normal_": (lambda w: init.xavier_normal_(w, 2), stats.norm(0, 2 / math.sqrt(AVG))),
    "kaiming_uniform_": (
        lambda w: init.kaiming_uniform_(w, a=math.sqrt(5)),
        uniform(1 / math.sqrt(IN)),
    ),
    "kaiming_normal_": (
        lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"),
        stats.norm(0, math.sqrt(2 / OUT)),
    ),
    "GlorotUniform": (lambda w: w.set_data(init.GlorotUniform()(SHAPE)), uniform(math.sqrt(3 / AVG))),
    "HeUniform": (lambda w: w.set_data(init.HeUniform()(SHAPE)), uniform(math.sqrt(6 / IN))),
    "LecunUniform": (lambda w: w.set_data(init.LecunUniform()(SHAPE)), uniform(math.sqrt(3 / IN))),
    "RandomUniform": (lambda w: w.set_data(init.RandomUniform()(SHAPE)), uniform(0.05)),
    "RandomNormal": (lambda w: w.set_data(init.RandomNormal(1.0)(SHAPE)), stats.norm(1, 0.05)),
}  # fmt: skip


def parameter(shape=SHAPE, dtype="float32"):
    weight = gluon.Parameter("weight", shape=shape, dtype=dtype)
    weight.initialize("zeros")
    return weight


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_follow_the_formula(name):
    mx.random.seed(11)
    fill, distribution = DISTRIBUTIONS[name]
    weight = parameter()
    fill(weight)

    assert stats.kstest(weight.data().asnumpy().ravel(), distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("name", "variance"),
    [("GlorotNormal", 1 / AVG), ("HeNormal", 2 / IN), ("LecunNormal", 1 / IN)],
)
def test_keras_normals_are_cut_and_keep_their_variance(name, variance):
    values = getattr(init, name)()(shape=SHAPE, dtype="float64").asnumpy()

    assert values.dtype == np.float64
    assert values.var() == pytest.approx(variance, rel=0.03)
    assert abs(values).max() <= 2 * math.sqrt(variance) / 0.87962566103423978 * (1 + 1e-6)


def test_fixed_fillings_are_numpys():
    w = np.empty((3, 5))
    assert np.array_equal(init.eye_(w), np.eye(3, 5))
    assert np.array_equal(init.constant_(w, 4), np.full((3, 5), 4))
    assert np.array_equal(init.ones_(w), np.ones((3, 5)))
    assert np.array_equal(init.zeros_(w), np.zeros((3, 5)))
    kernel = init.dirac_(np.empty((2, 2, 3)))
    assert np.array_equal(kernel[..., 1], np.eye(2))
    assert kernel.sum() == 2
    q = init.orthogonal_(np.empty((4, 9)), gain=2)
    assert np.allclose(q @ q.T, 4 * np.eye(4), atol=1e-5)
    sparse = init.sparse_(np.empty((10, 6)), 0.25)
    assert list((sparse == 0).sum(axis=0)) == [3] * 6


@pytest.mark.parametrize(
    "make", [parameter, lambda: nd.zeros(SHAPE), lambda: np.zeros(SHAPE, "float16")]
)
def test_what_is_filled_is_returned_and_filled_in_place(make):
    target = make()
    view = target.data() if isinstance(target, gluon.Parameter) else target

    assert init.normal_(target, 1.0, 2.0) is target
    assert np.asarray(view, "float64").std() == pytest.approx(2, rel=0.05)


def test_fillings_inside_record_are_not_recorded():
    weight = parameter((2, 3))
    with autograd.record():
        init.ones_(weight)
        loss = (weight.data() * 2).sum()
    loss.backward()

    assert np.array_equal(weight.grad(), np.full((2, 3), 2))


def test_a_parameter_without_shape_is_filled_when_it_gets_one():
    net = nn.Sequential()
    net.add(nn.Dense(3))
    init.constant_(net[0].weight, 7)
    init.ones_(net[0].bias)
    net.infer_shape((None, 4))

    assert np.array_equal(net[0].weight.data(), np.full((3, 4), 7))
    assert np.array_equal(net[0].bias.data(), np.ones(3))


@pytest.mark.parametrize("in_units", [4, 0], ids=["known shape", "unknown shape"])
def test_initialize_leaves_what_was_filled_first_without_a_warning(in_units, recwarn):
    net = nn.Sequential()
    net.add(nn.Dense(3, in_units=in_units))
    init.constant_(net[0].weight, 7)
    net.initialize(init.One())
    net.infer_shape((None, 4))

    assert np.array_equal(net[0].weight.data(), np.full((3, 4), 7))
    assert not recwarn.list
    if in_units:  # a second one has nothing new to fill, which Gluon says
        with pytest.warns(UserWarning, match="already initialized"):
            net.initialize()


def test_a_tied_parameter_is_filled_in_all_places():
    a = nn.Dense(4, in_units=4)
    b = nn.Dense(4, in_units=4, params=a.params)
    a.initialize()
    init.eye_(b.weight)

    assert np.array_equal(a.weight.data(), np.eye(4))


@pytest.mark.parametrize("target", [nn.Dense(2), "weight", None, 3.0, np.zeros(3, "int32")])
def test_what_cannot_be_filled_is_refused(target):
    with pytest.raises(mx.MXNetError, match=r"expected a Parameter or an array of floats"):
        init.normal_(target)


def test_a_bias_has_no_fans():
    with pytest.raises(mx.base.ShapeError, match="axes"):
        init.xavier_uniform_(parameter((5,)))


def test_gains():
    gelu = stats.norm.expect(lambda z: (z * stats.norm.cdf(z)) ** 2) ** -0.5
    assert init.calculate_gain("gelu") == pytest.approx(gelu, rel=1e-6)
    assert init.calculate_gain("conv2d") == 1
    assert init.calculate_gain("leaky_relu", 0.2) == pytest.approx(math.sqrt(2 / 1.04))
    assert init.calculate_gain("silu") == init.gain("silu")


def test_a_global_initializer_fills_layers_made_later():
    before = nn.Dense(2, in_units=2)
    init.set_global_initializer(init.Constant(3), init.Constant(4))
    try:
        after = nn.Dense(2, in_units=2)
    finally:
        init.set_global_initializer(None)
    for layer in (before, after):
        layer.initialize("zeros")

    assert before.weight.data().sum() == 0
    assert after.weight.data().sum() == 12
    assert after.bias.data().sum() == 8
    with pytest.raises(mx.base.ArgumentError, match="set_default"):
        init.set_global_initializer(None, "ones")


@pytest.mark.parametrize("name", ["GlorotUniform", "HeNormal", "LecunNormal", "RandomNormal"])
def test_keras_classes_are_found_by_name_and_survive_json(name):
    made = getattr(init, name)()

    assert made.dumps().startswith(f'["{name.lower()}"')
    assert init.create(name).variance(SHAPE) == init.create(made.dumps()).variance(SHAPE)
    with pytest.raises(mx.base.ArgumentError, match=r"random\.seed"):
        getattr(init, name)(seed=1)


def test_names_are_shown_and_stft_is_refused_by_name():
    assert {"uniform_", "calculate_gain", "GlorotUniform"} <= set(dir(init))
    with pytest.raises(AttributeError, match="STFT"):
        _ = init.STFT
