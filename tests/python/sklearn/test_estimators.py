"""The estimators keep scikit-learn's rules, and do what scikit-learn's do not."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import glueball
from glueball import sklearn
from glueball.base import MXNetError
from glueball.sklearn import MLPClassifier, MLPRegressor

X, Y = load_iris(return_X_y=True)
BOTH = pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
quick = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@quick
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sklearn.exceptions.SkipTestWarning")
@BOTH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scikit_learns_own_checks_pass(make, dtype):
    # Rounding grows over 100 epochs beyond the check's 1e-7; in float64 the check passes.
    rounded = {"check_sample_weight_equivalence_on_dense_data": "float32"}

    check_estimator(
        make(max_iter=100, dtype=dtype),
        expected_failed_checks=rounded if dtype == "float32" else None,
    )


def test_names_are_those_that_are_documented():
    assert dir(sklearn) == ["MLPClassifier", "MLPRegressor"]


@quick
def test_grid_search_runs_over_a_pipeline_in_several_processes():
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier(max_iter=40, learning_rate_init=0.05, random_state=0)
    )
    grid = {
        "mlpclassifier__hidden_layer_sizes": [(4,), (16, 8)],
        "mlpclassifier__alpha": [1e-4, 1e-2],
    }

    search = GridSearchCV(pipeline, grid, n_jobs=2, cv=3).fit(X, Y)

    assert search.best_score_ > 0.85
    assert set(search.best_params_) == set(grid)


@pytest.mark.skipif(os.cpu_count() < 2, reason="one processor has one thread anyway")
def test_a_worker_of_joblib_runs_on_its_share_of_the_threads():
    counts = Parallel(n_jobs=os.cpu_count())(delayed(glueball.num_threads)() for _ in range(4))

    assert set(counts) == {1}


@quick
@BOTH
def test_a_fitted_estimator_is_pickled_and_goes_on(make):
    model = make(hidden_layer_sizes=(8,), random_state=1, max_iter=5).fit(X, Y)

    copy = pickle.loads(pickle.dumps(model))

    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    for each in (model, copy):
        each.partial_fit(X, Y)
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert not hasattr(clone(model), "net_")


@quick
def test_early_stopping_brings_the_best_epochs_weights_back():
    digits, labels = load_digits(return_X_y=True)
    model = MLPClassifier(
        (20,),
        early_stopping=True,
        max_iter=30,
        random_state=0,
        learning_rate_init=0.3,
        n_iter_no_change=5,
    ).fit(digits, labels)
    scores = model.validation_scores_

    assert scores[-1] < max(scores) == model.best_validation_score_
    bare = clone(model).set_params(max_iter=1 + scores.index(max(scores))).fit(digits, labels)
    np.testing.assert_array_equal(model.predict(digits), bare.predict(digits))


@quick
def test_class_weights_are_sample_weights():
    settings = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 2, "dtype": "float64"}
    weights = np.array([1.0, 5.0, 2.0])[Y]

    by_class = MLPClassifier(**settings, class_weight={0: 1, 1: 5, 2: 2}).fit(X, Y)
    by_sample = MLPClassifier(**settings).fit(X, Y, sample_weight=weights)

    np.testing.assert_allclose(by_class.loss_curve_, by_sample.loss_curve_, rtol=1e-12)
    some = np.concatenate([np.arange(20), np.arange(50, 150)])
    balanced = MLPClassifier(**settings, class_weight="balanced").fit(X[some], Y[some])
    assert balanced.loss_curve_ != MLPClassifier(**settings).fit(X[some], Y[some]).loss_curve_


@quick
def test_warm_start_goes_on_where_fit_ended():
    whole = MLPClassifier(
        (8,), max_iter=6, random_state=3, shuffle=False, solver="sgd", momentum=0.0
    )
    parts = clone(whole).set_params(max_iter=3, warm_start=True)

    whole.fit(X, Y)
    parts.fit(X, Y).fit(X, Y)

    np.testing.assert_array_equal(parts.predict_proba(X), whole.predict_proba(X))


@quick
def test_verbose_shows_each_epoch(capfd, monkeypatch):
    MLPClassifier(max_iter=2, verbose=True).fit(X, Y)
    assert "2/2" in capfd.readouterr().err

    monkeypatch.setitem(sys.modules, "tqdm", None)
    MLPClassifier(max_iter=2, verbose=True).fit(X, Y)
    assert capfd.readouterr().out.startswith("epoch 1: loss ")


def test_too_few_epochs_are_told_at_the_line_that_fits():
    with pytest.warns(ConvergenceWarning, match="max_iter=1 ") as told:
        MLPClassifier(max_iter=1).fit(X, Y)

    assert told[0].filename == __file__


@quick
def test_state_of_the_process_stays():
    glueball.random.seed(3)
    first = glueball.nd.random.uniform(shape=(3,)).asnumpy()
    glueball.random.seed(3)

    MLPClassifier(max_iter=1, random_state=1).fit(X, Y)

    np.testing.assert_array_equal(glueball.nd.random.uniform(shape=(3,)).asnumpy(), first)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"hidden_layer_sizes": (3, 0)}, "positive integers as hidden_layer_sizes"),
        ({"hidden_layer_sizes": 2.5}, "positive integers as hidden_layer_sizes"),
        ({"activation": "gelu"}, "'relu' as activation .*found 'gelu'"),
        ({"solver": "newton"}, "'adam' or 'sgd' or 'lbfgs'"),
        ({"alpha": -1}, "at least 0 as alpha"),
        ({"batch_size": 0}, "'auto' or a positive integer as batch_size"),
        ({"learning_rate_init": 0}, "positive number as learning_rate_init"),
        ({"max_iter": 1.5}, "positive integer as max_iter"),
        ({"momentum": 1.1}, "from 0 to 1 as momentum"),
        ({"beta_1": 1}, "less than 1 as beta_1"),
        ({"validation_fraction": 1}, "between 0 and 1 as validation_fraction"),
        ({"dtype": "float16"}, "'float32' or 'float64' as dtype"),
        ({"solver": "lbfgs", "early_stopping": True}, "'adam' or 'sgd' for early_stopping"),
        ({"early_stopping": True, "validation_fraction": 0.001}, "at least 2 samples to validate"),
    ],
)
@BOTH
def test_bad_settings_are_refused_when_fitting(make, settings, text):
    with pytest.raises(MXNetError, match=text) as caught:
        make(**settings).fit(X, Y)

    assert isinstance(caught.value, ValueError)


def test_bad_data_are_refused():
    with pytest.raises(TypeError, match=r"toarray\(\)"):
        MLPClassifier().fit(sparse.csr_array(X), Y)
    with pytest.raises(NotFittedError):
        MLPClassifier().predict(X)
    with pytest.raises(MXNetError, match="positive sum"):
        MLPClassifier(class_weight={0: 0, 1: 0, 2: 0}).fit(X, Y)
    with pytest.raises(MXNetError, match="counts of at least 0"):
        MLPRegressor("poisson").fit(X, Y - 5)
    with pytest.raises(MXNetError, match="one estimator an output"):
        MLPClassifier().fit(X, np.stack([Y, Y], axis=1))
    with pytest.raises(MXNetError, match="what fits its 1 outputs"):
        MLPRegressor().partial_fit(X, Y).partial_fit(X, np.stack([Y, Y], axis=1))


def test_classes_of_partial_fit_are_checked():
    with pytest.raises(MXNetError, match="expected classes in the first call"):
        MLPClassifier().partial_fit(X, Y)
    model = MLPClassifier().partial_fit(X, Y, classes=[0, 1, 2])
    model.partial_fit(X, Y)
    with pytest.raises(MXNetError, match="classes of the first call"):
        model.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(MXNetError, match="classes that it was trained on"):
        model.partial_fit(X, Y + 1)
    with pytest.raises(MXNetError, match="early_stopping"):
        MLPClassifier(early_stopping=True).partial_fit(X, Y, classes=[0, 1, 2])
    for make in (MLPClassifier, MLPRegressor):
        with pytest.raises(MXNetError, match="call fit"):
            make(solver="lbfgs").partial_fit(X, Y)


def test_without_scikit_learn_the_way_to_install_it_is_told():
    code = (
        "import sys; sys.modules['sklearn'] = None; import glueball\n"
        "try: glueball.sklearn.MLPClassifier\n"
        "except ImportError as error: print(error)"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "pip install 'glueball[sklearn]'" in run.stdout


def test_the_package_does_not_import_scikit_learn():
    code = "import sys, glueball; print('sklearn' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "False"
