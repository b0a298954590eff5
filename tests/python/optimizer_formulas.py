"""The rules of the optimizers in NumPy, float64, written from docs/optimizers.md and its sources.

Each function is a generator: it is sent gradients, and yields the weight after each. `r`, `c` are
rescale_grad and clip_gradient (0: none), `lr` and `wd` come multiplied out.
"""

from __future__ import annotations

import numpy as onp

__all__ = ["FORMULAS"]


def clipped(g, c):
    return onp.clip(g, -c, c) if c else g


def sgd(w, lr, wd, r, c, momentum=0.0):
    m = 0
    while True:
        g = clipped(r * (yield w), c) + wd * w
        m = momentum * m - lr * g
        w = w + m


def nag(w, lr, wd, r, c, momentum=0.0):
    m = 0
    while True:
        g = clipped(r * (yield w), c) + wd * w
        m = momentum * m - lr * g
        w = w + (momentum * m - lr * g if momentum else m)


def signum(w, lr, wd, r, c, momentum=0.9, wd_lh=0.0):
    m = 0
    while True:
        g = clipped(r * (yield w), c)
        if momentum:
            m = momentum * m - (1 - momentum) * (g + wd * w)
            w = (1 - lr * wd_lh) * w + lr * onp.sign(m)
        else:
            w = (1 - lr * wd) * w - lr * onp.sign(g)


def dcasgd(w, lr, wd, r, c, momentum=0.0, lamda=0.04):
    m, previous = 0, w
    while True:
        g = clipped(r * (yield w), c)
        m = momentum * m - lr * (g + wd * w + lamda * g**2 * (w - previous))
        previous, w = w, w + m


def adagrad(w, lr, wd, r, c, eps=1e-7):
    h = 0
    while True:
        g = clipped(r * (yield w), c)
        h = h + g**2
        w = w - lr * (g / onp.sqrt(h + eps) + wd * w)


def groupadagrad(w, lr, wd, r, c, eps=1e-5):
    h = 0
    while True:
        g = clipped(r * (yield w), c)
        h = h + (g**2).mean(axis=1, keepdims=True)
        w = w - lr * g / onp.sqrt(h + eps)


def adadelta(w, lr, wd, r, c, rho=0.9, epsilon=1e-5):
    a = d2 = 0
    while True:
        g = clipped(r * (yield w), c)
        a = rho * a + (1 - rho) * g**2
        d = onp.sqrt(d2 + epsilon) / onp.sqrt(a + epsilon) * g
        d2 = rho * d2 + (1 - rho) * d**2
        w = w - d - wd * w


def rmsprop(
    w, lr, wd, r, c, gamma1=0.9, gamma2=0.9, epsilon=1e-8, centered=False, clip_weights=None
):
    n = mean = d = 0
    while True:
        g = clipped(r * (yield w) + wd * w, c)
        n = gamma1 * n + (1 - gamma1) * g**2
        if centered:
            mean = gamma1 * mean + (1 - gamma1) * g
            d = gamma2 * d - lr * g / onp.sqrt(n - mean**2 + epsilon)
            w = w + d
        else:
            w = w - lr * g / onp.sqrt(n + epsilon)
        w = clipped(w, clip_weights)


def ftrl(w, lr, wd, r, c, lamda1=0.01, beta=1.0):
    z = n = 0
    while True:
        g = clipped(r * (yield w), c)
        sigma = (onp.sqrt(n + g**2) - onp.sqrt(n)) / lr
        z = z + g - sigma * w
        n = n + g**2
        solved = -(z - onp.sign(z) * lamda1) / ((beta + onp.sqrt(n)) / lr + wd)
        w = onp.where(onp.abs(z) <= lamda1, 0, solved)


def adam(w, lr, wd, r, c, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = v = t = 0
    while True:
        g = clipped(r * (yield w) + wd * w, c)
        t += 1
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        w = w - lr * onp.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (onp.sqrt(v) + epsilon)


def direction(g, state, t, beta1, beta2, epsilon, correct):
    m = state["m"] = beta1 * state.get("m", 0) + (1 - beta1) * g
    v = state["v"] = beta2 * state.get("v", 0) + (1 - beta2) * g**2
    if correct:
        m, v = m / (1 - beta1**t), v / (1 - beta2**t)
    return m / (onp.sqrt(v) + epsilon)


def adamw(w, lr, wd, r, c, beta1=0.9, beta2=0.999, epsilon=1e-8, correct_bias=True):
    state, t = {}, 0
    while True:
        g = clipped(r * (yield w), c)
        t += 1
        w = w - lr * direction(g, state, t, beta1, beta2, epsilon, correct_bias) - lr * wd * w


def lamb(
    w,
    lr,
    wd,
    r,
    c,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-6,
    lower_bound=None,
    upper_bound=None,
    bias_correction=True,
):
    state, t = {}, 0
    while True:
        g = clipped(r * (yield w), c)
        t += 1
        u = direction(g, state, t, beta1, beta2, epsilon, bias_correction) + wd * w
        size = onp.linalg.norm(w)
        size = size if lower_bound is None else max(size, lower_bound)
        size = size if upper_bound is None else min(size, upper_bound)
        ratio = size / onp.linalg.norm(u) if size and onp.linalg.norm(u) else 1
        w = w - lr * ratio * u


def lars(w, lr, wd, r, c, momentum=0.0, eta=0.001, eps=0.0, momentum_correction=True):
    m = 0
    while True:
        g = clipped(r * (yield w), c)
        size, slope = onp.linalg.norm(w), onp.linalg.norm(g)
        scaled = lr * eta * size / (slope + wd * size + eps) if size and slope else lr
        m = momentum * m - scaled * (g + wd * w)
        w = w + m


def adamax(w, lr, wd, r, c, beta1=0.9, beta2=0.999):
    m = u = t = 0
    while True:
        g = clipped(r * (yield w) + wd * w, c)
        t += 1
        m = beta1 * m + (1 - beta1) * g
        u = onp.maximum(beta2 * u, onp.abs(g))
        w = w - lr / (1 - beta1**t) * m / u


def nadam(w, lr, wd, r, c, beta1=0.9, beta2=0.999, epsilon=1e-8, schedule_decay=0.004):
    m = v = t = 0
    product = 1.0
    while True:
        g = clipped(r * (yield w) + wd * w, c)
        t += 1
        now = beta1 * (1 - 0.5 * 0.96 ** (t * schedule_decay))
        later = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * schedule_decay))
        product *= now
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        both = (1 - now) * g / (1 - product) + later * m / (1 - product * later)
        w = w - lr * both / (onp.sqrt(v / (1 - beta2**t)) + epsilon)


def ftml(w, lr, wd, r, c, beta1=0.6, beta2=0.999, epsilon=1e-8):
    d = v = z = t = 0
    while True:
        g = clipped(r * (yield w) + wd * w, c)
        t += 1
        v = beta2 * v + (1 - beta2) * g**2
        grown = (1 - beta1**t) / lr * (onp.sqrt(v / (1 - beta2**t)) + epsilon)
        sigma = grown - beta1 * d
        z = beta1 * z + (1 - beta1) * g - sigma * w
        d = grown
        w = -z / d


def lbsgd(
    w,
    lr,
    wd,
    r,
    c,
    momentum=0.0,
    warmup_strategy="linear",
    warmup_epochs=5,
    batch_scale=1,
    updates_per_epoch=32,
    begin_epoch=0,
):
    m, gradients = 0, []
    updates = begin_epoch * updates_per_epoch
    while True:
        gradients.append((yield w))
        updates += 1
        if updates % batch_scale:
            continue
        g, gradients = onp.sum(gradients, axis=0) / batch_scale, []
        grown = min(1.0, updates / (warmup_epochs * updates_per_epoch))
        if warmup_strategy == "lars":
            square = (w**2).sum()
            factor = onp.clip(onp.sqrt(square / ((g**2).sum() + wd * square)), 0.01, 100)
        else:
            shape = {"linear": grown, "power2": grown**2, "sqrt": onp.sqrt(grown)}[warmup_strategy]
            factor = 1 + (batch_scale - 1) * shape
        m = momentum * m - lr * factor * (clipped(r * g, c) + wd * w)
        w = w + m


FORMULAS = {
    each.__name__: each
    for each in (
        sgd,
        nag,
        signum,
        dcasgd,
        adagrad,
        groupadagrad,
        adadelta,
        rmsprop,
        ftrl,
        adam,
        adamw,
        lamb,
        lars,
        adamax,
        nadam,
        ftml,
        lbsgd,
    )
} | {"ccsgd": sgd}
