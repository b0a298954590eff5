"""Every rule against its formula in NumPy: 20 steps in float64, to 1e-10, with every setting."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import _core, autograd, gluon, nd, optimizer
from glueball.random import seed
from optimizer_formulas import FORMULAS

# What each rule has of its own, each away from its default at least once.
OWN = {
    "sgd": [{}, {"momentum": 0.9}],
    "nag": [{}, {"momentum": 0.9}],
    "signum": [{}, {"momentum": 0.0}, {"momentum": 0.7, "wd_lh": 0.1}],
    "dcasgd": [{}, {"momentum": 0.9, "lamda": 0.5}],
    "adagrad": [{}, {"eps": 1e-3}],
    "groupadagrad": [{}, {"eps": 1e-2}],
    "adadelta": [{}, {"rho": 0.7, "epsilon": 1e-3}],
    "rmsprop": [
        {},
        {"gamma1": 0.8, "epsilon": 1e-3},
        {"clip_weights": 0.4},
        {"centered": True},
        {"centered": True, "gamma1": 0.8, "gamma2": 0.5, "clip_weights": 0.4},
    ],
    "ftrl": [{}, {"lamda1": 0.3, "beta": 0.5}],
    "adam": [{}, {"beta1": 0.7, "beta2": 0.9, "epsilon": 1e-3}],
    "adamw": [{}, {"beta1": 0.7, "beta2": 0.9, "epsilon": 1e-3}, {"correct_bias": False}],
    "lamb": [
        {},
        {"beta1": 0.7, "beta2": 0.9, "epsilon": 1e-3},
        {"bias_correction": False},
        {"upper_bound": 2.0},
        {"lower_bound": 20.0, "upper_bound": 30.0},
    ],
    "lars": [{}, {"momentum": 0.9}, {"momentum": 0.9, "eta": 0.1, "eps": 0.01}],
    "adamax": [{}, {"beta1": 0.7, "beta2": 0.9}],
    "nadam": [{}, {"beta1": 0.7, "beta2": 0.9, "epsilon": 1e-3, "schedule_decay": 0.1}],
    "ftml": [{}, {"beta1": 0.7, "beta2": 0.9, "epsilon": 1e-3}],
    "ccsgd": [{}, {"momentum": 0.9}],
    "lbsgd": [
        {},
        {"momentum": 0.9, "batch_scale": 2},
        {"warmup_epochs": 2, "updates_per_epoch": 5, "batch_scale": 3},
        {"warmup_epochs": 4, "updates_per_epoch": 4, "batch_scale": 2, "warmup_strategy": "power2"},
        {"warmup_epochs": 4, "updates_per_epoch": 4, "batch_scale": 2, "warmup_strategy": "sqrt"},
        {"warmup_strategy": "lars", "begin_epoch": 1},
    ],
}
COMMON = [
    {"learning_rate": 0.1},
    {"learning_rate": 0.05, "wd": 0.05},
    {"learning_rate": 0.1, "clip_gradient": 0.3},
    {"learning_rate": 0.1, "wd": 0.05, "clip_gradient": 0.3},
]
CASES = [
    pytest.param(name, {**common, **own}, id=f"{name}-{common | own}")
    for name, all_own in OWN.items()
    for own in all_own
    for common in COMMON
    if not (name == "groupadagrad" and "wd" in common)
]
LR_MULT, WD_MULT, BATCH = 0.5, 1.5, 2
SHAPE = (5, 7)


def start_and_gradients(dtype="float64"):
    rng = onp.random.default_rng(0)
    return (
        rng.normal(size=SHAPE).astype(dtype),
        rng.normal(size=(20, *SHAPE)).astype(dtype),
    )


def follow(name, settings, start, gradients, lr_mult=1.0, wd_mult=1.0, rescale=1.0):
    own = dict(settings)
    lr = own.pop("learning_rate") * lr_mult
    wd = own.pop("wd", 0.0) * wd_mult
    clip = own.pop("clip_gradient", 0.0)
    rule = FORMULAS[name](start.astype(onp.float64), lr, wd, rescale, clip, **own)
    next(rule)
    return [rule.send(gradient) for gradient in gradients.astype(onp.float64)]


def train(name, settings, start, gradients, dtype="float64"):
    """Train a parameter by gradients that backward gives it, beside one that has none at times."""
    parameter = gluon.Parameter("w_weight", shape=SHAPE, dtype=dtype)
    parameter.lr_mult, parameter.wd_mult = LR_MULT, WD_MULT
    parameter.initialize()
    parameter.set_data(start)
    trainer = gluon.Trainer([parameter], name, settings)
    for gradient in gradients:
        with autograd.record():
            y = (parameter.data() * nd.array(gradient, dtype=dtype)).sum()
        y.backward()
        trainer.step(BATCH)
        yield parameter.data().asnumpy().copy()


def test_every_rule_has_a_formula_and_is_native_where_it_can_be():
    ours = {name for name, cls in optimizer.optimizer._registry.items() if is_ours(cls)}

    assert ours - {"sgld"} == set(OWN) == set(FORMULAS)  # sgld draws: a test of its own
    assert set(_core.optimizer_rules()) == ours - {"ccsgd", "groupadagrad", "lbsgd", "sgld"}


def is_ours(cls):
    return cls.__name__ in optimizer.__all__


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_rule_follows_its_formula_in_a_trainer(name, settings):
    start, gradients = start_and_gradients()

    wanted = follow(name, settings, start, gradients, LR_MULT, WD_MULT, 1 / BATCH)

    for ours, theirs in zip(train(name, settings, start, gradients), wanted, strict=True):
        onp.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)
    assert onp.abs(wanted[-1] - start).max() > 1e-4


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_rule_updates_single_arrays_by_the_same_formula(name, settings):
    start, gradients = start_and_gradients()
    rule = optimizer.create(name, rescale_grad=0.5, **settings)
    rule.set_lr_mult({0: LR_MULT})
    rule.set_wd_mult({0: WD_MULT})
    weight = nd.array(start, dtype="float64")
    state = rule.create_state(0, weight)

    for gradient in gradients:
        rule.update(0, weight, nd.array(gradient, dtype="float64"), state)

    wanted = follow(name, settings, start, gradients, LR_MULT, WD_MULT, 0.5)[-1]
    onp.testing.assert_allclose(weight.asnumpy(), wanted, rtol=1e-10, atol=1e-10)
    assert rule.num_update == 20


@pytest.mark.parametrize("name", OWN)
def test_float32_follows_too(name):
    # A wrong sign of something tiny is a whole step of signum; the others forgive roundings.
    settings = {"learning_rate": 0.01, "clip_gradient": 0.8}
    start, gradients = start_and_gradients("float32")

    *_, ours = train(name, settings, start, gradients, "float32")

    assert ours.dtype == onp.float32
    wanted = follow(name, settings, start, gradients, LR_MULT, WD_MULT, 1 / BATCH)[-1]
    onp.testing.assert_allclose(ours, wanted, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", OWN)
def test_counts_and_products_are_each_parameters_own(name):
    # MXNet's nadam multiplies its product once for each parameter: nets then train differently
    # from their layers.
    start, gradients = start_and_gradients()
    settings = {"learning_rate": 0.1}
    params = [gluon.Parameter(f"p{i}_weight", shape=SHAPE, dtype="float64") for i in range(2)]
    for parameter in params:
        parameter.initialize()
        parameter.set_data(start)
    trainer = gluon.Trainer(params, name, settings)

    for step, gradient in enumerate(gradients[:10]):
        used = params if step % 2 else params[:1]
        with autograd.record():
            y = sum((p.data() * nd.array(gradient, dtype="float64")).sum() for p in used)
        y.backward()
        trainer.step(1, ignore_stale_grad=True)

    for parameter, seen in zip(params, (gradients[:10], gradients[1:10:2]), strict=True):
        wanted = follow(name, settings, start, seen)[-1]
        onp.testing.assert_allclose(parameter.data().asnumpy(), wanted, rtol=1e-10, atol=1e-10)
    assert trainer.optimizer.num_update == 10


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("sgd", 0.01),
        ("nag", 0.01),
        ("signum", 0.01),
        ("dcasgd", 0.01),
        ("adagrad", 0.01),
        ("groupadagrad", 0.01),
        ("adadelta", 0.01),
        ("rmsprop", 0.001),
        ("ftrl", 0.1),
        ("adam", 0.001),
        ("adamw", 0.001),
        ("lamb", 0.001),
        ("lars", 0.01),
        ("adamax", 0.002),
        ("nadam", 0.001),
        ("ftml", 0.01),
        ("ccsgd", 0.01),
        ("lbsgd", 0.01),
        ("sgld", 0.01),
    ],
)
def test_default_learning_rates(name, rate):
    assert optimizer.create(name).learning_rate == rate


@pytest.mark.parametrize("name", sorted(set(OWN) - {"adadelta"}))
def test_a_learning_rate_of_zero_leaves_weights_alone(name):
    start, gradients = start_and_gradients()

    *_, ours = train(name, {"learning_rate": 0.0}, start, gradients[:3])

    onp.testing.assert_array_equal(ours, start)


def test_adamax_leaves_what_never_had_a_gradient():
    start, gradients = start_and_gradients()
    gradients[:, 0, 0] = 0

    *_, ours = train("adamax", {"learning_rate": 0.1}, start, gradients)

    assert ours[0, 0] == start[0, 0]
    assert (ours != start).sum() == ours.size - 1


@pytest.mark.parametrize("name", sorted(set(OWN) - {"groupadagrad"}))
def test_a_nan_gradient_stays_visible(name):
    start, gradients = start_and_gradients()
    gradients[1, 2, 3] = onp.nan

    settings = {"learning_rate": 0.1, "clip_gradient": 0.3}
    *_, ours = train(name, settings, start, gradients[:3])

    assert onp.isnan(ours[2, 3])


@pytest.mark.parametrize("settings", COMMON)
def test_sgld_adds_noise_of_the_variance_of_its_learning_rate(settings):
    start, gradients = start_and_gradients()
    lr, wd = settings["learning_rate"] * LR_MULT, settings.get("wd", 0.0) * WD_MULT
    seed(5)
    noises = [nd.random.normal(0, lr**0.5, SHAPE, dtype="float64").asnumpy() for _ in gradients]
    wanted = start
    seed(5)

    for gradient, noise, ours in zip(
        gradients, noises, train("sgld", settings, start, gradients), strict=True
    ):
        g = gradient / BATCH
        if "clip_gradient" in settings:
            g = onp.clip(g, -0.3, 0.3)
        wanted = wanted - lr / 2 * (g + wd * wanted) + noise
        onp.testing.assert_allclose(ours, wanted, rtol=1e-10, atol=1e-10)
    assert onp.std(noises) == pytest.approx(lr**0.5, rel=0.1)


def test_sgld_samples_a_posterior():
    # One weight w with -log p(w) = 2 (w - 1)^2: a normal distribution of mean 1 and variance 1 / 4.
    rule = optimizer.SGLD(learning_rate=0.05)
    weight = nd.array([0.0] * 2000, dtype="float64")
    seed(3)
    for _ in range(300):
        rule.update(0, weight, 4 * (weight - 1), None)
    assert weight.asnumpy().mean() == pytest.approx(1, abs=0.05)
    assert weight.asnumpy().var() == pytest.approx(0.25, rel=0.15)


def test_large_batches_that_are_saved_in_the_middle_go_on_alike(tmp_path):
    start, gradients = start_and_gradients()
    settings = {"learning_rate": 0.1, "batch_scale": 3, "momentum": 0.5}
    wanted = follow("lbsgd", settings, start, gradients[:4])[-1]
    parameter = gluon.Parameter("w_weight", shape=SHAPE, dtype="float64")
    parameter.initialize()
    parameter.set_data(start)

    for i, gradient in enumerate(gradients[:4]):
        trainer = gluon.Trainer([parameter], "lbsgd", settings)
        if i:
            trainer.load_states(str(tmp_path / "states"))
        with autograd.record():
            y = (parameter.data() * nd.array(gradient, dtype="float64")).sum()
        y.backward()
        trainer.step(1)
        trainer.save_states(str(tmp_path / "states"))

    onp.testing.assert_allclose(parameter.data().asnumpy(), wanted, rtol=1e-10)


def test_lars_scales_weights_only():
    values = onp.array([3.0, 4.0])
    params = {
        name: gluon.Parameter(name, shape=(2,), dtype="float64")
        for name in ("fc_weight", "fc_bias", "norm_gamma", "norm_beta")
    }
    for parameter in params.values():
        parameter.initialize()
        parameter.set_data(values)
    trainer = gluon.Trainer(params, "lars", {"learning_rate": 0.5, "eta": 0.1})
    with autograd.record():
        y = sum((2 * p.data()).sum() for p in params.values())
    y.backward()

    trainer.step(1)

    size, slope = 5.0, onp.sqrt(8)
    for name, parameter in params.items():
        rate = 0.5 * 0.1 * size / slope if name == "fc_weight" else 0.5
        onp.testing.assert_allclose(parameter.data().asnumpy(), values - rate * 2, rtol=1e-12)


@pytest.mark.parametrize("correct", [True, False])
def test_lars_scales_its_momentum_with_the_learning_rate(correct):
    parameter = gluon.Parameter("fc_bias", shape=(1,), dtype="float64")
    parameter.initialize("zeros")
    trainer = gluon.Trainer(
        [parameter],
        "lars",
        {"learning_rate": 1.0, "momentum": 0.5, "momentum_correction": correct},
    )

    for rate in (1.0, 0.25):
        trainer.set_learning_rate(rate)
        with autograd.record():
            y = parameter.data().sum()
        y.backward()
        trainer.step(1)

    second = (0.25 if correct else 1.0) * 0.5 * -1.0 - 0.25
    assert parameter.data().asscalar() == -1.0 + second


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("adam", {"beta1": 1.0}, "expected a beta1 of 0 or more and below 1, found 1; the default"),
        ("adam", {"beta2": -0.1}, "expected a beta2 of 0 or more and below 1, found -0.1"),
        ("adam", {"epsilon": float("nan")}, "a finite number as epsilon, found nan"),
        ("rmsprop", {"gamma1": "much"}, "a finite number as gamma1, found 'much'"),
        ("ftrl", {"lamda1": -1}, "expected a lamda1 of 0 or more, found -1"),
        ("lars", {"eta": -1}, "expected an eta of 0 or more, found -1"),
        ("lamb", {"lower_bound": 3, "upper_bound": 2}, "lower_bound that is not above upper_bound"),
        ("groupadagrad", {"wd": 0.1}, "expected wd of 0 for GroupAdaGrad, found 0.1"),
        ("groupadagrad", {"eps": -1}, "expected an eps of 0 or more, found -1"),
        ("lbsgd", {"batch_scale": 0}, "a batch_scale of 1 or more, found 0.0 and 0"),
        ("lbsgd", {"momentum": -1}, "expected a momentum of 0 or more"),
        ("lbsgd", {"warmup_strategy": "slow"}, "'sqrt' or 'lars', found 'slow'; choose one"),
    ],
)
def test_impossible_settings_are_refused(name, settings, message):
    with pytest.raises(ValueError, match=message):
        optimizer.create(name, **settings)


def test_hyperparameters_can_be_read_and_changed():
    rule = optimizer.RMSProp(gamma1=0.5, centered=True)
    assert (rule.gamma1, rule.gamma2, rule.centered, rule.clip_weights) == (0.5, 0.9, True, 0)

    rule.gamma1 = 0.25

    assert rule.gamma1 == 0.25
    with pytest.raises(ValueError, match="expected a gamma1 of 0 or more and below 1, found 2"):
        rule.gamma1 = 2
    assert rule.gamma1 == 0.25
