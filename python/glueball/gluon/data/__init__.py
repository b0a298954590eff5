"""Data for training: sets of samples, their order, and loaders that make batches of them."""

from __future__ import annotations

from glueball._scope import surface
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
    SplitBatchSampler,
    SplitSampler,
)

__all__ = [
    "ArrayDataset", "BatchSampler", "DataLoader", "Dataset", "FilterSampler", "IntervalSampler",
    "RandomSampler", "Sampler", "SequentialSampler", "SimpleDataset", "SplitBatchSampler",
    "SplitSampler", "batchify", "dataloader", "dataset", "sampler", "vision",
]  # fmt: skip


__getattr__, __dir__ = surface(__name__, modules=("vision",))
