"""Loss, CompositeEvalMetric and CustomMetric."""

from __future__ import annotations

import json

import numpy as onp
import pytest

from glueball import metric, nd
from metric_cases import (
    CASES,
    CLASSES,
    GUESS,
    REAL,
    SCORES,
    approx,
    fed,
)


def test_loss_needs_no_labels():
    m = metric.Loss()

    m.update(None, [nd.array([1, 2]), nd.array([[6]])])

    assert m.get() == ("loss", 3)
    assert m.num_inst == 3


def test_a_composite_gives_lists():
    m = metric.CompositeEvalMetric([metric.Accuracy(), "ce"])
    m.add("acc")

    fed(m, CLASSES, SCORES)

    accuracy, ce = CASES["accuracy"][3], CASES["cross-entropy"][3]
    assert m.get() == (
        ["accuracy", "cross-entropy", "accuracy"],
        [approx(accuracy), approx(ce), approx(accuracy)],
    )
    assert m.get_global() == m.get()
    assert m.get_name_value()[1] == ("cross-entropy", approx(ce))
    m.reset_local()
    assert onp.isnan(m.get()[1]).all()
    assert m.get_global()[1][0] == approx(accuracy)
    m.reset()
    assert onp.isnan(m.get_global()[1]).all()


def test_a_composite_is_made_again_of_its_settings():
    m = metric.CompositeEvalMetric(["acc", metric.TopKAccuracy(top_k=2)])

    twin = metric.create(json.dumps(m.get_config()))

    assert [each.name for each in twin.metrics] == ["accuracy", "top_k_accuracy_2"]


def test_a_composite_passes_named_arrays_on():
    m = metric.CompositeEvalMetric(["acc"], output_names=["p"], label_names=["y"])

    m.update_dict({"y": CLASSES, "z": nd.ones(1)}, {"p": SCORES, "q": nd.ones(1)})

    assert m.get()[1] == [approx(CASES["accuracy"][3])]


def test_a_composite_finds_metrics_by_number():
    m = metric.CompositeEvalMetric(["acc", "f1"])

    assert m.get_metric(1) is m.metrics[1]
    for error in (ValueError, IndexError):
        with pytest.raises(
            error, match="Metric index 2 is out of range 0 and 2: expected a number"
        ):
            m.get_metric(2)


def test_a_function_gives_the_value_of_each_pair():
    m = metric.CustomMetric(lambda label, pred: onp.abs(label - pred).max())

    m.update([nd.array([1, 2]), nd.array([0])], [nd.array([1, 5]), nd.array([1])])

    assert m.get() == ("custom(<lambda>)", 2)
    assert m.get_global() == m.get()


def test_a_function_may_give_a_total_and_a_count():
    def squares(label, pred):
        assert type(label) is type(pred) is onp.ndarray
        return ((label - pred) ** 2).sum(), label.size

    m = fed(metric.np(squares), REAL, GUESS)

    assert m.get() == ("squares", approx(((REAL - GUESS) ** 2).mean()))
    assert m.num_inst == 150


def test_functions_may_have_names_and_extra_outputs():
    m = metric.np(lambda label, pred: 1, name="one", allow_extra_outputs=True)

    m.update([nd.ones(1)], [nd.ones(1), nd.ones(1)])

    assert m.get() == ("one", 1)
    with pytest.raises(ValueError, match="Shape of labels 1 does not match shape of predictions 2"):
        metric.np(lambda label, pred: 1).update([nd.ones(1)], [nd.ones(1), nd.ones(1)])


def test_functions_that_are_none_are_refused():
    with pytest.raises(TypeError, match="expected a function of label and pred as feval, found st"):
        metric.CustomMetric("acc")


def test_a_function_has_no_settings():
    with pytest.raises(NotImplementedError, match="CustomMetric cannot be serialized"):
        metric.np(lambda label, pred: 1).get_config()
