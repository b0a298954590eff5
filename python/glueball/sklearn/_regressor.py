"""The regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import column_or_1d

from glueball import gluon, nd
from glueball.base import ArgumentError
from glueball.sklearn._network import Network

__all__ = ["MLPRegressor"]

Plain = np.ndarray


class MLPRegressor(MultiOutputMixin, RegressorMixin, Network):  # type: ignore[misc]
    """scikit-learn's multi-layer perceptron for values, trained and run by glueball's core.

    Parameters have scikit-learn's names, meanings and defaults, and the numbers drawn are the same: with
    ``dtype="float64"`` the loss curve is scikit-learn's but for rounding.

    Parameters
    ----------
    loss : {'squared_error', 'poisson'}, default 'squared_error'
        Half the squared error, or the Poisson deviance of counts; that one's outputs are exponentials.
    hidden_layer_sizes : sequence of int, default (100,)
        Units of each hidden layer.
    activation : {'identity', 'logistic', 'tanh', 'relu'}, default 'relu'
        Of the hidden layers.
    solver : {'adam', 'sgd', 'lbfgs'}, default 'adam'
        What trains; 'lbfgs' takes all samples at once.
    alpha : float, default 1e-4
        The L2 penalty of the weights: ``alpha / 2 * sum(w ** 2) / n`` of a batch of n samples.
    batch_size : int or 'auto', default 'auto'
        Samples a step; 200 at most if 'auto'.
    learning_rate : {'constant', 'invscaling', 'adaptive'}, default 'constant'
        How 'sgd' changes its rate: not, by ``(t + 1) ** -power_t``, or to a fifth where training stands still.
    learning_rate_init : float, default 0.001
        The rate at first.
    power_t : float, default 0.5
        The exponent of 'invscaling'.
    max_iter : int, default 200
        Epochs at most; iterations of 'lbfgs'.
    shuffle : bool, default True
        Whether each epoch takes the samples in another order.
    random_state : int, RandomState or None, default None
        Draws weights, order and the samples for validation.
    tol : float, default 1e-4
        Less gain than that in `n_iter_no_change` epochs ends training.
    verbose : bool, default False
        Shows a bar (of tqdm, where it is installed), else a line an epoch.
    warm_start : bool, default False
        Whether `fit` goes on with the weights of the last one.
    momentum : float, default 0.9
        Of 'sgd'.
    nesterovs_momentum : bool, default True
        Whether that is Nesterov's.
    early_stopping : bool, default False
        Whether a share of the samples is kept apart, their score ends training, and the weights of the best
        epoch come back.
    validation_fraction : float, default 0.1
        That share.
    beta_1, beta_2, epsilon : float, default 0.9, 0.999, 1e-8
        Of 'adam'.
    n_iter_no_change : int, default 10
        See `tol`.
    max_fun : int, default 15000
        Evaluations of 'lbfgs' at most.
    dtype : {'float32', 'float64'}, default 'float32'
        What the net computes in. More than scikit-learn's, which takes that of `X`.

    Attributes
    ----------
    net_, coefs_, intercepts_, loss_, best_loss_, loss_curve_, n_iter_, t_
        As for `MLPClassifier`.
    n_layers_, n_outputs_, n_features_in_
        As for `MLPClassifier`.
    validation_scores_, best_validation_score_ : list of float, float
        R squared on the samples kept apart, with `early_stopping`.
    out_activation_ : {'identity', 'exponential'}
        What makes values of the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball.sklearn import MLPRegressor
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor(
    ...     hidden_layer_sizes=(16,), activation="tanh", solver="lbfgs", random_state=1
    ... )
    >>> bool(model.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99)
    True
    """

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dtype: str = "float32",
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dtype = dtype

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch on some samples, and go on from there in the next call.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        MLPRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            With solver 'lbfgs', and as `fit`.
        """
        if self.solver == "lbfgs":
            message = (
                f"expected solver 'adam' or 'sgd' for partial_fit of {type(self).__name__}, found 'lbfgs'; "
                "it takes all samples at once: call fit"
            )
            raise ArgumentError(message)
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def _encode(self, y: Plain, known: Plain | None) -> tuple[Plain, Plain | None]:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and (y < 0).any():
            message = (
                f"expected counts of at least 0 as y of {type(self).__name__} with loss 'poisson', found "
                f"{y.min()}; choose loss='squared_error'"
            )
            raise ArgumentError(message)
        self.n_outputs_ = 1 if y.ndim == 1 else y.shape[1]
        is_poisson = self.loss == "poisson"
        self.out_activation_ = "exponential" if is_poisson else "identity"
        self._loss_outputs = 1 if is_poisson else self.n_outputs_
        return y.reshape(len(y), self.n_outputs_).astype(self.dtype), None

    def _make_loss(self) -> Any:
        # The mean over outputs, times their number, is the sum.
        if self.loss == "poisson":
            return _poisson_loss
        return gluon.loss.L2Loss(weight=float(self.n_outputs_))

    def _decide(self, outputs: Plain) -> Plain:
        values = np.exp(outputs) if self.out_activation_ == "exponential" else outputs
        return values[:, 0] if self.n_outputs_ == 1 else values

    def _validate(self, X: Plain, targets: Plain, weights: Plain | None) -> float:
        found = self._decide(self.net_.predict(X)).reshape(targets.shape)
        return float(r2_score(targets, found, sample_weight=weights))


def _poisson_loss(outputs: Any, counts: Any, weight: Any = None) -> Any:
    """Return half the Poisson deviance of each sample, summed over outputs, from logarithms of the means."""
    positive = nd.where(counts > 0, counts, nd.ones_like(counts))
    least = counts * nd.log(positive) - counts  # what a perfect fit loses
    losses = (nd.exp(outputs) - counts * outputs + least).sum(axis=1)
    return losses if weight is None else losses * weight
