"""Layers of your own: one without parameters, one with, used beside those of the library.

The data (178 wines of three growers, 13 measurements each) ship with scikit-learn.
"""

import glueball

glueball.install_as_mxnet()

from mxnet import autograd, gluon, init, nd, random
from mxnet.gluon import data as gdata
from mxnet.gluon import nn
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split


class CenteredLayer(nn.Block):
    """Takes from each sample its mean."""

    def forward(self, x):
        """Return an array of x's shape, with rows of mean 0."""
        return x - x.mean(axis=1, keepdims=True)


class MyDense(nn.Block):
    """A layer with a weight, a bias and relu."""

    def __init__(self, units, in_units, **kwargs):
        super().__init__(**kwargs)
        self.weight = self.params.get("weight", shape=(in_units, units))
        self.bias = self.params.get("bias", shape=(units,), init=init.Zero())

    def forward(self, x):
        """Return an array of shape (batch, units)."""
        return nd.relu(nd.dot(x, self.weight.data()) + self.bias.data())


class MyInit(init.Initializer):
    """Uniform numbers, of which those near 0 are set to 0."""

    def _init_weight(self, name, data):
        print(f"init {name} {data.shape}")
        data[:] = nd.random.uniform(low=-0.5, high=0.5, shape=data.shape)
        data *= data.abs() >= 0.1


random.seed(1)
features, labels = load_wine(return_X_y=True)
features = (features - features.mean(axis=0)) / features.std(axis=0)
parts = train_test_split(features, labels, test_size=0.3, random_state=0, stratify=labels)
train_x, test_x, train_y, test_y = (nd.array(part) for part in parts)

net = nn.Sequential()
net.add(MyDense(32, in_units=13), CenteredLayer(), nn.Dense(3))
net.initialize(MyInit())
small = net[0].weight.data().abs() < 0.1
print(f"weights of MyDense near 0, all of them 0: {small.sum().asscalar():.0f}")
assert not (net[0].weight.data() * small).abs().sum().asscalar()
loss = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for _ in range(40):
    for X, y in gdata.DataLoader(gdata.ArrayDataset(train_x, train_y), 16, shuffle=True):
        with autograd.record():
            losses = loss(net(X), y)
        losses.backward()
        trainer.step(len(X))

print(f"test accuracy: {(net(test_x).argmax(axis=1) == test_y).mean().asscalar():.4f}")
