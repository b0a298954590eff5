"""Schedules of the learning rate, by themselves and in a Trainer."""

from __future__ import annotations

import logging
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glueball import autograd, gluon, nd
from glueball.lr_scheduler import (
    CosineScheduler,
    FactorScheduler,
    LRScheduler,
    MultiFactorScheduler,
    PolyScheduler,
)


def rates(schedule, count):
    return [schedule(n) for n in range(count)]


def test_factor_changes_the_rate_after_every_so_many_updates():
    schedule = FactorScheduler(step=3, factor=0.5, base_lr=1)

    assert rates(schedule, 10) == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_factor_stops_at_its_least_rate():
    schedule = FactorScheduler(step=1, factor=0.5, stop_factor_lr=0.2, base_lr=1)

    assert rates(schedule, 6) == [1, 1, 0.5, 0.25, 0.2, 0.2]


def test_warmup_does_not_shift_the_counting_of_factor():
    schedule = FactorScheduler(step=2, factor=0.5, base_lr=1, warmup_steps=4, warmup_begin_lr=0.2)

    wanted = [0.2, 0.4, 0.6, 0.8, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625]
    assert rates(schedule, 10) == pytest.approx(wanted)


def test_multi_factor_changes_the_rate_after_given_updates():
    schedule = MultiFactorScheduler([2, 5], 0.1, base_lr=1)

    assert rates(schedule, 8) == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01])


@pytest.mark.parametrize(
    "schedule",
    [
        lambda: FactorScheduler(2, 0.5, base_lr=1),
        lambda: MultiFactorScheduler([2, 4, 6], 0.5, base_lr=1),
    ],
    ids=["factor", "multi"],
)
def test_factors_do_not_go_back(schedule):
    schedule = schedule()
    assert schedule(7) == 0.125

    assert schedule(1) == 0.125
    assert schedule.base_lr == 0.125


def test_poly_ends_at_its_final_rate():
    assert rates(PolyScheduler(max_update=5, base_lr=1), 8) == pytest.approx(
        [1, 0.64, 0.36, 0.16, 0.04, 0, 0, 0]
    )


def test_cosine_ends_at_its_final_rate():
    assert rates(CosineScheduler(max_update=4, base_lr=1, final_lr=0.2), 6) == pytest.approx(
        [1, 0.8828427, 0.6, 0.3171573, 0.2, 0.2]
    )


def test_cosine_counts_from_the_end_of_the_warmup():
    schedule = CosineScheduler(max_update=6, base_lr=1, warmup_steps=2)

    assert rates(schedule, 8) == pytest.approx([0, 0.5, 1, 0.8535534, 0.5, 0.1464466, 0, 0])


@given(
    n=st.integers(0, 120),
    most=st.integers(20, 100),
    warmup=st.integers(0, 15),
    final=st.floats(0, 1),
    power=st.floats(0.5, 3),
)
def test_poly_and_cosine_follow_their_formulas(n, most, warmup, final, power):
    poly = PolyScheduler(most, 2.0, power, final, warmup, 0.5)
    cosine = CosineScheduler(most, 2.0, final, warmup, 0.5)

    if n < warmup:
        wanted = [0.5 + 1.5 * n / warmup] * 2
    else:
        progress = min(1, (n - warmup) / (most - warmup))
        wanted = [
            final + (2 - final) * (1 - progress) ** power,
            final + (2 - final) * (1 + math.cos(math.pi * progress)) / 2,
        ]
    assert [poly(n), cosine(n)] == pytest.approx(wanted)


def test_constant_warmup_waits_at_its_rate():
    schedule = PolyScheduler(
        10, base_lr=1, warmup_steps=2, warmup_begin_lr=0.3, warmup_mode="constant"
    )

    assert rates(schedule, 3) == [0.3, 0.3, 1]
    assert schedule.get_warmup_lr(1) == 0.3
    with pytest.raises(ValueError, match="an update before warmup_steps=2, found 2"):
        schedule.get_warmup_lr(2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: FactorScheduler(0),
            "^Schedule step must be greater or equal than 1 round, found 0",
        ),
        (
            lambda: FactorScheduler(1, 1.5),
            "^Factor must be no more than 1 to make lr reduce, found 1.5",
        ),
        (
            lambda: FactorScheduler(1, math.nan),
            "^Factor must be no more than 1 to make lr reduce, found nan",
        ),
        (
            lambda: MultiFactorScheduler([2, 2], 0.5),
            r"^Schedule step must be an increasing integer list, found \[2, 2\]",
        ),
        (
            lambda: MultiFactorScheduler([], 0.5),
            r"^Schedule step must be an increasing integer list, found \[\]",
        ),
        (
            lambda: MultiFactorScheduler([0, 2], 0.5),
            "^Schedule step must be greater or equal than 1 round, found 0",
        ),
        (
            lambda: MultiFactorScheduler([2], 1.5),
            "^Factor must be no more than 1 to make lr reduce",
        ),
        (
            lambda: PolyScheduler(0),
            "^maximum number of updates must be strictly positive, found 0",
        ),
        (lambda: PolyScheduler(5, pwr=-1), "expected a pwr of 0 or more, found -1"),
        (
            lambda: CosineScheduler(2.5),
            "^maximum number of updates must be strictly positive, found 2.5",
        ),
        (
            lambda: CosineScheduler(5, final_lr=math.inf),
            "a finite number as final_lr, found inf",
        ),
        (lambda: LRScheduler(math.nan), "a finite number as base_lr, found nan"),
        (lambda: LRScheduler(warmup_steps=-1), "^Warmup steps has to be positive or 0, found -1"),
        (
            lambda: LRScheduler(warmup_mode="slow"),
            "^Supports only linear and constant modes of warmup, found 'slow'",
        ),
        (
            lambda: LRScheduler(0.1, warmup_begin_lr=0.2),
            "^Base lr has to be higher than warmup_begin_lr, found 0.1 and 0.2",
        ),
    ],
)
def test_impossible_schedules_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", [PolyScheduler, CosineScheduler])
@pytest.mark.parametrize("max_update", [3, 4])
def test_after_a_warmup_that_is_all_of_a_schedule_the_base_stays(kind, max_update):
    schedule = kind(max_update, base_lr=1, warmup_steps=4)

    assert [schedule(n) for n in range(7)] == [0, 0.25, 0.5, 0.75, 1, 1, 1]  # as in MXNet


def test_a_schedule_without_a_rule_is_named():
    class Empty(LRScheduler):
        pass

    with pytest.raises(NotImplementedError, match=r"class Empty to define __call__\(self, num_"):
        Empty()(1)


# In optimizers


def train(trainer, net, steps):
    seen = []
    for _ in range(steps):
        before = net.bias.data().asscalar()
        with autograd.record():
            y = net(nd.ones((1, 1))).sum()
        y.backward()
        trainer.step(1)
        seen.append((trainer.learning_rate, before - net.bias.data().asscalar()))
    return seen


def make(settings, name="sgd"):
    net = gluon.nn.Dense(1, in_units=1)
    net.initialize()
    return gluon.Trainer(net.collect_params(), name, settings), net


def test_a_trainer_steps_by_the_rate_of_each_update():
    schedule = FactorScheduler(step=2, factor=0.5)
    trainer, net = make({"learning_rate": 1, "lr_scheduler": schedule})
    assert trainer.learning_rate == 1

    seen = train(trainer, net, 6)

    assert [rate for rate, _ in seen] == [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert [step for _, step in seen] == pytest.approx([1, 1, 0.5, 0.5, 0.25, 0.25])


def test_an_optimizers_learning_rate_becomes_the_schedules_base(caplog):
    schedule = FactorScheduler(step=1, factor=0.5, base_lr=3, warmup_steps=4)

    with caplog.at_level(logging.INFO):
        trainer, _ = make({"learning_rate": 1, "lr_scheduler": schedule})

    assert schedule.base_lr == 1
    assert schedule(2) == 0.5  # half of the warm-up, to the new base
    assert (
        "The scheduler's base_lr, 3, gives way to the optimizer's learning_rate, 1" in caplog.text
    )
    assert trainer.optimizer.lr == 1


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_a_base_that_only_the_schedule_was_told_stays(name, caplog):
    schedule = PolyScheduler(10, base_lr=3)

    with caplog.at_level(logging.INFO):
        trainer, _ = make({"lr_scheduler": schedule}, name)

    assert trainer.learning_rate == 3
    assert caplog.text == ""


def test_without_any_rate_the_rules_own_default_is_the_base():
    trainer, _ = make({"lr_scheduler": PolyScheduler(10)}, "adam")

    assert trainer.learning_rate == 0.001


def test_a_rate_that_is_not_a_number_stops_the_step_before_it_changes_anything():
    rates = iter([0.5, math.nan, 0.25])
    trainer, net = make({"lr_scheduler": lambda _: next(rates)})
    with autograd.record():
        y = net(nd.ones((1, 1))).sum()
    y.backward()
    trainer.step(1)
    with autograd.record():
        y = net(nd.ones((1, 1))).sum()
    y.backward()

    with pytest.raises(ValueError, match="a finite number as learning rate of lr_sch.*, found nan"):
        trainer.step(1)

    assert net.bias.data().asscalar() == -0.5
    assert trainer.optimizer.num_update == 1
    trainer.step(1)
    assert net.bias.data().asscalar() == -0.75


def test_begin_num_update_is_where_the_schedule_starts():
    trainer, net = make(
        {"learning_rate": 1, "begin_num_update": 3, "lr_scheduler": FactorScheduler(2, 0.5)}
    )

    assert [rate for rate, _ in train(trainer, net, 3)] == [0.5, 0.25, 0.25]


def test_a_schedule_of_ones_own():
    class Root(LRScheduler):
        def __call__(self, num_update):
            return self.base_lr / math.sqrt(num_update or 1)

    trainer, net = make({"learning_rate": 1, "lr_scheduler": Root()})

    assert [rate for rate, _ in train(trainer, net, 3)] == pytest.approx([1, 2**-0.5, 3**-0.5])


def test_schedules_and_optimizers_are_at_mxnets_places():
    program = """
import glueball, pickle
glueball.install_as_mxnet()
from mxnet import lr_scheduler, optimizer
rule = optimizer.Adam(beta1=0.5, lr_scheduler=lr_scheduler.FactorScheduler(2, 0.5, base_lr=1))
other = pickle.loads(pickle.dumps(rule))
print(type(other).__module__, type(other.lr_scheduler).__module__, other.beta1, other.learning_rate)
"""

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == [
        "mxnet.optimizer.optimizer",
        "mxnet.lr_scheduler",
        "0.5",
        "1.0",
    ]


@pytest.mark.parametrize(
    ("count", "step", "factor"), [(2**53, 1, 0.5), (2**53, 7, 1.0), (10**6 + 3, 2.5, 0.9)]
)
def test_a_scheduler_reaches_a_count_far_ahead_at_once(count, step, factor):
    schedule = FactorScheduler(step, factor, stop_factor_lr=1e-8, base_lr=0.1)

    rate = schedule(count)

    assert rate == (0.1 if factor == 1.0 else 1e-8)
    assert schedule.count < count <= schedule.count + step
