"""What all losses have in common: values, gradients, weights, labels."""

from __future__ import annotations

import copy
import pickle

import numpy as onp
import pytest

from glueball import MXNetError, autograd, gluon, nd, np, npx
from glueball.gluon import loss as losses
from loss_cases import (
    ALL,
    BINARY,
    CASES,
    COUNTS,
    PAIRS,
    PRED,
    REAL,
    bce,
    central_differences,
    close,
    float64,
    gradient,
)

COUNTS[0] = [0, 1, 2]


@ALL
def test_values_are_those_of_the_formula(case):
    loss, pred, label, formula = CASES[case]

    found = loss(float64(pred), float64(label))

    close(found, formula(pred, label))
    assert found.dtype == onp.float64


@ALL
def test_float32_values_are_those_of_the_formula(case):
    loss, pred, label, formula = CASES[case]

    found = loss(nd.array(pred), nd.array(label))

    close(found, formula(pred, label), rtol=2e-5)
    assert found.dtype == onp.float32


@ALL
def test_gradients_are_central_differences_of_the_formula(case):
    loss, pred, label, formula = CASES[case]

    found = gradient(loss, float64(pred), float64(label))

    wanted = central_differences(lambda p: formula(p, label), pred)
    onp.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)


@ALL
def test_weight_multiplies_every_value(case):
    loss, pred, label, formula = CASES[case]
    weighted = copy.copy(loss)
    weighted._weight = 2.5

    close(weighted(float64(pred), float64(label)), 2.5 * formula(pred, label))


@pytest.mark.parametrize("shape", [(5,), (5, 1)], ids=["flat", "column"])
@ALL
def test_sample_weights_multiply_samples(case, shape):
    loss, pred, label, formula = CASES[case]
    weights = onp.array([1, 0, 2, 0.5, 3])

    found = loss(float64(pred), float64(label), float64(weights).reshape(shape))

    if case.startswith("Poisson"):  # one value: the mean of the samples' means
        each = [formula(p[None], y[None])[0] for p, y in zip(pred, label, strict=True)]
        close(found, [(onp.array(each) * weights).mean()])
    else:
        close(found, formula(pred, label) * weights)


@ALL
def test_sample_weights_may_be_a_list_or_of_another_dtype(case):
    loss, pred, label, _ = CASES[case]
    weights = [1, 0, 2, 3, 4]
    wanted = loss(float64(pred), float64(label), float64(weights)).asnumpy()

    for given in (weights, nd.array(weights), nd.array(weights, dtype="int32")):
        close(loss(float64(pred), float64(label), given), wanted)


@ALL
def test_sample_weights_that_would_mix_samples_are_refused(case):
    loss, pred, label, _ = CASES[case]

    for shape in [(3,), (1, 5), (2,), (0,)]:
        with pytest.raises(ValueError, match=r"expected sample_weight of shape \(5,\)"):
            loss(nd.array(pred), nd.array(label), nd.ones(shape))


@ALL
def test_labels_may_be_lists_numpy_arrays_and_of_another_dtype(case):
    loss, pred, label, formula = CASES[case]
    wanted = formula(pred, label)

    close(loss(float64(pred), label), wanted)
    close(loss(float64(pred), label.tolist()), wanted)
    close(loss(float64(pred), nd.array(label)), wanted, rtol=1e-6)


@ALL
def test_gradients_reach_labels_that_ask_for_it(case):
    loss, pred, label, formula = CASES[case]
    labels = float64(label)
    labels.attach_grad()

    gradient(loss, float64(pred), labels)

    wanted = central_differences(lambda y: formula(pred, y), label)
    onp.testing.assert_allclose(labels.grad.asnumpy(), wanted, rtol=1e-5, atol=1e-8)


@ALL
def test_numpy_mode_gives_numpy_mode_values(case):
    loss, pred, label, formula = CASES[case]
    npx.set_np()
    try:
        x = np.array(pred)
        found = loss(x, np.array(label))
        slope = gradient(loss, x, np.array(label))
        with pytest.raises(TypeError, match="expected a NumPy-mode array as input of"):
            loss(nd.array(pred), np.array(label))
    finally:
        npx.reset_np()

    assert type(found) is np.ndarray
    assert found.shape == (() if case.startswith("Poisson") else (5,))
    onp.testing.assert_allclose(
        onp.ravel(found.asnumpy()), formula(pred, label), rtol=2e-5, atol=1e-5
    )
    assert slope.shape == (5, 3)


@ALL
def test_other_numbers_of_labels_are_refused(case):
    loss, pred, _, _ = CASES[case]

    with pytest.raises(ValueError, match=r"expected .*label.* for '\w+', found \(4, 3\); "):
        loss(nd.array(pred), nd.ones((4, 3)))


@ALL
@pytest.mark.parametrize("label", [["a", "b"], [[1], [1, 2]], None, object()])
def test_labels_have_to_be_numbers(case, label):
    with pytest.raises(TypeError, match=r"expected numbers as labels of '\w+', found"):
        CASES[case][0](nd.ones((2, 2)), label)


@ALL
def test_predictions_have_to_be_an_ndarray_of_floats(case):
    loss, pred, label, _ = CASES[case]

    with pytest.raises(ValueError, match=r"found numpy.ndarray; wrap it"):
        loss(pred, nd.array(label))
    with pytest.raises(MXNetError, match=r"float32 or float64 .* found int32"):
        loss(nd.ones((5, 3), dtype="int32"), nd.array(label))


@pytest.mark.parametrize("case", PAIRS)
def test_labels_are_taken_in_the_predictions_shape(case):
    loss, pred, label, formula = CASES[case]

    close(loss(float64(pred[:, :1]), float64(label[:, 0])), formula(pred[:, :1], label[:, :1]))


@pytest.mark.parametrize("case", PAIRS)
def test_means_run_over_all_axes_but_the_batch_axis(case):
    loss, pred, label, formula = CASES[case]
    turned = copy.copy(loss)
    turned._batch_axis = 1
    cube, cube_labels = pred.T.reshape(1, 3, 5), label.T.reshape(1, 3, 5)

    close(turned(float64(cube), float64(cube_labels)), formula(cube[0], cube_labels[0]))


@pytest.mark.parametrize("case", PAIRS)
def test_vectors_have_a_value_an_element(case):
    loss, pred, label, formula = CASES[case]

    found = loss(float64(pred[:, 0]), float64(label[:, 0]))

    close(found, formula(pred[:, :1], label[:, :1]))


@pytest.mark.parametrize("case", PAIRS)
def test_empty_batches_have_no_losses_and_empty_samples_are_refused(case):
    loss = CASES[case][0]

    assert loss(nd.ones((2, 3))[0:0], nd.ones((2, 3))[0:0]).shape == (0,)
    with pytest.raises(MXNetError, match="the mean of nothing is not a number"):
        loss(nd.array(onp.ones((2, 0))), nd.array(onp.ones((2, 0))))


@pytest.mark.parametrize("case", [each for each in PAIRS if each != "L2"])
def test_a_batch_axis_that_is_not_there_is_refused(case):
    loss, pred, label, _ = CASES[case]
    lost = copy.copy(loss)
    lost._batch_axis = 2

    with pytest.raises(ValueError, match=r"expected an axis in \[-2, 2\) for '\w+', found 2"):
        lost(nd.array(pred), nd.array(label))


@ALL
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_losses_are_copied_and_pickled(case, duplicate):
    loss, pred, label, _ = CASES[case]

    twin = duplicate(loss)

    close(twin(float64(pred), float64(label)), loss(float64(pred), float64(label)).asnumpy())


@ALL
def test_nan_stays_in_its_own_sample(case):
    loss, pred, label, _ = CASES[case]
    spoilt = pred.copy()
    spoilt[1, 0] = onp.nan

    found = onp.isnan(loss(nd.array(spoilt), nd.array(label)).asnumpy()).tolist()

    assert found == ([True] if case.startswith("Poisson") else [False, True, False, False, False])


def test_the_examples_of_gluons_documents():
    pred, label = nd.array([[1, 2], [3, 5]]), nd.array([[1, 0], [0, 1]])

    # Arithmetic: bce(p, 1) = log(1 + e^-p), bce(p, 0) = log(1 + e^p); Huber of 0, 2, 3 and 4.
    wanted = onp.log1p(onp.exp([[-1, 2], [3, -5]])).mean(axis=1)
    close(losses.SigmoidBCELoss()(pred, label), wanted, rtol=1e-6)
    close(losses.HuberLoss()(pred, label), [(0 + 1.5) / 2, (2.5 + 3.5) / 2])
    close(losses.L2Loss(batch_axis=1)(pred, label), [(0 + 9) / 4, (4 + 16) / 4])


def test_losses_show_their_settings():
    assert repr(losses.L1Loss(weight=2, batch_axis=1)) == "L1Loss(batch_axis=1, w=2)"
    assert repr(losses.HuberLoss()) == "HuberLoss(batch_axis=0, w=None)"
    assert losses.SigmoidBCELoss is losses.SigmoidBinaryCrossEntropyLoss


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), "2", [1]], ids=repr)
def test_weights_have_to_be_finite_numbers(weight):
    with pytest.raises(ValueError, match="expected a finite number as weight of '.*', found"):
        losses.L1Loss(weight=weight)


@pytest.mark.parametrize("kind", [losses.HingeLoss, losses.SquaredHingeLoss, losses.TripletLoss])
def test_margins_have_to_be_finite_numbers(kind):
    with pytest.raises(ValueError, match="expected a finite number as margin of '.*', found nan"):
        kind(margin=float("nan"))


def test_a_loss_can_wrap_another():
    class Focal(gluon.loss.Loss):
        def __init__(self):
            super().__init__(None, 0)
            self.inner = losses.SigmoidBCELoss()

        def hybrid_forward(self, F, pred, label):
            loss = self.inner(pred, label)
            return (1 - F.exp(-loss)) * loss

    wanted = (1 - onp.exp(-bce(PRED, BINARY).mean(axis=1))) * bce(PRED, BINARY).mean(axis=1)
    close(Focal()(float64(PRED), float64(BINARY)), wanted)


def test_helpers_that_losses_of_ones_own_import_are_there():
    class Cubic(gluon.loss.Loss):
        def hybrid_forward(self, F, pred, label, sample_weight=None):
            label = losses._reshape_like(F, label, pred)
            loss = F.abs(pred - label) ** 3
            loss = losses._apply_weighting(F, loss, self._weight, sample_weight)
            return F.mean(loss, axis=self._batch_axis, exclude=True)

    pred, label = float64(PRED), float64(REAL.ravel())
    weights = onp.arange(5.0)

    wanted = 3 * weights * (onp.abs(PRED - REAL) ** 3).mean(axis=1)
    close(Cubic(3, 0)(pred, label, float64(weights)), wanted)


@pytest.mark.parametrize(
    "case", [each for each in CASES if each not in ("L2", "SoftmaxCE dense", "BCE sigmoid")]
)
def test_the_core_and_array_functions_compute_the_same(case):
    loss, pred, label, _ = CASES[case]
    pred, label = float64(pred), float64(label)
    # Weights of samples keep the core out of it.
    ones = nd.ones(len(pred), dtype="float64")

    plain, weighted = gradient(loss, pred, label), gradient(loss, pred, label, ones)

    close(loss(pred, label), loss(pred, label, ones).asnumpy(), 1e-12)
    onp.testing.assert_allclose(plain, weighted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "case",
    [
        each
        for each in CASES
        if not each.startswith(("BCE sigmoid", "SoftmaxCE", "KLDiv s", "Poisson"))
    ],
)
def test_the_plain_case_is_one_step_of_the_graph(case):
    loss, pred, label, _ = CASES[case]
    pred = float64(pred)
    pred.attach_grad()

    with autograd.record():
        value = loss(pred, float64(label))

    assert value._node.parents == (pred._node,)
