"""Softmax regression: handwritten digits, told apart by one layer.

The data (1,797 images of 8 x 8 pixels) ship with scikit-learn.
"""

import glueball

glueball.install_as_mxnet()

from mxnet import autograd, gluon, init, nd, random
from mxnet.gluon import data as gdata
from mxnet.gluon import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

random.seed(1)
images, labels = load_digits(return_X_y=True)
parts = train_test_split(images / 16, labels, test_size=0.25, random_state=0, stratify=labels)
train_x, test_x, train_y, test_y = (nd.array(part) for part in parts)

batch_size = 64
train_iter = gdata.DataLoader(gdata.ArrayDataset(train_x, train_y), batch_size, shuffle=True)
test_iter = gdata.DataLoader(gdata.ArrayDataset(test_x, test_y), batch_size)


def evaluate_accuracy(data_iter, net):
    """Return the share of samples whose largest score is their label's."""
    correct, count = 0.0, 0
    for X, y in data_iter:
        correct += (net(X).argmax(axis=1) == y).sum().asscalar()
        count += y.size
    return correct / count


net = nn.Sequential()
net.add(nn.Flatten(), nn.Dense(10))
net.initialize(init.Normal(sigma=0.01))
loss = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.3})

for epoch in range(1, 41):
    total, correct = 0.0, 0.0
    for X, y in train_iter:
        with autograd.record():
            scores = net(X)
            losses = loss(scores, y)
        losses.backward()
        trainer.step(len(X))
        total += losses.sum().asscalar()
        correct += (scores.argmax(axis=1) == y).sum().asscalar()
    if epoch % 10 == 0:
        n = len(train_x)
        print(f"epoch {epoch}, loss {total / n:.4f}, train accuracy {correct / n:.3f}")

print(f"test accuracy: {evaluate_accuracy(test_iter, net):.4f}")
