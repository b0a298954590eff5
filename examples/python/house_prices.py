"""Regression as for house prices: logarithmic error, standardised features, k-fold validation.

No house prices ship with scikit-learn; the diabetes data (442 patients) have the same form: a mix of
measurements, and a positive target whose relative error matters.
"""

import glueball

glueball.install_as_mxnet()

import numpy as onp
from mxnet import autograd, gluon, init, nd, random
from mxnet.gluon import data as gdata
from mxnet.gluon import nn
from sklearn.datasets import load_diabetes

features, targets = load_diabetes(return_X_y=True, scaled=False)
features = (features - features.mean(axis=0)) / features.std(axis=0)
order = onp.random.default_rng(0).permutation(len(targets))
n_train = 350
train_features, test_features = (
    nd.array(features[order[:n_train]]),
    nd.array(features[order[n_train:]]),
)
# The net predicts logarithms, around their mean.
logs = onp.log(targets)
mean = float(logs[order[:n_train]].mean())
train_labels = nd.array(logs[order[:n_train]] - mean).reshape((-1, 1))
test_labels = nd.array(logs[order[n_train:]] - mean).reshape((-1, 1))

loss = gluon.loss.L2Loss()


def get_net():
    """Return a new net, with the same first values each time."""
    random.seed(1)
    net = nn.Sequential()
    net.add(nn.Dense(16, activation="relu"), nn.Dense(1))
    net.initialize(init.Xavier())
    return net


def log_rmse(net, features, labels):
    """Return the root of the mean squared difference of logarithms."""
    return (2 * loss(net(features), labels).mean()).sqrt().asscalar()


def train(net, features, labels, num_epochs, learning_rate, weight_decay, batch_size):
    """Train a net."""
    batches = gdata.DataLoader(gdata.ArrayDataset(features, labels), batch_size, shuffle=True)
    trainer = gluon.Trainer(
        net.collect_params(),
        "sgd",
        {"learning_rate": learning_rate, "momentum": 0.9, "wd": weight_decay},
    )
    for _ in range(num_epochs):
        for X, y in batches:
            with autograd.record():
                losses = loss(net(X), y)
            losses.backward()
            trainer.step(len(X))


def get_k_fold_data(k, i, X, y):
    """Return training features and labels, then those of fold i, which is left out."""
    size = len(X) // k
    folds = [slice(j * size, (j + 1) * size) for j in range(k)]
    rest = [fold for j, fold in enumerate(folds) if j != i]
    return (
        nd.concat(*[X[fold] for fold in rest], dim=0),
        nd.concat(*[y[fold] for fold in rest], dim=0),
        X[folds[i]],
        y[folds[i]],
    )


def k_fold(k, X, y, *settings):
    """Return the mean errors on what was trained on, and on what was left out."""
    errors = []
    for i in range(k):
        train_x, train_y, valid_x, valid_y = get_k_fold_data(k, i, X, y)
        net = get_net()
        train(net, train_x, train_y, *settings)
        errors.append((log_rmse(net, train_x, train_y), log_rmse(net, valid_x, valid_y)))
        print(f"fold {i}, train rmse {errors[-1][0]:.4f}, valid rmse {errors[-1][1]:.4f}")
    return onp.mean(errors, axis=0)


best = None
for weight_decay in (0.0, 0.03, 0.1):
    settings = (40, 0.01, weight_decay, 32)
    train_error, valid_error = k_fold(5, train_features, train_labels, *settings)
    print(f"weight decay {weight_decay}: train {train_error:.4f}, valid {valid_error:.4f}")
    if best is None or valid_error < best[0]:
        best = (valid_error, settings)

net = get_net()
train(net, train_features, train_labels, *best[1])
print(f"log rmse of the mean: {test_labels.asnumpy().std():.4f}")
print(f"validated log rmse: {best[0]:.4f}")
print(f"test log rmse: {log_rmse(net, test_features, test_labels):.4f}")
