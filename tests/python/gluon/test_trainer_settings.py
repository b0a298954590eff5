"""What a Trainer takes, and what it refuses."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import optimizer
from glueball.base import OutsideScopeError
from glueball.gluon import Trainer, nn
from linear_net import backward, linear, weight


def test_dicts_are_taken_in_order_of_names_and_lists_as_given():
    net = nn.Sequential(*(nn.Dense(1, in_units=1, prefix=f"dense{i}_") for i in (2, 10)))
    net.initialize()
    params = net.collect_params()

    by_name = Trainer(params, "sgd")._params
    as_dict = Trainer(dict(params.items()), "sgd")._params
    as_list = Trainer(list(params.values()), "sgd")._params

    names = ["dense10_bias", "dense10_weight", "dense2_bias", "dense2_weight"]
    assert [p.name for p in by_name] == names
    assert [p.name for p in as_dict] == names
    assert as_list == list(params.values())


@pytest.mark.parametrize(
    ("params", "found"),
    [
        (lambda: linear(), "got <class 'glueball.gluon.nn._dense.Dense'>."),
        (lambda: 5, "got <class 'int'>."),
        (lambda: [5], "got list of <class 'int'>."),
        (lambda: {"a": 5}, "got list of <class 'int'>."),
    ],
    ids=["block", "int", "list", "dict"],
)
def test_anything_else_is_refused(params, found):
    with pytest.raises(ValueError) as caught:
        Trainer(params(), "sgd")

    assert str(caught.value) == (
        f"First argument must be a list or dict of Parameters, {found} Pass net.collect_params()."
    )


@pytest.mark.parametrize("params", [lambda: nn.Sequential(linear()).params, list])
def test_no_parameters_are_refused_with_the_likely_reason(params):
    with pytest.raises(ValueError, match=r"found none; did you mean net.collect_params\(\)\?"):
        Trainer(params(), "sgd")


def test_uninitialized_parameter_is_named_in_order_of_names():
    net = nn.Dense(1, in_units=2, prefix="fc_")

    with pytest.raises(RuntimeError) as caught:
        Trainer(net.collect_params(), "sgd")

    assert str(caught.value) == "Parameter 'fc_bias' has not been initialized"


def test_deferred_parameters_may_be_given_and_learn_later():
    net = nn.Sequential(nn.Dense(1, weight_initializer="ones"))
    net.initialize()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})

    backward(net)
    trainer.step(1)

    onp.testing.assert_array_equal(net[0].weight.data().asnumpy(), [[1 - 4, 1 - 6]])


def test_optimizer_may_be_an_object_or_a_name_in_any_case():
    net = linear()
    sgd = optimizer.SGD(learning_rate=0.5)

    assert Trainer(net.collect_params(), sgd).optimizer is sgd
    assert type(Trainer(net.collect_params(), "SGD").optimizer) is optimizer.SGD


def test_settings_of_an_optimizer_object_are_its_own():
    with pytest.raises(
        AssertionError, match=r"^optimizer_params must be None if optimizer is an inst"
    ):
        Trainer(linear().collect_params(), optimizer.SGD(), {"learning_rate": 0.5})


@pytest.mark.parametrize(
    ("name", "settings", "error", "message"),
    [
        ("nosuch", {}, ValueError, r"^Cannot find optimizer nosuch\."),
        (5, {}, ValueError, r"^Cannot find optimizer 5\."),
        ("sgd", {"nosuch": 1}, TypeError, "expected of SGD the arguments .*, found 'nosuch'; "),
        (
            "sgd",
            {"learning_rate": float("nan")},
            ValueError,
            "a finite number as learning_rate, found nan",
        ),
        (
            "sgd",
            {"learning_rate": "fast"},
            ValueError,
            "a finite number as learning_rate, found 'fast'",
        ),
        ("sgd", {"momentum": float("inf")}, ValueError, "a finite number as momentum, found inf"),
        ("sgd", {"momentum": -1}, ValueError, "expected a momentum of 0 or more, found -1"),
        ("sgd", {"wd": float("nan")}, ValueError, "a finite number as wd, found nan"),
        ("sgd", {"clip_gradient": -1}, ValueError, "expected clip_gradient of 0 or more, found -1"),
    ],
)
def test_bad_settings_are_found_at_construction(name, settings, error, message):
    with pytest.raises(error, match=message):
        Trainer(linear().collect_params(), name, settings)


@pytest.mark.parametrize("kvstore", [None, "device", "local", "nccl"])
def test_stores_of_one_process_change_nothing(kvstore):
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1}, kvstore=kvstore)
    backward(net)

    trainer.step(2)

    assert weight(net).tolist() == [[-1, -2]]  # 1 - (1 + 3) / 2, 1 - (2 + 4) / 2


def test_stores_that_are_left_out_are_refused_and_say_what_to_use():
    with pytest.raises(OutsideScopeError, match=r"found 'dist_async'; use 'dist_sync'"):
        Trainer(linear().collect_params(), "sgd", kvstore="dist_async")
    with pytest.raises(ValueError, match="expected a kvstore, 'local'.*found 'divice'"):
        Trainer(linear().collect_params(), "sgd", kvstore="divice")


@pytest.mark.parametrize("batch_size", ["32", None])
def test_batch_size_that_is_not_a_number_is_refused_and_nothing_is_updated(batch_size):
    net = linear()
    trainer = Trainer(net.collect_params(), "sgd")
    backward(net)
    before = weight(net)

    with pytest.raises(TypeError, match="expected a number as batch_size, found"):
        trainer.step(batch_size)

    onp.testing.assert_array_equal(weight(net), before)
    trainer.step(1)


def test_class_of_an_optimizer_is_refused_with_what_to_write():
    with pytest.raises(ValueError, match=r"found the class SGD; pass SGD\(learning_rate=...\)"):
        Trainer(linear().collect_params(), optimizer.SGD)
