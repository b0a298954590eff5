"""Metrics by name, of functions, and those of a user."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import metric, nd
from glueball.base import ArgumentError


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("acc", metric.Accuracy),
        ("Accuracy", metric.Accuracy),
        ("f1", metric.F1),
        ("mcc", metric.MCC),
        ("MAE", metric.MAE),
        ("mse", metric.MSE),
        ("rmse", metric.RMSE),
        ("ce", metric.CrossEntropy),
        ("nll_loss", metric.NegativeLogLikelihood),
        ("pearsonr", metric.PearsonCorrelation),
        ("loss", metric.Loss),
        ("composite", metric.CompositeEvalMetric),
    ],
)
def test_create_finds_metrics_by_name_in_any_case(name, kind):
    assert type(metric.create(name)) is kind


def test_create_passes_settings_on():
    assert metric.create("top_k_acc", top_k=3).name == "top_k_accuracy_3"
    assert metric.create("acc", name="train").name == "train"


def test_create_makes_one_of_several_and_of_functions():
    both = metric.create(["acc", "mse"])
    custom = metric.create(lambda label, pred: 0)
    ready = metric.MAE()

    assert type(both) is metric.CompositeEvalMetric
    assert [type(each) for each in both.metrics] == [metric.Accuracy, metric.MSE]
    assert type(custom) is metric.CustomMetric
    assert metric.create(ready) is ready
    assert type(metric.create(metric.MAE)) is metric.MAE


@pytest.mark.parametrize(
    "text", ['["top_k_acc", {"top_k": 3}]', '{"metric": "top_k_acc", "top_k": 3}']
)
def test_create_reads_json(text):
    assert metric.create(text).top_k == 3
    assert type(metric.create('["mse"]')) is metric.MSE


def test_a_metric_of_ones_own_may_have_other_names():
    @metric.alias("wrong_share", "errors")
    class Wrong(metric.Accuracy):
        pass

    assert type(metric.create("Errors")) is Wrong


def test_create_says_which_name_was_meant():
    with pytest.raises(ValueError, match=r"Cannot find metric accurcy\. .*'accuracy'"):
        metric.create("accurcy")


def test_a_metric_of_ones_own_is_registered_by_its_class():
    @metric.register
    class Largest(metric.EvalMetric):
        def __init__(self, name="largest", **kwargs):
            super().__init__(name, **kwargs)

        def update(self, labels, preds):
            self.sum_metric = max(self.sum_metric, float(preds.asnumpy().max()))
            self.num_inst = 1

    m = metric.create("Largest")
    m.update(nd.zeros(2), nd.array([3, 5]))

    assert m.get() == ("largest", 5)
    assert m.get_global() == ("largest", 5)
    m.reset()
    assert onp.isnan(m.get()[1])


def test_a_metric_of_ones_own_has_to_define_update():
    with pytest.raises(NotImplementedError, match=r"class EvalMetric to define update\(self, labe"):
        metric.EvalMetric("mine").update(nd.ones(1), nd.ones(1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["mse"', r"expected JSON of a metric such as .*Expecting ',' delimiter"),
        ("[]", r"expected JSON of a metric .*found '\[\]' \(another list\)"),
        ('["mse", 3]', "expected JSON of a metric .*another list"),
        ('["mse", {}, {}]', "expected JSON of a metric .*another list"),
        ('{"top_k": 3}', "expected the name under 'metric' .*found 'top_k'"),
        ("{}", "expected the name under 'metric' .*found nothing"),
        ('{"metric": null}', "Cannot find metric None"),
        ('{"metric": "mse", "size": 1' + "0" * 5000 + "}", "Exceeds the limit"),
        ('{"metric":' * 400 + "1" + "}" * 400, "Cannot find metric 1|maximum recursion depth"),
        ('{"metric":' * 100000, "maximum recursion depth"),
    ],
)
def test_json_that_is_not_a_metric_is_refused(text, message):
    with pytest.raises(ArgumentError, match=message):
        metric.create(text)
