"""What holds for every metric: totals over batches of any sizes, against scikit-learn, SciPy and NumPy."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as onp
import pytest

import glueball as mx
from glueball import MXNetError, metric, nd, np, npx
from metric_cases import (
    ALL,
    CASES,
    CUTS,
    approx,
    fed,
    float64,
)


@ALL
def test_values_are_those_of_another_library_however_samples_are_batched(case):
    make, labels, preds, wanted = CASES[case]

    assert fed(make(), labels, preds).get()[1] == approx(wanted)


@ALL
def test_value_is_nan_before_any_update_and_after_reset(case):
    make, labels, preds, _ = CASES[case]
    m = make()

    assert onp.isnan(m.get()[1])
    fed(m, labels, preds).reset()
    assert onp.isnan(m.get()[1])
    assert onp.isnan(m.get_global()[1])
    assert m.num_inst == 0
    assert m.sum_metric == 0


@ALL
def test_reset_local_keeps_what_get_global_tells(case):
    make, labels, preds, wanted = CASES[case]
    m = fed(make(), labels, preds, CUTS[:3])
    m.reset_local()

    assert onp.isnan(m.get()[1])
    fed(m, labels, preds, CUTS[2:])

    assert m.get_global()[1] == approx(wanted)
    assert m.get()[1] == approx(fed(make(), labels, preds, CUTS[2:]).get()[1])
    assert m.get_global_name_value() == [(m.name, m.get_global()[1])]


@ALL
def test_lists_single_arrays_and_numpy_arrays_are_taken(case):
    make, labels, preds, _ = CASES[case]
    wanted = fed(make(), labels, preds, [0, 50]).get()

    for y, p in [
        (float64(labels), float64(preds)),
        ([float64(labels)], [float64(preds)]),
        (labels, preds),
        ((labels,), [preds]),
    ]:
        m = make()
        m.update(y, p)
        assert m.get() == (wanted[0], approx(wanted[1]))


@ALL
def test_arrays_of_numpy_mode_are_taken(case):
    make, labels, preds, _ = CASES[case]
    m = make()
    npx.set_np()
    try:
        m.update(np.array(labels), np.array(preds))
    finally:
        npx.reset_np()

    assert m.get()[1] == pytest.approx(fed(make(), labels, preds, [0, 50]).get()[1], rel=1e-5)


@ALL
def test_a_refused_batch_changes_nothing(case):
    make, labels, preds, wanted = CASES[case]
    m = fed(make(), labels, preds)
    good, more = [float64(labels), ["a"]], [float64(preds), ["b"]]

    with pytest.raises(TypeError, match="expected an array of numbers as"):
        m.update(good, more)

    assert m.get()[1] == approx(wanted)
    assert m.get_global()[1] == approx(wanted)


@pytest.mark.parametrize("case", [each for each in CASES if each != "loss"])
def test_other_numbers_of_labels_are_refused(case):
    make, labels, preds, _ = CASES[case]
    m = make()

    with pytest.raises(ValueError) as caught:
        m.update([float64(labels)] * 2, [float64(preds)])
    assert str(caught.value) == (
        "Shape of labels 2 does not match shape of predictions 1: expected as many of one as of the "
        "other; pass lists of equal length, labels first"
    )
    with pytest.raises(MXNetError, match=r"Shape of labels \(4.* of predictions \(50.*: expected "):
        m.update(float64(labels[:4]), float64(preds))
    assert onp.isnan(m.get()[1])


@ALL
def test_update_dict_takes_the_arrays_that_are_named(case):
    make, labels, preds, _ = CASES[case]
    m, plain = make(), make()
    m.label_names, m.output_names = ["y"], ["p"]

    m.update_dict({"x": nd.ones(1), "y": labels}, {"p": preds, "q": nd.ones(1)})
    plain.update_dict({"y": labels}, {"p": preds})

    wanted = approx(fed(make(), labels, preds, [0, 50]).get()[1])
    assert m.get()[1] == wanted
    assert plain.get()[1] == wanted


@pytest.mark.parametrize(
    ("label", "pred", "found"),
    [({"z": 1}, {"p": 1}, "called 'y' .*found 'z'"), ({"y": 1}, {}, "called 'p' .*found none")],
)
def test_update_dict_names_the_array_that_is_missing(label, pred, found):
    m = metric.MAE(output_names=["p"], label_names=["y"])

    with pytest.raises(KeyError, match=f"expected arrays {found}"):
        m.update_dict(label, pred)

    assert onp.isnan(m.get()[1])


@ALL
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_metrics_are_copied_and_pickled(case, duplicate):
    make, labels, preds, wanted = CASES[case]

    twin = duplicate(fed(make(), labels, preds, CUTS[:3]))

    assert fed(twin, labels, preds, CUTS[2:]).get()[1] == approx(wanted)


@ALL
def test_a_metric_is_made_again_of_its_settings(case):
    make, labels, preds, wanted = CASES[case]
    settings = make().get_config()

    for given in (settings, json.dumps(settings)):
        twin = metric.create(given)
        assert type(twin) is type(make())
        assert twin.name == make().name
        assert fed(twin, labels, preds).get()[1] == approx(wanted)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (metric.Accuracy, "accuracy"),
        (lambda: metric.TopKAccuracy(top_k=2), "top_k_accuracy_2"),
        (metric.F1, "f1"),
        (metric.MCC, "mcc"),
        (metric.PCC, "pcc"),
        (metric.MAE, "mae"),
        (metric.MSE, "mse"),
        (metric.RMSE, "rmse"),
        (metric.CrossEntropy, "cross-entropy"),
        (metric.NegativeLogLikelihood, "nll-loss"),
        (lambda: metric.Perplexity(None), "perplexity"),
        (metric.PearsonCorrelation, "pearsonr"),
        (metric.Loss, "loss"),
    ],
)
def test_names_are_gluons(make, name):
    m = make()

    assert m.get()[0] == name
    assert str(m) == f"EvalMetric: {{'{name}': nan}}"
    assert [key for key, _ in m.get_name_value()] == [name]


def test_the_module_is_where_programs_look_for_it():
    assert mx.metric is metric


def test_check_label_shapes_compares_lengths_or_shapes():
    a, b = nd.ones((2, 3)), nd.ones((2, 4))

    found = metric.check_label_shapes(a, b)
    wrapped = metric.check_label_shapes(a, b, wrap=True)

    assert found[0] is a
    assert found[1] is b
    assert wrapped[0][0] is a
    assert wrapped[1][0] is b
    with pytest.raises(ValueError, match=r"labels \(2, 3\) does not match .* predictions \(2, 4\)"):
        metric.check_label_shapes(a, b, shape=True)
