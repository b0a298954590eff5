"""What single losses do besides."""

from __future__ import annotations

import numpy as onp
import pytest
from scipy import special, stats

from glueball import autograd, nd
from glueball.gluon import loss as losses
from loss_cases import (
    BINARY,
    COUNTS,
    PRED,
    REAL,
    SHARES,
    SIGNED,
    central_differences,
    close,
    float64,
    gradient,
)


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


@pytest.mark.parametrize("rho", [0, -1, float("inf"), "1"])
def test_huber_needs_a_positive_rho(rho):
    with pytest.raises(ValueError, match="expected a finite number above 0 as rho of 'huberloss"):
        losses.HuberLoss(rho=rho)


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


def sdml(a, b, share):
    logits = -((a[:, None] - b[None]) ** 2).sum(axis=2)
    labels = onp.where(onp.eye(len(a)) == 1, 1 - share, share / (len(a) - 1))
    log_p = special.log_softmax(logits, axis=1)
    return special.rel_entr(labels, onp.exp(log_p)).sum(axis=1)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_sdml_is_the_divergence_of_nearness_from_smoothed_labels(share):
    loss = losses.SDMLLoss(smoothing_parameter=share)

    found = loss(float64(PRED), float64(REAL))

    assert found.shape == (5,)
    close(found, sdml(PRED, REAL, share), rtol=1e-9)
    doubled = losses.SDMLLoss(smoothing_parameter=share, weight=2)(float64(PRED), float64(REAL))
    close(doubled, 2 * found.asnumpy())


@pytest.mark.parametrize("place", [0, 1])
def test_sdml_gradients_equal_central_differences(place):
    arrays = [PRED / 3, REAL / 3]
    inputs = [float64(a) for a in arrays]
    inputs[place].attach_grad()
    with autograd.record():
        total = losses.SDMLLoss()(*inputs).sum()
    total.backward()

    def value(moved):
        return sdml(*[moved if i == place else a for i, a in enumerate(arrays)], 0.3).sum()

    close(inputs[place].grad, central_differences(value, arrays[place]), rtol=1e-6)


def test_sdml_refuses_what_has_no_partners():
    loss = losses.SDMLLoss(prefix="pairs_")
    for shapes in [((3,), (3,)), ((2, 3), (3, 3)), ((1, 3), (1, 3)), ((2, 3), (2, 4))]:
        with pytest.raises(
            ValueError, match=r"two batches of one shape \(batch, features\) for 'pairs'"
        ):
            loss(*[nd.ones(shape) for shape in shapes])
    with pytest.raises(ValueError, match="smoothing_parameter from 0 to below 1"):
        losses.SDMLLoss(smoothing_parameter=1)
    with pytest.raises(ValueError, match="batch_axis 0"):
        losses.SDMLLoss(batch_axis=1)
