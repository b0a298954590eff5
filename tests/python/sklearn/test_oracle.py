"""In float64 the estimators draw, train and predict what scikit-learn's do, to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import datasets, neural_network

from glueball import sklearn as ours

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:Got `batch_size`"
)

SETTINGS = {
    "adam": {},
    "adam of other settings": {
        "beta_1": 0.5,
        "beta_2": 0.9,
        "epsilon": 1e-3,
        "learning_rate_init": 0.01,
    },
    "sgd": {"solver": "sgd"},
    "plain sgd": {"solver": "sgd", "momentum": 0.0},
    "heavy ball": {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 2},
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True},
    "stopped": {"tol": 10.0, "n_iter_no_change": 3},
    "logistic": {"activation": "logistic"},
    "tanh": {"activation": "tanh"},
    "identity": {"activation": "identity"},
    "two hidden layers": {"hidden_layer_sizes": (9, 7)},
    "none": {"hidden_layer_sizes": ()},
    "one number": {"hidden_layer_sizes": 6},
    "penalty": {"alpha": 5.0},
    "batches": {"batch_size": 33},
    "in order": {"shuffle": False},
}
X, DIGITS = (each[:300] for each in datasets.load_digits(return_X_y=True))
X = X / 16
CLASSES = {
    "many": DIGITS,
    "two": np.where(DIGITS > 4, "high", "low"),
    "labels": (DIGITS[:, None] > np.array([2, 5, 8])).astype(int),
}
VALUES = {"one": np.sin(X.sum(axis=1)), "two": np.stack([X[:, 20], X.sum(axis=1) / 10], axis=1)}
WEIGHTS = np.random.default_rng(0).integers(0, 3, len(X)).astype(float)


def both(name, target, settings, weights=None):
    settings = {"hidden_layer_sizes": (11,), "max_iter": 8, "random_state": 5} | settings
    theirs = getattr(neural_network, name)(**settings).fit(X, target, sample_weight=weights)
    return theirs, getattr(ours, name)(**settings, dtype="float64").fit(
        X, target, sample_weight=weights
    )


def check_alike(theirs, net):
    assert net.n_iter_ == theirs.n_iter_
    assert net.t_ == theirs.t_
    assert net.n_layers_ == theirs.n_layers_
    assert net.n_outputs_ == theirs.n_outputs_
    tolerance = {"rtol": 1e-6, "atol": 1e-9}
    np.testing.assert_allclose(net.loss_, theirs.loss_, **tolerance)
    if hasattr(theirs, "loss_curve_"):  # not of lbfgs
        np.testing.assert_allclose(net.loss_curve_, theirs.loss_curve_, **tolerance)
    for attribute in ("coefs_", "intercepts_"):
        for found, expected in zip(
            getattr(net, attribute), getattr(theirs, attribute), strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    if net.early_stopping:
        np.testing.assert_allclose(net.validation_scores_, theirs.validation_scores_, rtol=1e-9)
        assert net.best_validation_score_ == pytest.approx(theirs.best_validation_score_)


@pytest.mark.parametrize("target", CLASSES)
@pytest.mark.parametrize("settings", SETTINGS)
def test_a_classifier_trains_as_scikit_learns(settings, target):
    theirs, net = both("MLPClassifier", CLASSES[target], SETTINGS[settings])

    check_alike(theirs, net)
    np.testing.assert_array_equal(net.predict(X), theirs.predict(X))
    np.testing.assert_allclose(net.predict_proba(X), theirs.predict_proba(X), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(net.classes_, theirs.classes_)
    assert net.out_activation_ == theirs.out_activation_
    assert net.score(X, CLASSES[target]) == theirs.score(X, CLASSES[target])


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("target", VALUES)
@pytest.mark.parametrize("settings", SETTINGS)
def test_a_regressor_trains_as_scikit_learns(settings, target, loss):
    values = VALUES[target] + 1 if loss == "poisson" else VALUES[target]
    theirs, net = both("MLPRegressor", values, SETTINGS[settings] | {"loss": loss})

    check_alike(theirs, net)
    np.testing.assert_allclose(net.predict(X), theirs.predict(X), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_sample_weights_count_as_scikit_learns(solver):
    for name, target in (("MLPClassifier", DIGITS), ("MLPRegressor", VALUES["two"])):
        check_alike(*both(name, target, {"solver": solver}, WEIGHTS))


def test_partial_fit_goes_on_as_scikit_learns():
    theirs = neural_network.MLPClassifier((11,), random_state=5)
    net = ours.MLPClassifier((11,), random_state=5, dtype="float64")
    for start in (0, 100, 200):
        rows = slice(start, start + 100)
        for each in (theirs, net):
            each.partial_fit(X[rows], DIGITS[rows], classes=np.arange(10))

    check_alike(theirs, net)
