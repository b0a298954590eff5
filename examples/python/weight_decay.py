"""Weight decay: more features than samples, and what keeps a linear model from following the noise.

From ten measurements of a patient (the diabetes data of scikit-learn) all 65 products of up to two are made,
and only 60 patients are there to learn from.
"""

import glueball

glueball.install_as_mxnet()

from mxnet import autograd, gluon, init, nd, random
from mxnet.gluon import data as gdata
from mxnet.gluon import nn
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

features, targets = load_diabetes(return_X_y=True)
features = StandardScaler().fit_transform(
    PolynomialFeatures(degree=2, include_bias=False).fit_transform(features)
)
targets = (targets - targets.mean()) / targets.std()
n_train = 60
train_x, test_x = nd.array(features[:n_train]), nd.array(features[n_train:])
train_y, test_y = nd.array(targets[:n_train]), nd.array(targets[n_train:])


def fit(decay):
    """Train with weight decay on the weights, none on the bias; print errors."""
    random.seed(1)
    net = nn.Sequential()
    net.add(nn.Dense(1))
    net.initialize(init.Normal(sigma=0.1))
    trainer_w = gluon.Trainer(
        net.collect_params(".*weight"), "sgd", {"learning_rate": 0.02, "wd": decay}
    )
    trainer_b = gluon.Trainer(net.collect_params(".*bias"), "sgd", {"learning_rate": 0.02})
    loss = gluon.loss.L2Loss()
    batches = gdata.DataLoader(gdata.ArrayDataset(train_x, train_y), 10, shuffle=True)
    for _ in range(300):
        for X, y in batches:
            with autograd.record():
                losses = loss(net(X), y)
            losses.backward()
            trainer_w.step(len(X))
            trainer_b.step(len(X))
    print(f"weight decay {decay}:")
    print(f"norm of the weights: {net[0].weight.data().norm().asscalar():.3f}")
    print(f"train loss: {loss(net(train_x), train_y).mean().asscalar():.4f}")
    print(f"test loss: {loss(net(test_x), test_y).mean().asscalar():.4f}")


fit(0.0)
fit(1.0)
