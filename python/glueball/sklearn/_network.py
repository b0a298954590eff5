"""What the classifier and the regressor have in common: a net of glueball's that scikit-learn's words train."""

from __future__ import annotations

import abc
import itertools
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from glueball.base import ArgumentError
from glueball.gluon import nn
from glueball.sklearn._settings import ACTIVATIONS, check_settings, hidden_widths
from glueball.sklearn._training import Training, train_by_batches, train_whole

__all__ = ["Network"]

Plain = np.ndarray


class Network(BaseEstimator, abc.ABC):  # type: ignore[misc]
    """The base of `MLPClassifier` and `MLPRegressor`."""

    # Set by fitting.
    net_: nn.HybridSequential
    n_iter_: int
    loss_: float
    loss_curve_: list[float]
    n_outputs_: int
    out_activation_: str

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train on all samples.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            The samples; sparse matrices are refused.
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
            Classes, 0 and 1 of each label, or values.
        sample_weight : array_like, shape (n_samples,), optional
            How often each sample counts.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, `X`, `y` or `sample_weight` is of another kind, shape or range.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def predict(self, X: Any) -> Plain:
        """Return the class, the labels or the values of each sample.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            The samples.

        Returns
        -------
        ndarray, shape (n_samples,) or (n_samples, n_outputs)
            Of the classes' dtype, or float.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        return self._decide(self._outputs(X))

    @property
    def coefs_(self) -> list[Plain]:
        """Copies of the weights, each of shape (inputs, units), as scikit-learn has them."""
        return [layer.weight.data().asnumpy().T.copy() for layer in self.net_]

    @property
    def intercepts_(self) -> list[Plain]:
        """Copies of the biases, each of shape (units,)."""
        return [layer.bias.data().asnumpy() for layer in self.net_]

    @property
    def n_layers_(self) -> int:
        """The number of layers, the inputs counted as one."""
        return len(self.net_) + 1

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, classes: Any = None
    ) -> Any:
        check_settings(self)
        goes_on = hasattr(self, "net_") and (incremental or bool(self.warm_start))
        X, y = validate_data(
            self,
            X,
            y,
            multi_output=True,
            dtype=(np.float64, np.float32),
            y_numeric=not hasattr(self, "predict_proba"),
            reset=not goes_on,
        )
        if goes_on:
            classes = getattr(self, "classes_", None)
        targets, class_weights = self._encode(y, classes)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        if class_weights is not None:
            weights = class_weights if weights is None else weights * class_weights
        if weights is not None and not weights.sum() > 0:
            message = (
                f"expected sample weights with a positive sum for {type(self).__name__}, found "
                f"{weights.sum()}; leave out no sample, or leave sample_weight out"
            )
            raise ArgumentError(message)
        if goes_on and self.net_[-1].weight.shape[0] != self.n_outputs_:
            message = (
                f"expected as y of {type(self).__name__} what fits its {self.net_[-1].weight.shape[0]} outputs, "
                f"found {self.n_outputs_}; make a new estimator for another number"
            )
            raise ArgumentError(message)
        if not goes_on:
            self._random = check_random_state(self.random_state)
            self._build(X.shape[1])
        X = np.ascontiguousarray(X, self.dtype)
        weights = None if weights is None else weights.astype(self.dtype)
        if self.solver == "lbfgs":
            train_whole(self, X, targets, weights)
        else:
            train_by_batches(self, X, targets, weights, incremental)
        return self

    def _build(self, n_features: int) -> None:
        """Make the net, with Glorot's bounds for weights and biases, drawn as scikit-learn draws them."""
        self.net_ = net = nn.HybridSequential()
        widths = [n_features, *hidden_widths(self), self.n_outputs_]
        for index, (fan_in, units) in enumerate(itertools.pairwise(widths)):
            last = index == len(widths) - 2
            activation = None if last else ACTIVATIONS[self.activation]
            net.add(nn.Dense(units, activation=activation, in_units=fan_in, dtype=self.dtype))
        net.initialize()
        factor = 2.0 if self.activation == "logistic" else 6.0
        for layer, fan_in in zip(net, widths, strict=False):
            units = layer.weight.shape[0]
            bound = np.sqrt(factor / (fan_in + units))
            weight = self._random.uniform(-bound, bound, (fan_in, units))
            layer.weight.set_data(np.ascontiguousarray(weight.T, self.dtype))
            layer.bias.set_data(self._random.uniform(-bound, bound, units).astype(self.dtype))
        self._training = Training(self)
        self.t_ = 0
        self.loss_curve_ = []

    def _outputs(self, X: Any) -> Plain:
        """Return what the last layer gives for samples, in their dtype, without its link function."""
        check_is_fitted(self, "net_")
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        outputs: Plain = self.net_.predict(np.ascontiguousarray(X, self.dtype))
        return outputs.astype(X.dtype, copy=False)

    # What the two differ in.

    @abc.abstractmethod
    def _encode(self, y: Plain, known: Plain | None) -> tuple[Plain, Plain | None]:
        """Return what the loss compares outputs with, and the samples' weights by class.

        `known` are the classes that `y` is of; None if it shows them.
        """

    @abc.abstractmethod
    def _make_loss(self) -> Any:
        """Return the loss of each sample, whose gradient is that of the sum over outputs."""

    @abc.abstractmethod
    def _decide(self, outputs: Plain) -> Plain:
        """Return predictions of the last layer's outputs."""

    @abc.abstractmethod
    def _validate(self, X: Plain, targets: Plain, weights: Plain | None) -> float:
        """Return the score on encoded targets that early stopping watches."""

    # How many outputs the reported loss is a mean of.
    _loss_outputs = 1
