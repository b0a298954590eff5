"""Dropout: a net that is too large for its data, with and without.

The data (569 cell nuclei, 30 measurements each, benign or malignant) ship with scikit-learn.
"""

import glueball

glueball.install_as_mxnet()

from mxnet import autograd, gluon, init, nd, random
from mxnet.gluon import data as gdata
from mxnet.gluon import nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

features, labels = load_breast_cancer(return_X_y=True)
parts = train_test_split(features, labels, test_size=0.4, random_state=0, stratify=labels)
scaler = StandardScaler().fit(parts[0])
train_x, test_x = (nd.array(scaler.transform(part)) for part in parts[:2])
train_y, test_y = (nd.array(part) for part in parts[2:])


def train(rate):
    """Return a net with dropout after each hidden layer, trained."""
    random.seed(1)
    net = nn.Sequential()
    net.add(
        nn.Dense(128, activation="relu"),
        nn.Dropout(rate),
        nn.Dense(128, activation="relu"),
        nn.Dropout(rate),
        nn.Dense(2),
    )
    net.initialize(init.Xavier())
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    batches = gdata.DataLoader(gdata.ArrayDataset(train_x, train_y), 32, shuffle=True)
    for _ in range(40):
        for X, y in batches:
            with autograd.record():  # the only place where dropout drops
                losses = loss(net(X), y)
            losses.backward()
            trainer.step(len(X))
    return net


for rate in (0.0, 0.5):
    net = train(rate)
    print(f"dropout {rate}:")
    for name, X, y in (("train", train_x, train_y), ("test", test_x, test_y)):
        found = (net(X).argmax(axis=1) == y).mean().asscalar()
        print(f"{name} accuracy: {found:.4f}")
