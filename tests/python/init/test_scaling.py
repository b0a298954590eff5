from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from glueball import init
from glueball.base import ArgumentError, ShapeError
from init_filling import assert_moments, fill

SHAPES = [(256, 20), (20, 256), (16, 8, 3), (8, 16, 3, 5), (4, 6, 2, 3, 4)]

FAN_BASED = [
    init.VarianceScaling,
    init.Xavier,
    init.MSRAPrelu,
    init.XavierUniform,
    init.XavierNormal,
    init.KaimingUniform,
    init.KaimingNormal,
    init.LeCunUniform,
    init.LeCunNormal,
]


def fans_of(shape):
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


# Standard deviation of a unit normal cut at two.
CUT = stats.truncnorm(-2, 2).std()


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_fans_count_kernel_elements(shape):
    assert init.fans(shape) == fans_of(shape)


@pytest.mark.parametrize("shape", [(), (5,)])
def test_a_vector_has_no_fans(shape):
    with pytest.raises(
        ShapeError,
        match=r"expected a weight \(out, in, \*kernel\) of two or more axes.*"
        r"found 'dense1_bias' of shape",
    ):
        init.fans(shape, "dense1_bias")


@pytest.mark.parametrize("make", FAN_BASED)
def test_a_bias_is_refused_with_its_name_and_what_accepts_it(make):
    own = make()
    with pytest.raises(
        ValueError,
        match=r"found 'dense0_bias' of shape \(256,\); .*initializer cannot be applied to vector "
        r"dense0_bias\. It requires at least 2D\..*Zero",
    ):
        fill(init.Zero(), (256,), init.InitDesc("dense0_bias", {"__init__": own}))


def test_gluons_sentence_names_xavier():
    with pytest.raises(
        ValueError,
        match=r"Xavier initializer cannot be applied to vector x_weight\. It requires at least 2D\.",
    ):
        fill(init.Xavier(), (3,), "x_weight")


@pytest.mark.parametrize(
    ("mode", "fan"),
    [
        ("fan_in", lambda i, o: i),
        ("fan_out", lambda i, o: o),
        ("fan_avg", lambda i, o: (i + o) / 2),
        ("fan_geo_avg", lambda i, o: math.sqrt(i * o)),
    ],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_variance_is_scale_over_fan(shape, mode, fan):
    variance = init.VarianceScaling(1.7, mode).variance("w", shape)

    assert variance == pytest.approx(1.7 / fan(*fans_of(shape)), rel=1e-12)


def test_fans_can_be_given():
    scaling = init.VarianceScaling(1.0, "fan_avg", fan_in=3, fan_out=5)

    assert scaling.variance("w", (256, 20)) == pytest.approx(1 / 4)
    assert init.XavierUniform(fan_in=3).variance("w", (5, 20)) == pytest.approx(1 / 4)
    # One fan is all that this mode needs, so that a vector is fine.
    assert fill(init.LeCunNormal(fan_in=4), (5,)).std() > 0


def test_axes_can_be_given():
    # Keras's rule for a dense weight of (in, out): fans by the other axes.
    assert init.LeCunNormal(in_axes=(0,), out_axes=(1,)).variance("w", (20, 256)) == pytest.approx(
        1 / 20
    )
    # A stack of matrices (heads, in, out).
    scaling = init.XavierNormal(in_axes=(1,), out_axes=(0, -1))
    assert scaling.variance("w", (8, 20, 3)) == pytest.approx(2 / (20 + 24))


def test_an_axis_that_is_not_there_is_refused():
    with pytest.raises(ShapeError, match=r"has axis 2, which is in in_axes, found 'dense0_weight'"):
        fill(init.LeCunNormal(in_axes=(2,)), (3, 4))


@pytest.mark.parametrize(
    ("distribution", "exact"),
    [
        ("uniform", lambda s: stats.uniform(-math.sqrt(3) * s, 2 * math.sqrt(3) * s)),
        ("normal", lambda s: stats.norm(0, s)),
        ("untruncated_normal", lambda s: stats.norm(0, s)),
        ("truncated_normal", lambda s: stats.truncnorm(-2, 2, 0, s / CUT)),
    ],
)
@pytest.mark.parametrize("shape", [(512, 300), (64, 32, 9), (32, 16, 5, 7)])
def test_variance_scaling_draws_from_the_distribution(shape, distribution, exact):
    sample = fill(init.VarianceScaling(2.0, "fan_in", distribution), shape)

    law = exact(math.sqrt(2.0 / fans_of(shape)[0]))
    assert_moments(sample, law)
    assert stats.kstest(sample.ravel().astype(np.float64), law.cdf).pvalue > 1e-3


# For a weight (256, 20): fan-in 20, fan-out 256. Bound (None: there is none), standard deviation.
VALUES = [
    (init.Uniform(), 0.07, 0.040415),
    (init.Xavier(), 0.147442, 0.085126),
    (init.XavierUniform(), 0.147442, 0.085126),
    (init.Xavier(rnd_type="gaussian"), None, 0.147442),
    (init.XavierNormal(), None, 0.085126),
    (init.XavierNormal(truncated=True), 0.193550, 0.085126),
    (init.MSRAPrelu(), None, 0.116791),
    (init.KaimingUniform(), 0.547723, 0.316228),
    (init.KaimingNormal(), None, 0.316228),
    (init.KaimingNormal(truncated=True), 0.719005, 0.316228),
    (init.LeCunNormal(), None, 0.223607),
    (init.KaimingUniform(a=math.sqrt(5)), 0.223607, 0.129099),  # PyTorch's Linear
    (init.VarianceScaling(1, "fan_geo_avg", "normal"), None, 0.118218),
]


@pytest.mark.parametrize(("initializer", "bound", "deviation"), VALUES, ids=lambda x: repr(x))
def test_known_bounds_and_deviations(initializer, bound, deviation):
    sample = fill(initializer, (256, 20))

    # A normal's fourth moment is the largest of the three distributions': 3 sigma^4.
    assert sample.std() == pytest.approx(deviation, rel=5 * math.sqrt(2 / (4 * sample.size)))
    if bound is not None:
        assert abs(sample).max() <= bound * (1 + 5e-6)
        assert abs(sample).max() > 0.98 * bound
    if hasattr(initializer, "variance"):
        assert round(math.sqrt(initializer.variance("w", (256, 20))), 6) == deviation


@given(
    st.sampled_from([init.Xavier, init.XavierUniform, init.KaimingUniform, init.LeCunUniform]),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_uniform_rules_stay_inside_their_bound(make, out_units, in_units):
    initializer = make()
    weight = fill(initializer, (out_units, in_units))

    bound = math.sqrt(3 * initializer.variance("w", weight.shape))
    assert abs(weight).max() <= np.float32(bound)


@pytest.mark.parametrize("shape", SHAPES)
def test_other_systems_rules(shape):
    """Each as its own documentation has it, with shapes (out, in, *kernel)."""
    fan_in, fan_out = fans_of(shape)

    def variance(initializer):
        return pytest.approx(initializer.variance("w", shape), rel=1e-12)

    assert variance(init.Xavier("uniform", "in", 2.34)) == 2.34 / fan_in / 3
    assert variance(init.Xavier("gaussian", "out", 2)) == 2 / fan_out
    assert variance(init.MSRAPrelu("in", 0)) == 2 / fan_in
    assert variance(init.MSRAPrelu()) == 2 / (1 + 0.25**2) / ((fan_in + fan_out) / 2)
    assert variance(init.XavierUniform(gain=5 / 3)) == (5 / 3) ** 2 * 2 / (fan_in + fan_out)
    assert variance(init.KaimingNormal(0.2, "fan_out")) == 2 / (1 + 0.2**2) / fan_out
    assert variance(init.KaimingUniform(nonlinearity="tanh")) == (5 / 3) ** 2 / fan_in
    assert variance(init.KaimingUniform(0.2, nonlinearity="relu")) == 2 / fan_in
    assert variance(init.LeCunUniform()) == 1 / fan_in


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 2, 0)])
@pytest.mark.parametrize("make", FAN_BASED)
def test_a_fan_of_zero_does_nothing(make, shape):
    assert fill(make(), shape).shape == shape


def second_moment(function):
    density = stats.norm.pdf
    halves = [(-12, 0), (0, 12)]
    return sum(
        integrate.quad(lambda z: function(z) ** 2 * density(z), *half, epsabs=1e-13)[0]
        for half in halves
    )


def softplus(z):
    return np.logaddexp(0, z)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("gelu", lambda z: z * special.ndtr(z)),
        ("silu", lambda z: z * special.expit(z)),
        ("swish", lambda z: z * special.expit(z)),
        ("elu", lambda z: z if z > 0 else np.expm1(z)),
        ("softplus", softplus),
        ("softrelu", softplus),
        ("softsign", lambda z: z / (1 + abs(z))),
        ("mish", lambda z: z * np.tanh(softplus(z))),
        ("relu", lambda z: max(z, 0)),
        ("leaky_relu", lambda z: z if z > 0 else 0.01 * z),
    ],
)
def test_gains_keep_the_second_moment(name, function):
    assert init.gain(name) == pytest.approx(1 / math.sqrt(second_moment(function)), rel=1e-8)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("linear", 1),
        ("identity", 1),
        ("sigmoid", 1),
        ("snn", 1),
        ("tanh", 5 / 3),
        ("selu", 3 / 4),
    ],
)
def test_gains_that_are_conventions(name, value):
    assert init.gain(name) == value


def test_the_slope_of_leaky_relu():
    assert init.gain("leaky_relu", 0) == init.gain("relu")
    assert init.gain("leaky_relu", 0.3) == pytest.approx(math.sqrt(2 / 1.09))


def test_an_unknown_gain_is_refused():
    with pytest.raises(
        ArgumentError, match=r"nonlinearity whose gain is known: .*tanh.*found 'rleu'"
    ):
        init.gain("rleu")
    with pytest.raises(ArgumentError, match="finite param"):
        init.gain("leaky_relu", math.nan)
    with pytest.raises(TypeError, match="word for nonlinearity of gain, found 3"):
        init.gain(3)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: init.Xavier(factor_type="fan"),
            "Incorrect factor type.*'avg', 'in', 'out', found 'fan'",
        ),
        (
            lambda: init.Xavier("normal"),
            "Unknown random type.*'uniform', 'gaussian', found 'normal'",
        ),
        (lambda: init.MSRAPrelu("both"), "Incorrect factor type"),
        (lambda: init.Xavier(magnitude=-1), "not negative, found"),
        (lambda: init.Xavier(magnitude=math.nan), "not negative, found nan"),
        (lambda: init.MSRAPrelu(slope=math.nan), "found nan"),
        (lambda: init.VarianceScaling(-2), "finite and not negative, found -2"),
        (lambda: init.VarianceScaling(mode="fan"), "mode to be one of 'fan_in'.*found 'fan'"),
        (
            lambda: init.VarianceScaling(distribution="cauchy"),
            "distribution to be one of.*'cauchy'",
        ),
        (lambda: init.VarianceScaling(fan_in=0), "fan_in to be a positive number, found 0"),
        (
            lambda: init.VarianceScaling(fan_out=math.inf),
            "fan_out to be a positive number, found inf",
        ),
        (lambda: init.XavierNormal(-1), "gain of 0 or more for XavierNormal, found -1"),
        (
            lambda: init.XavierUniform(math.inf),
            "finite gain of 0 or more for XavierUniform, found inf",
        ),
        (lambda: init.KaimingNormal(mode="in_fan"), "mode to be one of.*found 'in_fan'"),
        (lambda: init.KaimingNormal(nonlinearity="rleu"), "found 'rleu'"),
        (lambda: init.KaimingUniform(math.nan), "finite param"),
    ],
)
def test_bad_settings_are_refused_when_it_is_built(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        # A translated book passes the parameter where Paddle's fan_in goes: nothing happens there.
        (
            lambda: init.XavierUniform(fan_in=np.zeros((256, 20))),
            r"fan_in of XavierUniform, found a ndarray of shape \(256, 20\)",
        ),
        (lambda: init.XavierNormal(np.ones(1)), "gain of XavierNormal, found a ndarray"),
        (lambda: init.Xavier(magnitude="3"), "magnitude of Xavier, found '3' of type str"),
        (lambda: init.Xavier(rnd_type=3), "word for rnd_type of Xavier, found 3"),
        (lambda: init.LeCunNormal(in_axes=(0.5,)), "axes .* for in_axes of LeCunNormal"),
        (
            lambda: init.LeCunNormal(out_axes=None),
            "axes .* for out_axes of LeCunNormal, found None",
        ),
    ],
)
def test_settings_of_another_type_are_refused(make, text):
    with pytest.raises(TypeError, match=text):
        make()


@pytest.mark.parametrize("name", ["Xavier", "MSRAPrelu", "KaimingNormal", "LeCunUniform"])
def test_an_unknown_setting_is_refused_with_its_name(name):
    with pytest.raises(TypeError, match=rf"settings of {name}, found fanin"):
        getattr(init, name)(fanin=3)
