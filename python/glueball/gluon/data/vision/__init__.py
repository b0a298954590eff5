"""Sets of small images that books train dense nets on, read from files that are on disk, and what prepares them."""

from __future__ import annotations

from glueball._scope import surface
from glueball.gluon.data.vision import datasets, transforms
from glueball.gluon.data.vision.datasets import CIFAR10, CIFAR100, MNIST, FashionMNIST

__all__ = ["CIFAR10", "CIFAR100", "MNIST", "FashionMNIST", "datasets", "transforms"]


__getattr__, __dir__ = surface(__name__)
