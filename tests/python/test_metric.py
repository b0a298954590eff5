"""Metrics against scikit-learn, SciPy and NumPy; totals over batches of any sizes."""

from __future__ import annotations

import copy
import itertools
import json
import pickle

import numpy as onp
import pytest
from scipy import stats
from sklearn import metrics as sk

import glueball as mx
from glueball import MXNetError, metric, nd, np, npx

RNG = onp.random.default_rng(20170728)
CLASSES = RNG.integers(0, 4, size=50)
SCORES = RNG.dirichlet(onp.ones(4), size=50)
YES = RNG.integers(0, 2, size=50)
YES_SCORES = RNG.dirichlet(onp.ones(2), size=50)
REAL = RNG.normal(size=(50, 3))
GUESS = REAL + RNG.normal(size=(50, 3))
# Where batches of uneven sizes begin and end.
CUTS = [0, 7, 8, 30, 50]


def float64(x):
    return nd.array(x, dtype="float64")


def fed(m, labels, preds, cuts=CUTS):
    """The metric after one update a batch."""
    for begin, end in itertools.pairwise(cuts):
        m.update([float64(labels[begin:end])], [float64(preds[begin:end])])
    return m


def approx(value):
    # eps, which is 1e-12, shows in the twelfth digit of likelihoods.
    return pytest.approx(value, rel=1e-10)


def macro(function, labels, preds):
    return onp.mean([function(labels[a:b], preds[a:b]) for a, b in itertools.pairwise(CUTS)])


# name: metric, labels, predictions, the value by another library
CASES = {
    "accuracy": (
        metric.Accuracy,
        CLASSES,
        SCORES,
        sk.accuracy_score(CLASSES, SCORES.argmax(axis=1)),
    ),
    "top 2": (
        lambda: metric.TopKAccuracy(top_k=2),
        CLASSES,
        SCORES,
        sk.top_k_accuracy_score(CLASSES, SCORES, k=2),
    ),
    "top 3": (
        lambda: metric.TopKAccuracy(3),
        CLASSES,
        SCORES,
        sk.top_k_accuracy_score(CLASSES, SCORES, k=3),
    ),
    "f1 micro": (
        lambda: metric.F1(average="micro"),
        YES,
        YES_SCORES,
        sk.f1_score(YES, YES_SCORES.argmax(axis=1)),
    ),
    "f1 macro": (
        metric.F1,
        YES,
        YES_SCORES,
        macro(lambda y, p: sk.f1_score(y, p, zero_division=0), YES, YES_SCORES.argmax(axis=1)),
    ),
    "mcc micro": (
        lambda: metric.MCC(average="micro"),
        YES,
        YES_SCORES,
        sk.matthews_corrcoef(YES, YES_SCORES.argmax(axis=1)),
    ),
    "pcc": (
        metric.PCC,
        CLASSES,
        SCORES,
        sk.matthews_corrcoef(CLASSES, SCORES.argmax(axis=1)),
    ),
    "mae": (metric.MAE, REAL, GUESS, sk.mean_absolute_error(REAL, GUESS)),
    "mse": (metric.MSE, REAL, GUESS, sk.mean_squared_error(REAL, GUESS)),
    "rmse": (metric.RMSE, REAL, GUESS, onp.sqrt(((REAL - GUESS) ** 2).mean())),
    "cross-entropy": (
        metric.CrossEntropy,
        CLASSES,
        SCORES,
        sk.log_loss(CLASSES, SCORES, labels=range(4)),
    ),
    "nll-loss": (
        metric.NegativeLogLikelihood,
        CLASSES,
        SCORES,
        sk.log_loss(CLASSES, SCORES, labels=range(4)),
    ),
    "perplexity": (
        lambda: metric.Perplexity(ignore_label=None),
        CLASSES,
        SCORES,
        onp.exp(sk.log_loss(CLASSES, SCORES, labels=range(4))),
    ),
    "pearsonr micro": (
        lambda: metric.PearsonCorrelation(average="micro"),
        REAL[:, 0],
        GUESS[:, 0],
        stats.pearsonr(REAL[:, 0], GUESS[:, 0])[0],
    ),
    "loss": (metric.Loss, REAL, GUESS, GUESS.mean()),
}
ALL = pytest.mark.parametrize("case", CASES)


# All of them


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


# The registry


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


# Accuracy and TopKAccuracy


def test_accuracy_takes_class_numbers_and_columns_of_labels():
    m = metric.Accuracy()

    m.update(nd.array([0, 1, 2]), nd.array([0, 2, 2]))
    m.update(nd.array([[0], [1]]), nd.array([[0.1, 0.9], [0.1, 0.9]]))

    assert m.get()[1] == 3 / 5
    assert (m.sum_metric, m.num_inst) == (3, 5)


def test_accuracy_takes_the_largest_score_along_its_axis():
    scores = RNG.normal(size=(5, 4, 3))
    labels = RNG.integers(0, 3, size=(5, 4))
    m = metric.Accuracy(axis=2)

    m.update(nd.array(labels), nd.array(scores))

    assert m.get()[1] == approx((scores.argmax(axis=2) == labels).mean())


def test_accuracy_refuses_scores_of_a_single_class():
    with pytest.raises(ValueError, match=r"scores of two classes or more along axis 1, for metric"):
        metric.Accuracy().update(nd.array([0, 1]), nd.array([[0.4], [0.9]]))


def test_top_k_counts_all_where_k_reaches_the_number_of_classes():
    m = metric.TopKAccuracy(top_k=9)

    m.update(nd.array([[3], [0]]), nd.array(SCORES[:2]))

    assert m.get()[1] == 1


@pytest.mark.parametrize("top_k", [1, 0, -2, 2.5])
def test_top_k_refuses_what_accuracy_is_for(top_k):
    with pytest.raises(AssertionError, match="Please use Accuracy if top_k is no more than 1: exp"):
        metric.TopKAccuracy(top_k=top_k)


# F1 and MCC


def test_f1_of_the_examples():
    m = metric.F1()

    m.update(nd.array([1, 1, 0, 0]), nd.array([[0, 1], [1, 0], [0, 1], [1, 0]]))

    assert m.get() == ("f1", 0.5)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
@pytest.mark.parametrize("preds", [[0, 0], [1, 1]])
def test_scores_of_constant_classes_are_those_of_scikit_learn(labels, preds):
    f1, mcc = metric.F1(), metric.MCC()

    for m in (f1, mcc):
        m.update(nd.array(labels), nd.array(preds))

    assert f1.get()[1] == sk.f1_score(labels, preds, zero_division=0)
    assert mcc.get()[1] == 0


def test_mcc_averages_updates_by_default():
    cuts = [0, 20, 35, 50]
    found = YES_SCORES.argmax(axis=1)

    m = fed(metric.MCC(), YES, YES_SCORES, cuts)

    each = [sk.matthews_corrcoef(YES[a:b], found[a:b]) for a, b in itertools.pairwise(cuts)]
    assert m.get()[1] == approx(onp.mean(each))
    assert m.num_inst == 3


def test_mcc_of_many_samples_does_not_overflow():
    m = metric.MCC(average="micro")
    y = onp.arange(200_000) % 2

    m.update(y, y)

    assert m.get()[1] == approx(1)


@pytest.mark.parametrize("kind", [metric.F1, metric.MCC])
def test_binary_metrics_refuse_more_classes(kind):
    name = kind.__name__

    for labels, preds in [
        ([0, 1, 2], onp.eye(3)[:, :2]),
        ([0, 1, 1], onp.eye(3)),
        ([0, 1, 1], [0, 0.7, 1]),
    ]:
        m = kind()
        with pytest.raises(
            ValueError, match=f"{name} currently only supports binary classification.: expected cl"
        ):
            m.update(nd.array(labels), nd.array(preds))
        assert m.num_inst == 0


@pytest.mark.parametrize("kind", [metric.F1, metric.MCC, metric.PearsonCorrelation])
def test_averages_have_two_names(kind):
    with pytest.raises(ValueError, match=r"'macro' .* or 'micro' .* found 'weighted'"):
        kind(average="weighted")


def test_pcc_takes_class_numbers_and_grows_with_them():
    m = metric.PCC()
    found = SCORES.argmax(axis=1)
    few = (CLASSES < 2) & (found < 2)

    m.update(CLASSES[few], found[few])
    m.update(CLASSES[~few], found[~few])

    assert m.get()[1] == approx(sk.matthews_corrcoef(CLASSES, found))
    with pytest.raises(IndexError, match="class numbers from 0 to 1 for metric 'pcc', found -1"):
        m.update(nd.array([-1, 0]), nd.array([1, 1]))


def test_pcc_of_constant_classes_is_zero():
    m = metric.PCC()

    m.update(nd.array([1, 1]), nd.array([0, 1]))

    assert m.get()[1] == 0


# MAE, MSE, RMSE


@pytest.mark.parametrize("kind", [metric.MAE, metric.MSE, metric.RMSE])
def test_columns_and_vectors_are_not_broadcast(kind):
    m, column = kind(), kind()

    m.update(nd.array([1, 2, 5]), nd.array([1, 1, 1]))
    column.update(nd.array([1, 2, 5]), nd.array([[1], [1], [1]]))

    assert column.get() == m.get()
    with pytest.raises(ValueError, match=r"labels \(3,\) .* predictions \(3, 2\)"):
        column.update(nd.ones(3), nd.ones((3, 2)))


def test_mean_errors_count_samples_and_not_batches():
    m = metric.MSE()

    m.update(nd.zeros(9), nd.zeros(9))
    m.update(nd.zeros(1), nd.array([10]))

    assert m.get()[1] == 10
    assert (m.sum_metric, m.num_inst) == (100, 10)


def test_rmse_is_the_root_of_the_whole_and_not_the_mean_of_roots():
    m = fed(metric.RMSE(), REAL, GUESS)

    assert m.get()[1] == approx(onp.sqrt(fed(metric.MSE(), REAL, GUESS).get()[1]))


def test_an_empty_batch_counts_nothing_and_empty_samples_are_refused():
    m = metric.MAE()

    m.update(onp.ones((0, 3)), onp.ones((0, 3)))

    assert m.num_inst == 0
    with pytest.raises(ValueError, match=r"at least one element a sample.* found shape \(2, 0\)"):
        m.update(onp.ones((2, 0)), onp.ones((2, 0)))


# CrossEntropy, NegativeLogLikelihood, Perplexity


def test_likelihoods_of_the_examples():
    labels, preds = nd.array([0, 1]), nd.array([[0.5, 0.5], [0.25, 0.75]])
    ce, perplexity = metric.CrossEntropy(), metric.Perplexity(None)
    ce.update(labels, preds)
    perplexity.update(labels, preds)

    mean = -(onp.log(0.5) + onp.log(0.75)) / 2
    assert ce.get()[1] == approx(mean)
    assert perplexity.get()[1] == approx(onp.exp(mean))


def test_impossible_labels_cost_what_eps_says():
    m = metric.CrossEntropy(eps=1e-6)

    m.update(nd.array([1]), nd.array([[1, 0]]))

    assert m.get()[1] == approx(-onp.log(1e-6))


@pytest.mark.parametrize(
    "make", [metric.CrossEntropy, metric.NegativeLogLikelihood, lambda: metric.Perplexity(None)]
)
@pytest.mark.parametrize("label", [2, -1, 0.5, float("nan")])
def test_labels_that_are_no_class_numbers_are_refused(make, label):
    m = make()

    with pytest.raises(IndexError, match=r"class numbers from 0 to 1 for metric '.*', found "):
        m.update(nd.array([0, label]), nd.array([[0.5, 0.5], [0.25, 0.75]]))
    assert m.num_inst == 0


def test_perplexity_leaves_out_the_label_to_ignore():
    m = metric.Perplexity(ignore_label=-1)
    labels = onp.where(onp.arange(50) % 3 == 0, -1, CLASSES)

    fed(m, labels, SCORES)

    counted = labels >= 0
    mean = sk.log_loss(CLASSES[counted], SCORES[counted], labels=range(4))
    assert m.get()[1] == approx(onp.exp(mean))
    assert m.num_inst == counted.sum()


def test_perplexity_takes_classes_along_any_axis():
    labels = CLASSES[:48].reshape(6, 8)
    scores = SCORES[:48].reshape(6, 8, 4)
    last, second = metric.Perplexity(None), metric.Perplexity(None, axis=1)

    last.update(labels, scores)
    second.update(labels, onp.moveaxis(scores, 2, 1))

    wanted = onp.exp(sk.log_loss(CLASSES[:48], SCORES[:48], labels=range(4)))
    assert last.get()[1] == approx(wanted)
    assert second.get()[1] == approx(wanted)
    with pytest.raises(ValueError, match="predictions with an axis 5 for metric 'perplexity'"):
        metric.Perplexity(None, axis=5).update(labels, scores)


# PearsonCorrelation


def test_pearson_averages_updates_by_default():
    cuts = [0, 20, 50]

    m = fed(metric.PearsonCorrelation(), REAL, GUESS, cuts)

    each = [
        stats.pearsonr(REAL[a:b].ravel(), GUESS[a:b].ravel())[0]
        for a, b in itertools.pairwise(cuts)
    ]
    assert m.get()[1] == approx(onp.mean(each))


def test_pearson_keeps_its_digits_far_from_zero():
    m = metric.PearsonCorrelation(average="micro")

    fed(m, REAL[:, 0] + 1e8, GUESS[:, 0] - 1e8)

    wanted = stats.pearsonr(REAL[:, 0], GUESS[:, 0])[0]
    assert m.get()[1] == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_pearson_of_a_constant_is_nan(average):
    m = metric.PearsonCorrelation(average=average)

    m.update(nd.array([1, 2, 3]), nd.array([5, 5, 5]))

    assert onp.isnan(m.get()[1])


# Loss, CompositeEvalMetric, CustomMetric


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
