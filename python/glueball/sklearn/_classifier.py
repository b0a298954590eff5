"""The classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from glueball import gluon
from glueball.base import ArgumentError
from glueball.sklearn._network import Network

if TYPE_CHECKING:
    from glueball.gluon.loss import Loss

__all__ = ["MLPClassifier"]

Plain = np.ndarray


class MLPClassifier(ClassifierMixin, Network):  # type: ignore[misc]
    """scikit-learn's multi-layer perceptron for classes, trained and run by glueball's core.

    Parameters have scikit-learn's names, meanings and defaults, and the numbers drawn are the same: with
    ``dtype="float64"`` the loss curve is scikit-learn's but for rounding.

    Parameters
    ----------
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
    class_weight : dict, 'balanced' or None, default None
        How much samples of each class count. More than scikit-learn's.
    dtype : {'float32', 'float64'}, default 'float32'
        What the net computes in. More than scikit-learn's, which takes that of `X`.

    Attributes
    ----------
    net_ : nn.HybridSequential
        The net; its last layer has no link function.
    classes_ : ndarray, shape (n_classes,)
        Their labels.
    coefs_, intercepts_ : list of ndarray
        Copies of weights, of shape (inputs, units), and of biases.
    loss_, best_loss_ : float
        The last epoch's mean loss, and the least one (None with `early_stopping`).
    loss_curve_ : list of float
        The loss of each epoch.
    validation_scores_, best_validation_score_ : list of float, float
        The accuracy on the samples kept apart, with `early_stopping`.
    n_iter_, t_ : int
        Epochs run, and samples seen.
    n_layers_, n_outputs_, n_features_in_ : int
        Layers with the inputs, outputs, and inputs.
    out_activation_ : {'softmax', 'logistic'}
        What makes probabilities of the outputs.

    Examples
    --------
    >>> from glueball.sklearn import MLPClassifier
    >>> X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    >>> MLPClassifier((8,), solver="lbfgs", random_state=1).fit(X, [0, 1, 1, 0]).predict(X)
    array([0, 1, 1, 0])
    """

    classes_: Plain

    def __init__(
        self,
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
        class_weight: Any = None,
        dtype: str = "float32",
    ) -> None:
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
        self.class_weight = class_weight
        self.dtype = dtype

    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train for one epoch on some samples, and go on from there in the next call.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array_like, shape (n_classes,)
            All classes there are; needed in the first call.

        Returns
        -------
        MLPClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If `classes` is missing in the first call or changes later, with solver 'lbfgs', and as `fit`.
        """
        if self.solver == "lbfgs":
            message = (
                f"expected solver 'adam' or 'sgd' for partial_fit of {type(self).__name__}, found 'lbfgs'; "
                "it takes all samples at once: call fit"
            )
            raise ArgumentError(message)
        known = getattr(self, "classes_", None)
        if known is None and classes is None:
            message = (
                f"expected classes in the first call of partial_fit of {type(self).__name__}, found none; pass "
                "all there are: classes=np.unique(y_all)"
            )
            raise ArgumentError(message)
        if classes is not None:
            classes = np.unique(classes)
            if known is not None and not np.array_equal(classes, known):
                message = (
                    f"expected the classes of the first call of partial_fit, {known}, found {classes}; leave "
                    "classes out, or make a new estimator"
                )
                raise ArgumentError(message)
        self._fit(X, y, sample_weight, incremental=True, classes=classes)
        return self

    def predict_proba(self, X: Any) -> Plain:
        """Return the probability of each class for each sample.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray, shape (n_samples, n_classes)
            Each row sums to 1, but for several labels a sample.
        """
        return self._probabilities(self._outputs(X))

    def predict_log_proba(self, X: Any) -> Plain:
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            log: Plain = np.log(self.predict_proba(X))
        return log

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _encode(self, y: Plain, known: Plain | None) -> tuple[Plain, Plain | None]:
        check_classification_targets(y)
        kind = type_of_target(y)
        self._has_labels = kind == "multilabel-indicator"
        if y.ndim == 2 and not self._has_labels:
            if y.shape[1] > 1:
                message = (
                    f"expected one class a sample, or 0 and 1 for each label, as y of {type(self).__name__}, "
                    f"found {kind} of shape {y.shape}; train one estimator an output"
                )
                raise ArgumentError(message)
            y = column_or_1d(y, warn=True)
        weights = None if self.class_weight is None else compute_sample_weight(self.class_weight, y)
        found = np.arange(y.shape[1]) if self._has_labels else np.unique(y)
        self.classes_ = found if known is None else known
        if not np.isin(found, self.classes_).all():
            message = (
                f"expected as y of {type(self).__name__} the classes that it was trained on, {self.classes_}, "
                f"found {found}; make a new estimator for others"
            )
            raise ArgumentError(message)
        is_exclusive = not self._has_labels and len(self.classes_) > 2
        self.n_outputs_ = len(self.classes_) if is_exclusive or self._has_labels else 1
        self.out_activation_ = "softmax" if is_exclusive else "logistic"
        targets = y if self._has_labels else np.searchsorted(self.classes_, y)
        return targets.astype(self.dtype), weights

    def _make_loss(self) -> Loss:
        if self.out_activation_ == "softmax":
            return gluon.loss.SoftmaxCrossEntropyLoss()
        # Its mean over labels, times their number, is the sum.
        weight = float(self.n_outputs_) if self._has_labels else None
        return gluon.loss.SigmoidBinaryCrossEntropyLoss(weight=weight)

    def _probabilities(self, outputs: Plain) -> Plain:
        if self.out_activation_ == "softmax":
            return softmax(outputs, axis=1)  # type: ignore[no-any-return]
        ones: Plain = expit(outputs)
        if self._has_labels:
            return ones
        if len(self.classes_) == 1:
            return np.ones_like(ones)
        return np.concatenate([1 - ones, ones], axis=1)

    def _decide(self, outputs: Plain) -> Plain:
        if self._has_labels:
            return (outputs > 0).astype(int)
        if self.out_activation_ == "softmax":
            return self.classes_[outputs.argmax(axis=1)]  # type: ignore[no-any-return]
        last = len(self.classes_) - 1  # 0 where there is but one class
        return self.classes_[np.where(outputs[:, 0] > 0, last, 0)]

    def _validate(self, X: Plain, targets: Plain, weights: Plain | None) -> float:
        outputs = self.net_.predict(X)
        if self._has_labels or self.out_activation_ == "logistic":
            found = (outputs > 0).astype(targets.dtype).reshape(targets.shape)
        else:
            found = outputs.argmax(axis=1).astype(targets.dtype)
        return float(accuracy_score(targets, found, sample_weight=weights))
