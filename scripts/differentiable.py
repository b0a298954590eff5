#!/usr/bin/env python3
"""Write docs/differentiable.md: which functions have first and second derivatives, as the code says.

    python scripts/differentiable.py            writes the page
    python scripts/differentiable.py --check    says whether it is current

What NumPy's functions have is asked of the code that differentiates them; the functions of `nd` are run on the
arrays of tests/python/nd_cases.py, by which the tests check each derivative.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import numpy as np

from glueball import autograd, nd
from glueball.base import MXNetError
from glueball.nd import _derivatives

__all__ = ["kinds_of_numpy", "page"]

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "differentiable.md"
MODULES = {"": np, "linalg.": np.linalg, "fft.": np.fft}
WIDTH = 118

HEAD = """# What can be differentiated

`scripts/differentiable.py` writes this page; `tests/python/test_differentiable.py` checks that it is current.
NumPy {numpy}, autograd {autograd}.

While recording, any function of NumPy on arrays of glueball is differentiated: by rules of glueball's own for what
is in every loss, else by the products of the `autograd` package. A function without a derivative there raises an
error that names it, when it is applied to an array that needs a gradient; `.detach()` makes such an array a
constant, and `autograd.Function` takes a derivative of your own. Derivatives are checked against central differences
in `float64` (`tests/python/nd/test_gradients.py`, `test_second_order.py`).

`autograd.grad(heads, variables, create_graph=True)` records the gradients themselves, so that they can be
differentiated again: to any order, through every function that is differentiable below unless it is listed as having
a first derivative only. So can layers, Dropout by the mask that it drew, and all losses. An `autograd.Function`, and
functions of NumPy with several results other than `split`, have first derivatives only, and say so by name.

## Writes between record and backward

A gradient needs values of the forward. A write into an array in between raises an error where it would make a
gradient wrong:

- An NDArray in the graph counts the writes into it and into its views: assignment, in-place operators, `out=`,
  `copyto`, `set_data`, an optimizer's step. `backward` raises if it needs the old values.
- A dense layer's weight is also compared by value, which finds writes through plain NumPy views, DLPack and the
  buffer protocol, whenever they were made. That costs nothing while the program holds no array of the weight, else a
  pass over it in the recorded forward and one in `backward`. PReLU and the normalisations keep copies of their
  parameters; biases do not matter.
- Writes through a plain view (`numpy.asarray(x)`, `torch.from_dlpack(x)`) of other arrays, and into arrays that need
  no gradient, such as a batch, are not seen: `backward` takes the values that they hold by then. Refill the buffer
  of a batch after `backward`. `x.asnumpy()` is a copy, which may be written at any time.
- `create_graph=True` computes layers again, from the values that their parameters have when `grad` is called.
"""


def kinds_of_numpy() -> dict[str, list[str]]:
    """Return NumPy's functions of arrays by what the code says of their derivatives."""
    found: dict[str, set[str]] = {kind: set() for kind in _derivatives.KINDS}
    for prefix, module in MODULES.items():
        for name in dir(module):
            function = getattr(module, name)
            public = not name.startswith("_") and getattr(function, "__name__", "") == name
            if public and (isinstance(function, np.ufunc) or hasattr(function, "_implementation")):
                found[_derivatives.kind_of(function)].add(prefix + name)
    return {kind: sorted(names) for kind, names in found.items()}


def orders_of_nd() -> dict[str, list[str]]:
    """Return the functions of `nd` by how often they can be differentiated."""
    sys.path.insert(0, str(ROOT / "tests" / "python"))
    from nd_cases import CASES

    twice: dict[str, bool] = {}
    for title, (function, *arrays) in CASES.items():
        name = title.split(" ")[0]
        if not hasattr(nd, name):
            continue
        inputs = [nd.array(a, dtype="float64") for a in arrays]
        for each in inputs:
            each.attach_grad()
        with autograd.record(train_mode=False):
            y = function(*inputs)
            try:
                autograd.grad(y, inputs, create_graph=True, train_mode=False)
            except MXNetError:
                twice[name] = False
            else:
                twice.setdefault(name, True)
    return {
        "to any order": sorted(name for name, also in twice.items() if also),
        "once": sorted(name for name, also in twice.items() if not also),
    }


def wrapped(names: list[str]) -> str:
    """Return the names as code, in lines of the page's width."""
    lines, line = [], ""
    for name in names:
        text = f"`{name}`" + ("" if name is names[-1] else ",")
        if line and len(line) + 1 + len(text) > WIDTH:
            lines.append(line)
            line = text
        else:
            line = f"{line} {text}" if line else text
    return "\n".join([*lines, line])


def page() -> str:
    """Return the page's text."""
    parts = [
        HEAD.format(numpy=np.__version__, autograd=importlib.metadata.version("autograd")),
        "## Functions of `nd`\n",
    ]
    for order, names in orders_of_nd().items():
        parts += [f"### Differentiable {order}\n", wrapped(names) + "\n"]
    parts.append("## Functions of NumPy\n")
    for kind, names in kinds_of_numpy().items():
        parts += [f"### {_derivatives.KINDS[kind]}\n", wrapped(names) + "\n"]
    return "\n".join(parts)


def main() -> int:
    """Run the command line."""
    text = page()
    if sys.argv[1:] == ["--check"]:
        current = TARGET.is_file() and TARGET.read_text(encoding="utf8") == text
        print("current" if current else f"not current: run {Path(__file__).name}")
        return 0 if current else 1
    TARGET.write_text(text, encoding="utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
