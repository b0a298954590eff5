"""A net with control flow, constants and a layer used twice, inside another net.

The data (150 irises of three kinds, four measurements each) ship with scikit-learn.
"""

import glueball

glueball.install_as_mxnet()

from mxnet import autograd, gluon, init, nd, random
from mxnet.gluon import data as gdata
from mxnet.gluon import nn
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split


class FancyMLP(nn.Block):
    """Multiplies by a constant, uses one layer twice, and halves its output until its norm is below 1."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.rand_weight = self.params.get_constant(
            "rand_weight", nd.random.uniform(low=-0.4, high=0.4, shape=(20, 20))
        )
        self.dense = nn.Dense(20, activation="tanh")
        self.halvings = 0

    def forward(self, x):
        """Return an array of shape (batch, 20) and norm of 1 at most."""
        x = self.dense(x)
        x = nd.relu(nd.dot(x, self.rand_weight.data()) + 1)
        x = self.dense(x)
        self.halvings = 0
        while x.norm().asscalar() > 1:
            x = x / 2
            self.halvings += 1
        if x.norm().asscalar() < 0.8:
            x = x * 1.2
        return x


class NestMLP(nn.Block):
    """A chain of layers, and one more."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.net = nn.Sequential()
        self.net.add(nn.Dense(64, activation="relu"), nn.Dense(32, activation="relu"))
        self.dense = nn.Dense(20, activation="relu")

    def forward(self, x):
        """Return an array of shape (batch, 20)."""
        return self.dense(self.net(x))


random.seed(1)
features, labels = load_iris(return_X_y=True)
features = (features - features.mean(axis=0)) / features.std(axis=0)
parts = train_test_split(features, labels, test_size=0.3, random_state=0, stratify=labels)
train_x, test_x, train_y, test_y = (nd.array(part) for part in parts)

net = nn.Sequential()
net.add(NestMLP(), FancyMLP(), nn.Dense(3))
net.initialize(init.Xavier())
# What comes out of the loop is small, so the layer after it has to have large weights.
net[2].collect_params().setattr("lr_mult", 100)
loss = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05})
constant = net[1].rand_weight.data().copy()
for _ in range(60):
    for X, y in gdata.DataLoader(gdata.ArrayDataset(train_x, train_y), 15, shuffle=True):
        with autograd.record():
            losses = loss(net(X), y)
        losses.backward()
        trainer.step(len(X))

# The norm is that of a whole batch, so batches of the size trained with are evaluated.
correct = 0.0
for X, y in gdata.DataLoader(gdata.ArrayDataset(test_x, test_y), 15):
    correct += (net(X).argmax(axis=1) == y).sum().asscalar()
print(f"times halved: {net[1].halvings}")
print(f"norm of the loop's output: {net[1](net[0](test_x[:15])).norm().asscalar():.4f}")
print(f"constant unchanged: {bool((net[1].rand_weight.data() == constant).min().asscalar())}")
print(f"test accuracy: {correct / len(test_y):.4f}")
