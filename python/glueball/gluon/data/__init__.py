"""Data for training: sets of samples, their order, and loaders that make batches of them."""

from __future__ import annotations

from typing import Any

from glueball._scope import missing
from glueball.gluon.data import batchify, dataloader, dataset, sampler
from glueball.gluon.data.dataloader import DataLoader
from glueball.gluon.data.dataset import ArrayDataset, Dataset, SimpleDataset
from glueball.gluon.data.sampler import (
    BatchSampler,
    FilterSampler,
    IntervalSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
)

__all__ = [
    "ArrayDataset",
    "BatchSampler",
    "DataLoader",
    "Dataset",
    "FilterSampler",
    "IntervalSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SimpleDataset",
    "batchify",
    "dataloader",
    "dataset",
    "sampler",
]


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
