"""Losses against formulas of their own in float64, and their gradients against central differences."""

from __future__ import annotations

import copy
import pickle

import numpy as onp
import pytest
from scipy import special, stats

from glueball import MXNetError, autograd, gluon, nd, np, npx
from glueball.gluon import loss as losses

RNG = onp.random.default_rng(20170728)
PRED = RNG.normal(scale=2, size=(5, 3))
REAL = RNG.normal(size=(5, 3))
SIGNED = onp.where(RNG.random((5, 3)) < 0.5, -1.0, 1.0)
BINARY = (SIGNED + 1) / 2
SHARES = RNG.dirichlet(onp.ones(3), size=5)
COUNTS = RNG.poisson(3, size=(5, 3)).astype(float)
COUNTS[0] = [0, 1, 2]


def mean(x):
    return x.mean(axis=1)


def bce(p, y):
    return -(y * special.log_expit(p) + (1 - y) * special.log_expit(-p))


def kl(log_p, y):
    return (y * (onp.log(y + 1e-12) - log_p)).sum(axis=1)


def huber(p, y, rho):
    d = onp.abs(p - y)
    return onp.where(d > rho, d - rho / 2, d**2 / (2 * rho))


# name: loss, predictions, labels, the loss of each sample by a formula
CASES = {
    "L1": (losses.L1Loss(), PRED, REAL, lambda p, y: mean(abs(p - y))),
    "L2": (losses.L2Loss(), PRED, REAL, lambda p, y: mean((p - y) ** 2) / 2),
    "Huber": (losses.HuberLoss(), PRED, REAL, lambda p, y: mean(huber(p, y, 1))),
    "Huber rho": (losses.HuberLoss(rho=0.3), PRED, REAL, lambda p, y: mean(huber(p, y, 0.3))),
    "BCE": (losses.SigmoidBCELoss(), PRED, BINARY, lambda p, y: mean(bce(p, y))),
    "BCE soft": (losses.SigmoidBCELoss(), PRED, SHARES, lambda p, y: mean(bce(p, y))),
    "BCE sigmoid": (
        losses.SigmoidBCELoss(from_sigmoid=True),
        special.expit(PRED),
        BINARY,
        lambda p, y: -mean(y * onp.log(p + 1e-12) + (1 - y) * onp.log(1 - p + 1e-12)),
    ),
    "Hinge": (losses.HingeLoss(), PRED, SIGNED, lambda p, y: mean(onp.maximum(0, 1 - p * y))),
    "Hinge margin": (
        losses.HingeLoss(margin=2.5),
        PRED,
        SIGNED,
        lambda p, y: mean(onp.maximum(0, 2.5 - p * y)),
    ),
    "SquaredHinge": (
        losses.SquaredHingeLoss(margin=2),
        PRED,
        SIGNED,
        lambda p, y: mean(onp.maximum(0, 2 - p * y) ** 2),
    ),
    "Logistic": (losses.LogisticLoss(), PRED, SIGNED, lambda p, y: mean(bce(p, (y + 1) / 2))),
    "Logistic binary": (
        losses.LogisticLoss(label_format="binary"),
        PRED,
        BINARY,
        lambda p, y: mean(bce(p, y)),
    ),
    "KLDiv": (losses.KLDivLoss(), special.log_softmax(PRED, axis=1), SHARES, kl),
    "KLDiv scores": (
        losses.KLDivLoss(from_logits=False),
        PRED,
        SHARES,
        lambda p, y: kl(special.log_softmax(p, axis=1), y),
    ),
    "Poisson": (
        losses.PoissonNLLLoss(),
        PRED,
        COUNTS,
        lambda p, y: onp.array([(onp.exp(p) - y * p).mean()]),
    ),
    "Poisson rates": (
        losses.PoissonNLLLoss(from_logits=False),
        onp.exp(PRED),
        COUNTS,
        lambda p, y: onp.array([(p - y * onp.log(p + 1e-8)).mean()]),
    ),
    "SoftmaxCE dense": (
        losses.SoftmaxCELoss(sparse_label=False),
        PRED,
        SHARES,
        lambda p, y: -(y * special.log_softmax(p, axis=1)).sum(axis=1),
    ),
}
ALL = pytest.mark.parametrize("case", CASES)
# Those that compare elements, and give the mean of each sample.
PAIRS = [each for each in CASES if not each.startswith(("Poisson", "KLDiv", "SoftmaxCE"))]


def float64(x):
    return nd.array(x, dtype="float64")


def gradient(loss, pred, *others):
    pred.attach_grad()
    with autograd.record():
        value = loss(pred, *others)
    value.backward()
    return pred.grad.asnumpy()


def central_differences(function, x, step=1e-6):
    """The gradient of function(x).sum(), element by element."""
    result = onp.empty_like(x)
    for index in onp.ndindex(*x.shape):
        high, low = x.copy(), x.copy()
        high[index] += step
        low[index] -= step
        result[index] = (function(high).sum() - function(low).sum()) / (2 * step)
    return result


def close(found, wanted, rtol=1e-10):
    onp.testing.assert_allclose(found.asnumpy(), wanted, rtol=rtol, atol=rtol)


# All of them


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


# SigmoidBinaryCrossEntropyLoss


@pytest.mark.parametrize("from_sigmoid", [False, True])
def test_bce_pos_weight_multiplies_the_positive_term(from_sigmoid):
    loss = losses.SigmoidBCELoss(from_sigmoid=from_sigmoid)
    pos_weight = onp.array([2.0, 0.5, 3.0])
    pred = special.expit(PRED) if from_sigmoid else PRED

    found = loss(float64(pred), float64(BINARY), None, float64(pos_weight))

    wanted = -(
        pos_weight * BINARY * special.log_expit(PRED) + (1 - BINARY) * special.log_expit(-PRED)
    ).mean(axis=1)
    close(found, wanted)


def test_bce_gradient_with_pos_weight_equals_central_differences():
    pos_weight = onp.array([2.0, 0.5, 3.0])
    loss = losses.SigmoidBCELoss()

    found = gradient(loss, float64(PRED), float64(BINARY), None, float64(pos_weight))

    wanted = central_differences(
        lambda p: (
            -(
                pos_weight * BINARY * special.log_expit(p) + (1 - BINARY) * special.log_expit(-p)
            ).mean(axis=1)
        ),
        PRED,
    )
    onp.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)


def test_bce_refuses_a_pos_weight_that_does_not_broadcast():
    with pytest.raises(ValueError, match=r"pos_weight .* \(5, 3\) for '\w+', found \(2,\); "):
        losses.SigmoidBCELoss()(nd.array(PRED), nd.array(BINARY), None, nd.ones(2))


def test_bce_of_large_scores_is_exact():
    pred, label = nd.array([[1000], [-1000], [1000], [-1000]]), nd.array([1, 0, 0, 1])

    found = losses.SigmoidBCELoss()(pred, label)

    onp.testing.assert_array_equal(found.asnumpy(), [0, 0, 1000, 1000])


@pytest.mark.parametrize("loss", [losses.SigmoidBCELoss(), losses.LogisticLoss(None, 0, "binary")])
def test_gradient_at_a_score_of_zero_is_sigmoid_minus_label(loss):
    found = gradient(loss, nd.zeros((3, 1)), nd.array([0, 1, 0.25]))

    onp.testing.assert_allclose(found, [[0.5], [-0.5], [0.25]])


def test_logistic_is_a_softplus_of_the_margin():
    wanted = onp.log1p(onp.exp(-PRED * SIGNED)).mean(axis=1)

    close(losses.LogisticLoss()(float64(PRED), float64(SIGNED)), wanted)
    close(losses.LogisticLoss(label_format="binary")(float64(PRED), float64(BINARY)), wanted)


def test_logistic_refuses_another_label_format():
    with pytest.raises(ValueError) as caught:
        losses.LogisticLoss(label_format="foo")

    assert str(caught.value) == (
        "label_format can only be signed or binary, recieved foo. Expected 'signed' for labels -1 "
        "and 1, or 'binary' for 0 and 1, found 'foo'; correct it"
    )


# HuberLoss


@pytest.mark.parametrize("rho", [0, -1, float("inf"), "1"])
def test_huber_needs_a_positive_rho(rho):
    with pytest.raises(ValueError, match="expected a finite number above 0 as rho of 'huberloss"):
        losses.HuberLoss(rho=rho)


# KLDivLoss


def test_kl_divergence_of_equal_distributions_is_zero():
    close(losses.KLDivLoss()(nd.log(float64(SHARES)), float64(SHARES)), onp.zeros(5))


def test_kl_divergence_is_that_of_scipy_along_another_axis():
    pred, label = PRED.reshape(5, 3, 1), SHARES.reshape(5, 3, 1)

    found = losses.KLDivLoss(from_logits=False, axis=1)(float64(pred), float64(label))

    close(found, stats.entropy(SHARES, special.softmax(PRED, axis=1), axis=1))


def test_kl_divergence_of_impossible_classes_is_finite():
    found = losses.KLDivLoss()(nd.log(nd.array([[0.5, 0.5]])), nd.array([[1, 0]]))

    close(found, [onp.log(2)], rtol=1e-6)


def test_kl_divergence_wants_labels_of_the_predictions_shape():
    with pytest.raises(ValueError, match=r"shape \(5, 3\) for 'kldivloss\d+', found \(5,\); "):
        losses.KLDivLoss()(nd.array(PRED), nd.zeros(5))


# PoissonNLLLoss


def test_poisson_is_the_likelihood_of_scipy():
    found = losses.PoissonNLLLoss()(float64(PRED), float64(COUNTS))

    wanted = -stats.poisson.logpmf(COUNTS, onp.exp(PRED)) - special.gammaln(COUNTS + 1)
    close(found, [wanted.mean()])


def test_poisson_adds_stirlings_approximation_for_counts_above_one():
    loss = losses.PoissonNLLLoss(compute_full=True)

    found = loss(float64(PRED), float64(COUNTS))

    safe = onp.maximum(COUNTS, 1)
    stirling = safe * onp.log(safe) - safe + onp.log(2 * onp.pi * safe) / 2
    each = onp.exp(PRED) - COUNTS * PRED + onp.where(COUNTS > 1, stirling, 0)
    close(found, [each.mean()])


def test_poisson_with_counts_of_zero_is_finite_and_so_are_gradients():
    pred, target = nd.zeros((3, 1)), nd.array([0, 1, 2])
    target.attach_grad()

    slope = gradient(losses.PoissonNLLLoss(compute_full=True), pred, target)

    onp.testing.assert_allclose(slope, (1 - onp.array([[0], [1], [2]])) / 3, rtol=1e-6)
    assert onp.isfinite(target.grad.asnumpy()).all()


def test_poisson_refuses_to_take_the_mean_of_nothing():
    with pytest.raises(ValueError, match="at least one prediction for 'poissonnllloss"):
        losses.PoissonNLLLoss()(nd.ones((2, 3))[0:0], nd.ones((2, 3))[0:0])


# TripletLoss


def triplet(p, near, far, margin):
    return onp.maximum(0, ((p - near) ** 2).sum(1) - ((p - far) ** 2).sum(1) + margin)


@pytest.mark.parametrize("margin", [0, 1, 20])
def test_triplet_is_that_of_the_formula(margin):
    loss = losses.TripletLoss(margin=margin)

    found = loss(float64(PRED), float64(REAL), float64(SIGNED))

    close(found, triplet(PRED, REAL, SIGNED, margin))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_triplet_gradients_equal_central_differences(place):
    values = [PRED, REAL, SIGNED]
    arrays = [float64(x) for x in values]
    for each in arrays:
        each.attach_grad()
    with autograd.record():
        value = losses.TripletLoss(margin=3, weight=0.5)(*arrays)
    value.backward()

    def function(x):
        return 0.5 * triplet(*values[:place], x, *values[place + 1 :], 3)

    wanted = central_differences(function, values[place])
    onp.testing.assert_allclose(arrays[place].grad.asnumpy(), wanted, rtol=1e-6, atol=1e-8)


def test_triplet_takes_examples_in_the_predictions_shape_and_weights():
    weights = onp.arange(5.0)

    found = losses.TripletLoss(margin=9)(
        float64(PRED), REAL.ravel().tolist(), SIGNED.ravel(), weights.tolist()
    )

    close(found, weights * triplet(PRED, REAL, SIGNED, 9))


def test_triplet_sums_over_all_axes_but_the_batch_axis():
    loss = losses.TripletLoss(margin=4, batch_axis=1)

    found = loss(*(float64(x.T.reshape(1, 3, 5)) for x in (PRED, REAL, SIGNED)))

    close(found, triplet(PRED.T, REAL.T, SIGNED.T, 4))


def test_triplet_refuses_other_numbers_of_examples_and_weights():
    x = nd.array(PRED)

    with pytest.raises(ValueError, match=r"for 'tripletloss\d+', found \(5,\)"):
        losses.TripletLoss()(x, x, nd.ones(5))
    with pytest.raises(ValueError, match=r"expected sample_weight of shape \(5,\), found \(3,\)"):
        losses.TripletLoss()(x, x, x, nd.ones(3))
    with pytest.raises(TypeError, match="expected numbers as negative examples of"):
        losses.TripletLoss()(x, x, ["far"])


# CosineEmbeddingLoss

PAIR_LABELS = onp.array([1.0, -1, 1, -1, -1])


def cosine_loss(a, b, y, margin):
    c = (a * b).sum(1) / onp.sqrt((a * a).sum(1) * (b * b).sum(1))
    return onp.where(y == 1, 1 - c, onp.maximum(0, c - margin))


@pytest.mark.parametrize("margin", [0, 0.4, -0.5])
@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_cosine_embedding_is_that_of_the_formula(margin, shape):
    loss = losses.CosineEmbeddingLoss(margin=margin, weight=2)

    found = loss(float64(PRED), float64(REAL), float64(PAIR_LABELS).reshape(shape))

    assert found.shape == (5, 1)
    close(found, 2 * cosine_loss(PRED, REAL, PAIR_LABELS, margin)[:, None])


@pytest.mark.parametrize("place", [0, 1])
def test_cosine_embedding_gradients_equal_central_differences(place):
    values = [PRED, REAL]
    arrays = [float64(x) for x in values]
    for each in arrays:
        each.attach_grad()
    with autograd.record():
        value = losses.CosineEmbeddingLoss(margin=-0.5)(*arrays, float64(PAIR_LABELS))
    value.backward()

    def function(x):
        return cosine_loss(*values[:place], x, *values[place + 1 :], PAIR_LABELS, -0.5)

    wanted = central_differences(function, values[place])
    onp.testing.assert_allclose(arrays[place].grad.asnumpy(), wanted, rtol=1e-6, atol=1e-8)


def test_cosine_embedding_of_a_zero_vector_is_finite_and_so_is_its_gradient():
    x = nd.zeros((1, 3))

    slope = gradient(losses.CosineEmbeddingLoss(), x, nd.zeros((1, 3)), nd.array([1]))

    close(losses.CosineEmbeddingLoss()(x, nd.ones((1, 3)), nd.array([1])), [[1]])
    assert onp.isfinite(slope).all()


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_cosine_embedding_weighs_pairs(shape):
    weights = onp.arange(5.0)

    found = losses.CosineEmbeddingLoss()(
        float64(PRED), float64(REAL), PAIR_LABELS, float64(weights).reshape(shape)
    )

    close(found, (weights * cosine_loss(PRED, REAL, PAIR_LABELS, 0))[:, None])


@pytest.mark.parametrize("label", [0, 2, 0.5, float("nan")])
def test_cosine_embedding_refuses_labels_that_are_not_one_or_minus_one(label):
    with pytest.raises(ValueError, match=r"labels 1 and -1 for 'cosineembeddingloss\d+', found"):
        losses.CosineEmbeddingLoss()(nd.array(PRED), nd.array(REAL), [1, -1, 1, -1, label])


def test_cosine_embedding_refuses_other_numbers_of_labels_and_weights():
    a, b = nd.array(PRED), nd.array(REAL)

    with pytest.raises(ValueError, match=r"expected 5 labels, .* found \(4,\)"):
        losses.CosineEmbeddingLoss()(a, b, nd.ones(4))
    with pytest.raises(ValueError, match=r"found \(4, 3\)"):
        losses.CosineEmbeddingLoss()(a, b[:4], nd.ones(5))
    with pytest.raises(ValueError, match=r"expected sample_weight of shape \(5,\), found \(5, 3\)"):
        losses.CosineEmbeddingLoss()(a, b, nd.ones(5), nd.ones((5, 3)))
