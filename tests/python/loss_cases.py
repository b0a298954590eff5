"""Every loss with arrays, and formulas of its values."""

from __future__ import annotations

import numpy as onp
import pytest
from scipy import special

from glueball import autograd, nd
from glueball.gluon import loss as losses

RNG = onp.random.default_rng(20170728)
PRED = RNG.normal(scale=2, size=(5, 3))
REAL = RNG.normal(size=(5, 3))
SIGNED = onp.where(RNG.random((5, 3)) < 0.5, -1.0, 1.0)
BINARY = (SIGNED + 1) / 2
SHARES = RNG.dirichlet(onp.ones(3), size=5)
COUNTS = RNG.poisson(3, size=(5, 3)).astype(float)


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
    """Return the gradient of function(x).sum(), element by element."""
    result = onp.empty_like(x)
    for index in onp.ndindex(*x.shape):
        high, low = x.copy(), x.copy()
        high[index] += step
        low[index] -= step
        result[index] = (function(high).sum() - function(low).sum()) / (2 * step)
    return result


def close(found, wanted, rtol=1e-10):
    onp.testing.assert_allclose(found.asnumpy(), wanted, rtol=rtol, atol=rtol)
