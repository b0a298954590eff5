"""A process that may take so many bytes more than it has: prints, for each operation, how often it said MemoryError.

Run with the limits, in bytes, as arguments. Every operation has to raise MemoryError or give the right result, and to
work when there is memory again.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import glueball
from glueball import autograd, gluon, init, nd

SIZE = 700


@contextmanager
def at_most(more: int) -> Iterator[None]:
    """Lets this process take `more` bytes beside those that it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def new_net() -> Any:
    net = gluon.nn.Sequential(prefix="net_")
    with net.name_scope():
        net.add(
            gluon.nn.Dense(SIZE, activation="relu", in_units=SIZE),
            gluon.nn.Dense(SIZE, in_units=SIZE),
        )
    glueball.random.seed(3)
    net.initialize(init.Normal(0.1))
    return net


def step(net: Any, x: Any) -> None:
    """One step of training, all of it or nothing that changes weights."""
    trainer = gluon.Trainer(net.collect_params(), "adam")
    with autograd.record():
        loss = gluon.loss.L2Loss()(net(x), x)
    loss.backward()
    trainer.step(len(x))


def operations(path: Path) -> dict[str, Callable[[Any, Any], Any]]:
    return {
        "forward": lambda net, x: net(x).asnumpy(),
        "step": step,
        "initialize": lambda net, _: net[0].weight.initialize(init.Orthogonal(), force_reinit=True),
        "save": lambda net, _: net.save_parameters(str(path)),
        "load": lambda net, _: net.load_parameters(str(path)),
    }


def weights_of(net: Any) -> list[bytes]:
    return [p.data().asnumpy().tobytes() for p in net.collect_params().values()]


def main() -> None:
    glueball.set_num_threads(2)
    x = nd.array(np.random.default_rng(0).normal(size=(2 * SIZE, SIZE)).astype("float32"))
    raised = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.safetensors")
        new_net().save_parameters(str(path))
        on_disk = path.read_bytes()
        for name, run in operations(path).items():
            raised[name] = 0
            for more in map(int, sys.argv[1:]):
                net = new_net()
                before = weights_of(net)
                try:
                    with at_most(more):
                        run(net, x)
                except MemoryError:
                    raised[name] += 1
                    assert weights_of(net) == before, name
                    run(net, x)
                assert all(np.isfinite(net(x).asnumpy()).all() for _ in range(2)), name
                assert path.read_bytes() == on_disk, name
    sys.stdout.write(json.dumps(raised))


main()
