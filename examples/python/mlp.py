"""A multilayer perceptron on handwritten digits, and what its parameters look like.

The data (1,797 images of 8 x 8 pixels) ship with scikit-learn.
"""

import glueball

glueball.install_as_mxnet()

from mxnet import autograd, gluon, init, metric, nd, random
from mxnet.gluon import data as gdata
from mxnet.gluon import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

random.seed(1)
images, labels = load_digits(return_X_y=True)
parts = train_test_split(images / 16, labels, test_size=0.25, random_state=0, stratify=labels)
train_x, test_x, train_y, test_y = (nd.array(part) for part in parts)
train_iter = gdata.DataLoader(gdata.ArrayDataset(train_x, train_y), 64, shuffle=True)

net = nn.HybridSequential()
with net.name_scope():
    net.add(nn.Dense(128, activation="relu"), nn.Dense(64, activation="relu"), nn.Dense(10))
net.initialize(init.Xavier())
net.hybridize()
loss = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})

accuracy = metric.Accuracy()
for epoch in range(1, 21):
    accuracy.reset()
    for X, y in train_iter:
        with autograd.record():
            scores = net(X)
            losses = loss(scores, y)
        losses.backward()
        trainer.step(len(X))
        accuracy.update(y, scores)
    if epoch % 5 == 0:
        print(f"epoch {epoch}, train accuracy {accuracy.get()[1]:.3f}")

print(net.collect_params())
print("first weights:", net[0].weight.data()[0, :4])
accuracy.reset()
accuracy.update(test_y, net(test_x))
print(f"test accuracy: {accuracy.get()[1]:.4f}")
