"""Linear regression: how diabetes progresses in a year, from ten measurements of each patient.

The data (442 patients) ship with scikit-learn. A net of one layer, trained on batches, comes as near to
the targets as the exact least-squares solution does.
"""

import glueball

glueball.install_as_mxnet()

import numpy as onp
from mxnet import autograd, gluon, init, nd, random
from mxnet.gluon import nn
from sklearn.datasets import load_diabetes

random.seed(1)
features, targets = load_diabetes(return_X_y=True)
features /= features.std(axis=0)
targets = (targets - targets.mean()) / targets.std()
X, y = nd.array(features), nd.array(targets)

net = nn.Sequential()
net.add(nn.Dense(1))
net.initialize(init.Normal(sigma=0.01))
loss = gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.03})
batches = gluon.data.DataLoader(gluon.data.ArrayDataset(X, y), batch_size=32, shuffle=True)

for epoch in range(1, 61):
    for data, label in batches:
        with autograd.record():
            mean_loss = loss(net(data), label)
        mean_loss.backward()
        trainer.step(data.shape[0])
    if epoch % 20 == 0:
        print(f"epoch {epoch}, loss {loss(net(X), y).mean().asscalar():.4f}")

print("weights:", net[0].weight.data().asnumpy().round(2))
print("bias:", net[0].bias.data().asnumpy().round(2))

# The share of the targets' variance that is explained, by the net and by least squares.
design = onp.column_stack([features, onp.ones(len(features))])
exact = design @ onp.linalg.lstsq(design, targets, rcond=None)[0]
found = net(X).asnumpy()[:, 0]
print(f"R2 of least squares: {1 - onp.mean((exact - targets) ** 2):.4f}")
print(f"R2 of the net: {1 - onp.mean((found - targets) ** 2):.4f}")
