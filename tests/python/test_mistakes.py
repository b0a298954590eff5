"""Mistakes that users make: every one is an MXNetError that says what was expected, found, and what to do."""

import pathlib
import re
import warnings

import numpy as onp
import pytest

import glueball
from glueball import (
    autograd,
    context,
    gluon,
    init,
    interop,
    io,
    lr_scheduler,
    metric,
    nd,
    np,
    npx,
    optimizer,
    random,
)
from glueball.base import MXNetError
from glueball.gluon import nn
from glueball.gluon.contrib import estimator


def read():
    """Return the table: by part, what is said of each line of code, which indented lines below it hold."""
    table, part, line = {}, "", ""
    text = (pathlib.Path(__file__).parent / "mistakes.txt").read_text(encoding="utf8")
    for each in text.splitlines():
        if each.startswith("== "):
            part = table.setdefault(each.strip("= "), {})
        elif part == "":
            continue  # what the file says of itself
        elif each.startswith("    "):
            part[line] = f"{part[line]}\n{each[4:]}" if line in part else each[4:]
        elif each:
            line = each
    return table


MISTAKES = read()
# Words of pybind11's, of Python's and of NumPy's that say nothing to a user of glueball.
RAW = (
    "Unable to cast", "#define", "incompatible function arguments", "NoneType' object has no attribute",
    "unexpected keyword", "required positional", "positional arguments but", "not subscriptable",
)  # fmt: skip
MODULES = {
    each.__name__.rpartition(".")[2]: each
    for each in (
        autograd, context, estimator, gluon, init, interop, io, lr_scheduler, metric, nd, nn, np, npx,
        optimizer, random, glueball,
    )
} | {"onp": onp}  # fmt: skip


def names():
    """Return what a line of the table may name, as `mistakes.py` says."""
    net = nn.HybridSequential(nn.Dense(4, in_units=3), nn.Dense(2, in_units=4))
    dense, late, embedding = nn.Dense(4, in_units=3), nn.Dense(4), nn.Embedding(3, 4)
    for each in (net, dense, late, embedding):
        each.initialize()
    params = net.collect_params()
    x, y = nd.ones((5, 3)), nd.ones((5, 2))
    return MODULES | {
        "net": net, "dense": dense, "late": late, "embedding": embedding, "fresh": nn.Dense(4),
        "p": dense.weight, "params": params, "x": x, "y": y,
        "dataset": gluon.data.ArrayDataset(x.asnumpy(), y.asnumpy()),
        "trainer": gluon.Trainer(params, "sgd", {"learning_rate": 0.1}),
    }  # fmt: skip


def said(line):
    with pytest.raises(MXNetError) as caught, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(line, names())  # noqa: S102 - the table's own
    return re.sub(r"0x[0-9a-f]+", "0x", re.sub(r"(?<=[a-z])\d+(?=[_'])", "", str(caught.value)))


LINES = [(group, line) for group, lines in MISTAKES.items() for line in lines]


@pytest.mark.parametrize(("group", "line"), LINES, ids=[line for _, line in LINES])
def test_mistake_is_told_as_the_table_says(group, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write files, or look for them

    text = said(line)

    assert text == MISTAKES[group][line]
    assert not any(each in text for each in RAW)
    if MISTAKES[group][line][:8].lower() == "expected":  # else they begin with Gluon's words
        assert re.search("expected.*found.*(; |\\?)", text, re.DOTALL | re.IGNORECASE)


def test_table_has_the_mistakes_of_every_part():
    assert len(LINES) >= 150
    assert min(map(len, MISTAKES.values())) >= 20
