"""Losses: one value a sample, gradients of their sum."""

from __future__ import annotations

import numpy as onp
import pytest
from scipy import special

from glueball import MXNetError, gluon, nd, np, npx
from glueball.gluon.loss import L2Loss, Loss, SoftmaxCELoss, SoftmaxCrossEntropyLoss
from loss_cases import central_differences, gradient
from nd_values import read_only


def cross_entropy(scores, labels):
    picked = onp.take_along_axis(scores, labels[:, None].astype(int), axis=1)[:, 0]
    return special.logsumexp(scores, axis=1) - picked


@pytest.fixture
def scores():
    return onp.random.default_rng(1).normal(size=(6, 4))


# L2Loss


@pytest.mark.parametrize("weight", [1.0, 3.0, None], ids=["1", "3", "none"])
def test_l2_is_half_the_mean_square_of_each_sample(scores, weight):
    labels = scores[::-1].copy()

    loss = L2Loss(weight=weight)(nd.array(scores), nd.array(labels))

    factor = 1 if weight is None else weight
    onp.testing.assert_allclose(
        loss.asnumpy(), factor / 2 * ((scores - labels) ** 2).mean(axis=1), rtol=1e-5
    )


def test_l2_takes_labels_in_the_predictions_shape():
    loss = L2Loss()(nd.array([[1], [2], [3]]), nd.array([1, 4, 3]))

    onp.testing.assert_array_equal(loss.asnumpy(), [0, 2, 0])


def test_l2_means_over_all_axes_but_the_batch_axis():
    x = onp.random.default_rng(2).normal(size=(2, 3, 4))

    for axis, others in [(0, (1, 2)), (1, (0, 2)), (-1, (0, 1))]:
        loss = L2Loss(batch_axis=axis)(nd.array(x), nd.zeros((2, 3, 4)))
        onp.testing.assert_allclose(loss.asnumpy(), (x**2 / 2).mean(axis=others), rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
def test_l2_gradient_equals_central_differences(scores, axis):
    labels = scores[::-1].copy()
    label = nd.array(labels, dtype="float64")
    loss = L2Loss(weight=1.7, batch_axis=axis)

    found = gradient(loss, nd.array(scores, dtype="float64"), label)

    wanted = central_differences(
        lambda x: 1.7 / 2 * ((x - labels) ** 2).mean(axis=1 - axis), scores, step=1e-5
    )
    onp.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)


def test_l2_gradient_reaches_labels_that_ask_for_it():
    pred, label = nd.array([[1.0, 2.0]]), nd.array([[3.0, 1.0]])
    label.attach_grad()

    gradient(L2Loss(), pred, label)

    onp.testing.assert_allclose(label.grad.asnumpy(), [[1, -0.5]])


def test_l2_refuses_another_number_of_labels():
    with pytest.raises(ValueError) as caught:
        L2Loss(prefix="l2_")(nd.ones((2, 1)), nd.ones(3))

    assert str(caught.value) == (
        "Cannot reshape array of size 3 into shape (2, 1): expected as many labels as predictions "
        "for 'l2', found (3,); pass labels of the predictions' shape"
    )


# SoftmaxCrossEntropyLoss


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64", "uint8"])
@pytest.mark.parametrize("column", [False, True], ids=["flat", "column"])
def test_cross_entropy_of_class_numbers_of_any_dtype(scores, dtype, column):
    labels = onp.array([0, 3, 1, 2, 2, 0])
    label = nd.array(labels[:, None] if column else labels, dtype=dtype)

    loss = SoftmaxCrossEntropyLoss()(nd.array(scores), label)

    assert loss.shape == (6,)
    onp.testing.assert_allclose(loss.asnumpy(), cross_entropy(scores, labels), rtol=1e-5)


def test_cross_entropy_of_dense_labels(scores):
    dense = special.softmax(scores[::-1], axis=1)

    loss = SoftmaxCrossEntropyLoss(sparse_label=False)(nd.array(scores), nd.array(dense))

    wanted = -(dense * special.log_softmax(scores, axis=1)).sum(axis=1)
    onp.testing.assert_allclose(loss.asnumpy(), wanted, rtol=1e-5)


def test_cross_entropy_of_log_probabilities(scores):
    labels = onp.array([0, 3, 1, 2, 2, 0])
    log_probabilities = nd.array(special.log_softmax(scores, axis=1))

    loss = SoftmaxCrossEntropyLoss(from_logits=True)(log_probabilities, nd.array(labels))

    onp.testing.assert_allclose(loss.asnumpy(), cross_entropy(scores, labels), rtol=1e-5)


def test_cross_entropy_along_another_axis():
    x = onp.random.default_rng(3).normal(size=(2, 5, 3))
    labels = onp.array([[0, 4, 2], [1, 1, 3]])

    loss = SoftmaxCrossEntropyLoss(axis=1)(nd.array(x), nd.array(labels))

    each = [cross_entropy(x[i].T, labels[i]).mean() for i in range(2)]
    onp.testing.assert_allclose(loss.asnumpy(), each, rtol=1e-5)


def test_cross_entropy_of_large_scores_is_exact():
    loss = SoftmaxCrossEntropyLoss()(nd.array([[1000, -1000], [0, 0]]), nd.array([1, 0]))

    onp.testing.assert_allclose(loss.asnumpy(), [2000, onp.log(2)], rtol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"weight": 2.5}, {"from_logits": True}], ids=str)
def test_cross_entropy_gradient_equals_central_differences(scores, settings):
    labels = onp.array([0, 3, 1, 2, 2, 0])
    loss = SoftmaxCrossEntropyLoss(**settings)

    found = gradient(loss, nd.array(scores, dtype="float64"), nd.array(labels))

    def function(x):
        if settings.get("from_logits"):
            return -onp.take_along_axis(x, labels[:, None], axis=1)
        return settings.get("weight", 1) * cross_entropy(x, labels)

    onp.testing.assert_allclose(
        found, central_differences(function, scores, step=1e-5), rtol=1e-6, atol=1e-9
    )


def test_cross_entropy_gradient_of_dense_labels_equals_central_differences(scores):
    dense = special.softmax(scores[::-1], axis=1)
    loss = SoftmaxCrossEntropyLoss(sparse_label=False)

    found = gradient(loss, nd.array(scores, dtype="float64"), nd.array(dense, dtype="float64"))

    wanted = central_differences(
        lambda x: -(dense * special.log_softmax(x, axis=1)).sum(axis=1), scores, step=1e-5
    )
    onp.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)


def test_cross_entropy_has_a_short_name():
    assert SoftmaxCELoss is SoftmaxCrossEntropyLoss


@pytest.mark.parametrize("label", [2, -1, 0.5, float("nan"), 1e30])
def test_label_that_is_not_a_class_number_is_refused(label):
    loss = SoftmaxCrossEntropyLoss()

    with pytest.raises(IndexError) as caught:
        loss(nd.array([[0, 1], [2, 3]]), nd.array([1, label]))

    assert str(caught.value).startswith(
        f"expected labels to be class numbers from 0 to 1, found {onp.float32(label)} at [1]; "
    )
    assert loss(nd.array([[0, 0]]), nd.array([1])).asscalar() == pytest.approx(onp.log(2), rel=1e-6)


@pytest.mark.parametrize("shape", [(1,), (3,), (1, 2), (2, 2)])
def test_cross_entropy_refuses_labels_of_another_shape(shape):
    loss = SoftmaxCrossEntropyLoss(prefix="ce_")

    with pytest.raises(MXNetError) as caught:
        loss(nd.ones((2, 2)), nd.zeros(shape))

    assert str(caught.value) == (
        f"Shape inconsistent, Provided = {list(shape)}, inferred shape=[2]: expected one label of "
        f"shape (2,) for each prediction of 'ce', found labels of shape {shape} and predictions of "
        "(2, 2); give each its class number, or pass sparse_label=False for dense labels"
    )


def test_cross_entropy_along_an_axis_refuses_labels_of_another_shape():
    with pytest.raises(
        ValueError, match=r"one label of shape \(2, 4\) for each prediction of 'ce'"
    ):
        SoftmaxCrossEntropyLoss(axis=1, prefix="ce_")(nd.ones((2, 3, 4)), nd.zeros((2, 5)))


def test_dense_labels_have_to_have_the_predictions_shape():
    with pytest.raises(
        ValueError, match=r"dense labels of the predictions' shape \(2, 3\) for 'ce', f"
    ):
        SoftmaxCrossEntropyLoss(sparse_label=False, prefix="ce_")(nd.ones((2, 3)), nd.ones(2))


# Both


LOSSES = [L2Loss, SoftmaxCrossEntropyLoss]


def labels_for(loss, pred):
    return nd.zeros(pred.shape if isinstance(loss, L2Loss) else pred.shape[:1])


@pytest.mark.parametrize("kind", LOSSES)
def test_weight_multiplies_every_value(kind, scores):
    pred = nd.array(scores)
    label = labels_for(kind(), pred)

    onp.testing.assert_allclose(
        kind(weight=3)(pred, label).asnumpy(), 3 * kind(weight=1)(pred, label).asnumpy(), rtol=1e-6
    )


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("as_list", [False, True], ids=["array", "list"])
def test_sample_weights_multiply_samples(kind, as_list, scores):
    pred, loss = nd.array(scores), kind()
    label = labels_for(loss, pred)
    weights = [1, 0, 2, 3, 0.5, 1]
    plain = loss(pred, label).asnumpy()
    given = weights if as_list else nd.array(weights)

    onp.testing.assert_allclose(loss(pred, label, given).asnumpy(), plain * weights, rtol=1e-5)
    column = nd.array(weights).reshape((6, 1))
    onp.testing.assert_allclose(loss(pred, label, column).asnumpy(), plain * weights, rtol=1e-5)


@pytest.mark.parametrize("kind", LOSSES)
def test_one_sample_weight_counts_for_all(kind, scores):
    pred, loss = nd.array(scores), kind()
    label = labels_for(loss, pred)

    onp.testing.assert_allclose(
        loss(pred, label, [2]).asnumpy(), 2 * loss(pred, label).asnumpy(), rtol=1e-6
    )


def test_sample_weights_may_weigh_every_element():
    pred, label = nd.array([[1, 2], [3, 5]]), nd.zeros((2, 2))
    weights = nd.array([[1, 0], [0, 2]])

    onp.testing.assert_array_equal(L2Loss()(pred, label, weights).asnumpy(), [0.25, 12.5])


@pytest.mark.parametrize("kind", LOSSES)
def test_sample_weights_that_would_mix_samples_are_refused(kind, scores):
    pred, loss = nd.array(scores), kind()

    for shape in [(5,), (1, 6), (6, 4, 1), (0,)]:
        with pytest.raises(ValueError, match=r"expected sample_weight of shape \(6,\)"):
            loss(pred, labels_for(loss, pred), nd.ones(shape))


@pytest.mark.parametrize("kind", LOSSES)
def test_empty_batch_has_no_losses(kind):
    pred, loss = nd.ones((2, 3))[0:0], kind()

    assert loss(pred, labels_for(loss, nd.ones((2, 3)))[0:0]).shape == (0,)


@pytest.mark.parametrize("kind", LOSSES)
def test_nan_stays_in_its_own_sample(kind):
    pred, loss = nd.array([[onp.nan, 1], [1, 1]]), kind()

    assert onp.isnan(loss(pred, labels_for(loss, pred)).asnumpy()).tolist() == [True, False]


@pytest.mark.parametrize("kind", LOSSES)
def test_predictions_have_to_be_an_ndarray(kind):
    with pytest.raises(
        ValueError, match=r"there must be one NDArray .*\n.*found numpy.ndarray; wrap it"
    ):
        kind()(onp.ones((2, 2), "float32"), nd.ones((2, 2)))


@pytest.mark.parametrize("kind", LOSSES)
def test_predictions_have_to_be_floats(kind):
    pred = nd.ones((2, 2), dtype="int32")

    with pytest.raises(
        MXNetError, match=r"expected predictions of float32 or float64 .* found int32"
    ):
        kind()(pred, labels_for(kind(), pred))


@pytest.mark.parametrize("kind", LOSSES)
def test_labels_may_be_lists_and_numpy_arrays(kind):
    pred, loss = nd.array([[1, 2], [3, 5]]), kind()
    label = labels_for(loss, pred)
    wanted = loss(pred, label).asnumpy()

    onp.testing.assert_array_equal(loss(pred, label.asnumpy()).asnumpy(), wanted)
    onp.testing.assert_array_equal(loss(pred, label.asnumpy().tolist()).asnumpy(), wanted)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("label", [["a", "b"], [[1], [1, 2]], None, object()])
def test_labels_have_to_be_numbers(kind, label):
    with pytest.raises(TypeError, match="expected numbers as labels of 'loss', found"):
        kind(prefix="loss_")(nd.ones((2, 2)), label)


@pytest.mark.parametrize("kind", LOSSES)
def test_inputs_may_be_strided_and_read_only(kind, scores):
    loss = kind()
    pred = nd.array(scores.T).T
    label = labels_for(loss, pred)
    pred, label = read_only(pred), read_only(label)

    onp.testing.assert_array_equal(
        loss(pred, label).asnumpy(), loss(nd.array(scores), label).asnumpy()
    )


@pytest.mark.parametrize("kind", LOSSES)
def test_numpy_mode_gives_numpy_mode_values(kind):
    npx.set_np()
    try:
        pred = np.array([[1, 2], [3, 5]])
        loss = kind()(pred, np.zeros((2, 2) if kind is L2Loss else (2,)))
        with pytest.raises(TypeError, match="expected a NumPy-mode array as input of"):
            kind()(nd.ones((2, 2)), np.zeros((2, 2)))
    finally:
        npx.reset_np()

    assert type(loss) is np.ndarray
    assert loss.shape == (2,)
    assert loss.dtype == onp.float32


def test_losses_show_their_settings_and_have_names():
    assert repr(L2Loss()) == "L2Loss(batch_axis=0, w=1.0)"
    assert repr(SoftmaxCrossEntropyLoss()) == "SoftmaxCrossEntropyLoss(batch_axis=0, w=None)"
    assert (L2Loss().name, L2Loss().name) == ("l2loss1", "l2loss2")


def test_loss_of_ones_own():
    class Cubic(Loss):
        def __init__(self, weight=None, batch_axis=0, **kwargs):
            super().__init__(weight, batch_axis, **kwargs)

        def hybrid_forward(self, F, pred, label):
            return F.mean(F.abs(pred - label) ** 3, axis=self._batch_axis, exclude=True)

    loss = Cubic()
    pred = nd.array([[1, 2], [3, 5]])

    onp.testing.assert_array_equal(loss(pred, nd.ones((2, 2))).asnumpy(), [0.5, 36])
    onp.testing.assert_array_equal(gradient(loss, pred, nd.ones((2, 2))), [[0, 1.5], [6, 24]])
    assert gluon.loss.Loss is Loss
