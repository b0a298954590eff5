"""Training: by batches with Adam or SGD, or on all samples at once with L-BFGS."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from glueball import autograd, gluon, nd
from glueball.base import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueball.sklearn._network import Network

__all__ = ["Training", "train_by_batches", "train_whole"]

Plain = np.ndarray


class Training:
    """What goes on from one call of `partial_fit` to the next: the loss and the Trainer's state."""

    def __init__(self, network: Network) -> None:
        self.loss = network._make_loss()
        params = network.net_.collect_params()
        for layer in network.net_:
            layer.bias.wd_mult = 0.0  # alpha is for weights
        if network.solver == "adam":
            settings = {
                "beta1": network.beta_1, "beta2": network.beta_2, "epsilon": network.epsilon,
            }  # fmt: skip
            name = "adam"
        else:
            settings = {"momentum": network.momentum}
            name = "nag" if network.nesterovs_momentum and network.momentum > 0 else "sgd"
        self.trainer = gluon.Trainer(
            params, name, {"learning_rate": network.learning_rate_init, **settings}
        )

    def step(self, network: Network, x: Plain, target: Plain, weight: Plain | None) -> float:
        """Update once; return the batch's mean loss before, its penalty included."""
        total = float(len(x) if weight is None else weight.sum())
        if total == 0:
            return 0.0
        self.trainer.optimizer.wd = network.alpha / total
        value = _mean_loss(network, self.loss, x, target, weight, total)
        self.trainer.step(total)
        return value


def _mean_loss(
    network: Network, loss: Any, x: Plain, target: Plain, weight: Plain | None, total: float
) -> float:
    """Return the mean loss with its penalty, and leave the gradients of the samples' sum in the net."""
    penalty = 0.0
    for layer in network.net_:
        values = layer.weight.data().asnumpy().ravel()
        penalty += float(values @ values)
    with autograd.record():
        outputs = network.net_(nd.from_numpy(x))
        extra = () if weight is None else (nd.from_numpy(weight),)
        losses = loss(outputs, nd.from_numpy(target), *extra)
    losses.backward()
    mean = float(losses.asnumpy().sum(dtype=np.float64)) / network._loss_outputs / total
    return float(mean + 0.5 * network.alpha * penalty / total)


def _batches(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _batch_size(network: Network, count: int) -> int:
    if network.batch_size == "auto":
        return min(200, count)
    if network.batch_size > count:
        warnings.warn(
            f"batch_size {network.batch_size} is larger than the number of samples, {count}: all samples are "
            "one batch",
            stacklevel=5,
        )
    return min(int(network.batch_size), count)


class _Watch:
    """Whether training gets on: by its loss, or by the score of samples that are kept apart."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.best = -np.inf
        self.idle = 0
        self.weights: list[Plain] | None = None

    def tell(self, value: float, keep: bool) -> bool:
        """Note an epoch's value, the greater the better; return whether too many brought nothing."""
        self.idle = 0 if value >= self.best + self.network.tol else self.idle + 1
        if value > self.best:
            self.best = value
            if keep:
                self.weights = [
                    each.data().asnumpy() for each in self.network.net_.collect_params().values()
                ]
        return bool(self.idle > self.network.n_iter_no_change)

    def restore(self) -> None:
        """Give the net the values of its best epoch."""
        if self.weights is None:
            return
        params = self.network.net_.collect_params().values()
        for parameter, values in zip(params, self.weights, strict=True):
            parameter.set_data(values)


class _Bar:
    """What `verbose` shows: a bar where tqdm is installed, else a line an epoch."""

    def __init__(self, network: Network, epochs: int) -> None:
        self.bar: Any = None
        self.is_shown = bool(network.verbose)
        if self.is_shown:
            try:
                from tqdm import tqdm
            except ImportError:
                return
            self.bar = tqdm(total=epochs, unit="epoch")

    def tell(self, epoch: int, **values: float) -> None:
        """Show an epoch's values."""
        if self.bar is not None:
            self.bar.set_postfix({name: f"{value:.4g}" for name, value in values.items()})
            self.bar.update()
        elif self.is_shown:
            shown = ", ".join(f"{name} {value:.6g}" for name, value in values.items())
            print(f"epoch {epoch}: {shown}")  # noqa: T201 - what was asked for

    def close(self) -> None:
        """End the bar."""
        if self.bar is not None:
            self.bar.close()


def _parts(network: Network, x: Plain, target: Plain, weight: Plain | None) -> list[Any]:
    """Return samples to train on, and samples to score: of each samples, targets and weights."""
    if not network.early_stopping:
        return [(x, target, weight), None]
    # As scikit-learn does it, which keeps the shares of two classes only.
    is_of_two = hasattr(network, "predict_proba") and network.n_outputs_ == 1
    arrays = [x, target] if weight is None else [x, target, weight]
    parts = train_test_split(
        *arrays,
        random_state=network._random,
        test_size=network.validation_fraction,
        stratify=target if is_of_two else None,
    )
    train, validation = parts[::2], parts[1::2]
    if len(validation[0]) < 2:
        message = (
            f"expected at least 2 samples to validate {type(network).__name__} on, found {len(validation[0])}; "
            "increase validation_fraction, or give more samples"
        )
        raise ArgumentError(message)
    return [tuple([*part, None][:3]) for part in (train, validation)]


def train_by_batches(
    network: Network, x: Plain, target: Plain, weight: Plain | None, incremental: bool
) -> None:
    """Train for `max_iter` epochs at most, for one if `incremental`."""
    if incremental and network.early_stopping:
        message = (
            f"expected partial_fit of {type(network).__name__} without early_stopping, found it on; one epoch "
            "has nothing to stop: call fit, or set early_stopping=False"
        )
        raise ArgumentError(message)
    (x, target, weight), validation = _parts(network, x, target, weight)
    if not incremental:
        network._training = Training(network)
        network.loss_curve_ = []
    training, watch = network._training, _Watch(network)
    count = len(x)
    size = _batch_size(network, count)
    order = np.arange(count)
    epochs = 1 if incremental else network.max_iter
    bar = _Bar(network, epochs)
    if validation is not None:
        network.validation_scores_ = []
    network.best_loss_ = None if validation is not None else np.inf
    network.n_iter_ = 0
    stopped = False
    try:
        while network.n_iter_ < epochs and not stopped:
            if network.shuffle:
                network._random.shuffle(order)
            summed = 0.0
            for part in _batches(count, size):
                rows = order[part] if network.shuffle else part
                weights = None if weight is None else weight[rows]
                summed += training.step(network, x[rows], target[rows], weights) * (
                    part.stop - part.start
                )
            network.n_iter_ += 1
            network.t_ += count
            network.loss_ = summed / count
            network.loss_curve_.append(network.loss_)
            told = {"loss": network.loss_}
            if validation is None:
                network.best_loss_ = min(network.best_loss_, network.loss_)
                is_idle = watch.tell(-network.loss_, keep=False)
            else:
                told["score"] = score = network._validate(*validation)
                network.validation_scores_.append(score)
                is_idle = watch.tell(score, keep=True)
                network.best_validation_score_ = watch.best
            bar.tell(network.n_iter_, **told)
            stopped = _next_rate(network, training, is_idle, watch)
    except KeyboardInterrupt:
        warnings.warn("training was interrupted; the net is as it was then", stacklevel=4)
        stopped = True
    finally:
        bar.close()
    watch.restore()
    if not stopped and not incremental:
        _warn_of_limit(network)


def _next_rate(network: Network, training: Training, is_idle: bool, watch: _Watch) -> bool:
    """Set the learning rate of the next epoch; return whether there is none."""
    trainer = training.trainer
    if network.solver == "sgd" and network.learning_rate == "invscaling":
        trainer.set_learning_rate(network.learning_rate_init / (network.t_ + 1) ** network.power_t)
    if not is_idle:
        return False
    if (
        network.solver != "sgd"
        or network.learning_rate != "adaptive"
        or trainer.learning_rate <= 1e-6
    ):
        return True
    trainer.set_learning_rate(trainer.learning_rate / 5)
    watch.idle = 0
    return False


def _warn_of_limit(network: Network) -> None:
    warnings.warn(
        f"training of {type(network).__name__} has not converged after max_iter={network.max_iter} iterations; "
        "raise max_iter, or scale the features to mean 0 and standard deviation 1",
        ConvergenceWarning,
        stacklevel=5,
    )


def train_whole(network: Network, x: Plain, target: Plain, weight: Plain | None) -> None:
    """Train by SciPy's L-BFGS on the mean loss of all samples and its gradient."""
    loss = network._make_loss()
    params = list(network.net_.collect_params().values())
    ends = np.cumsum([each.data().size for each in params])[:-1]
    total = float(len(x) if weight is None else weight.sum())
    curve: list[float] = []

    def put(flat: Plain) -> None:
        for parameter, values in zip(params, np.split(flat, ends), strict=True):
            parameter.set_data(values.reshape(parameter.shape).astype(network.dtype))

    def value_and_gradient(flat: Plain) -> tuple[float, Plain]:
        put(flat)
        value = _mean_loss(network, loss, x, target, weight, total)
        curve.append(value)
        slopes = []
        for parameter in params:
            slope = parameter.grad().asnumpy().astype(np.float64)
            if parameter.data().ndim == 2:  # a weight
                slope += network.alpha * parameter.data().asnumpy()
            slopes.append(slope.ravel() / total)
        return value, np.concatenate(slopes)

    found = minimize(
        value_and_gradient,
        np.concatenate([each.data().asnumpy().ravel().astype(np.float64) for each in params]),
        method="L-BFGS-B",
        jac=True,
        options={"maxfun": network.max_fun, "maxiter": network.max_iter, "gtol": network.tol},
    )
    put(found.x)
    network.n_iter_ = int(found.nit)
    network.loss_ = float(found.fun)
    network.loss_curve_ = curve
    network.best_loss_ = min(curve)
    if found.status == 1:
        _warn_of_limit(network)
