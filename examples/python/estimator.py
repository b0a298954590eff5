"""An Estimator with handlers, and batches that worker processes make: handwritten digits again.

The data (1,797 images of 8 x 8 pixels) ship with scikit-learn. Each image is shifted by up to a pixel, differently
in every epoch.
"""

import glueball

glueball.install_as_mxnet()

import numpy as onp
from mxnet import gluon, init, metric, nd, random
from mxnet.gluon import nn
from mxnet.gluon.contrib.estimator import EarlyStoppingHandler, Estimator
from mxnet.gluon.data import ArrayDataset, DataLoader
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def shift(image):
    """Return the image moved by up to one pixel each way."""
    down, right = nd.random.randint(-1, 2, shape=(2,)).asnumpy()
    moved = onp.zeros_like(image)
    rows, columns = slice(max(down, 0), 8 + min(down, 0)), slice(max(right, 0), 8 + min(right, 0))
    from_rows = slice(max(-down, 0), 8 + min(-down, 0))
    from_columns = slice(max(-right, 0), 8 + min(-right, 0))
    moved[rows, columns] = image[from_rows, from_columns]
    return moved


def main():
    """Train, and print the accuracy on images that were left out."""
    random.seed(1)
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype("float32").reshape(-1, 8, 8)
    parts = train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)
    train_x, test_x, train_y, test_y = parts
    moving = ArrayDataset(train_x, train_y).transform_first(shift)
    train_data = DataLoader(moving, 64, shuffle=True, num_workers=2)
    test_data = DataLoader(ArrayDataset(test_x, test_y), 256)

    net = nn.Sequential()
    net.add(nn.Dense(256, activation="relu"), nn.Dense(10))
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05, "momentum": 0.9})
    estimator = Estimator(
        net, gluon.loss.SoftmaxCrossEntropyLoss(), train_metrics=metric.Accuracy(), trainer=trainer
    )
    stop = EarlyStoppingHandler(estimator.val_loss_metric, patience=8)
    estimator.fit(train_data, val_data=test_data, epochs=30, event_handlers=[stop])
    print(f"test accuracy: {estimator.evaluate(test_data)['validation accuracy']:.4f}")


# Worker processes may import this file again.
if __name__ == "__main__":
    main()
