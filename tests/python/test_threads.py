"""What threads may call beside what: docs/threads.md, line by line, and a stress of pairs of calls."""

from __future__ import annotations

import contextlib
import copy
import os
import pathlib
import pickle
import random as rng
import re
import subprocess
import sys
import threading
import time

import numpy as onp
import pytest

import thread_operations
import thread_stress
from glueball import autograd, gluon, nd, random
from glueball import np as gnp
from glueball.base import MXNetError, StaleGradientError
from glueball.gluon import nn
from glueball.gluon.block import _structure

ROOT = pathlib.Path(__file__).parents[2]
PAGE = ROOT / "docs" / "threads.md"
# Seconds of the stress and of each of its pairs. For all of them, one second each: 30000 and 1.
SECONDS = float(os.environ.get("GLUEBALL_STRESS_SECONDS", "8"))
PAIR_SECONDS = float(os.environ.get("GLUEBALL_STRESS_PAIR_SECONDS", "0.02"))
SEED = int(os.environ.get("GLUEBALL_STRESS_SEED", "18"))


@pytest.fixture(autouse=True)
def quick_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def run_together(*calls, patience=60):
    """Run calls at once, each in a thread; return what they raised."""
    errors = []
    start = threading.Barrier(len(calls))

    def work(call):
        start.wait()
        try:
            call()
        except Exception as error:  # noqa: BLE001 - the test judges
            errors.append(error)

    threads = [threading.Thread(target=work, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    end = time.monotonic() + patience
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    assert not any(thread.is_alive() for thread in threads), "threads that wait for each other"
    return errors


def deep_net(layers, units=8):
    net = nn.HybridSequential()
    net.add(*[nn.Dense(units, in_units=units) for _ in range(layers)])
    net.initialize()
    return net


def backward(net, units=8):
    with autograd.record():
        loss = (net(nd.ones((4, units))) ** 2).sum()
    loss.backward()


def steps(net, trainer, times, done):
    """Return a function that trains, as Hogwild does, and counts its steps in `done`."""

    def train():
        for _ in range(times):
            try:
                backward(net)
                trainer.step(4)
            except StaleGradientError:  # another thread's step has just used the gradient
                continue
            except MXNetError as error:  # or has written the weights before backward
                assert "as it was in the recorded forward" in str(error)  # noqa: PT017
                continue
            done.append(1)

    return train


def counts_of(trainer):
    return {trainer.optimizer.get_state(i, p)["count"] for i, p in enumerate(trainer._params)}


@pytest.mark.parametrize(
    ("rule", "layers"), [("adam", 120), (thread_operations.RuleOfPython(), 10)], ids=["core", "own"]
)
def test_steps_of_one_trainer_come_one_after_the_other(rule, layers):
    net = deep_net(layers)
    trainer = gluon.Trainer(net.collect_params(), rule)
    done = []

    assert run_together(*[steps(net, trainer, 15, done)] * 4) == []
    assert len(done) > 4
    assert counts_of(trainer) == {len(done)}
    assert trainer.optimizer.num_update == len(done)


def test_first_steps_of_one_trainer_make_each_state_once():
    net = deep_net(120, 32)
    for _ in range(10):
        backward(net, 32)
        trainer = gluon.Trainer(net.collect_params(), "adam")

        assert run_together(*[lambda: trainer.step(4, ignore_stale_grad=True)] * 4) == []  # noqa: B023 - joined
        assert counts_of(trainer) == {1}


def test_states_saved_loaded_and_copied_beside_steps_are_of_one_step(tmp_path):
    net = deep_net(20)
    trainer = gluon.Trainer(net.collect_params(), "adam")
    steps(net, trainer, 1, [])()
    found = []

    def save_and_load():
        for _ in range(10):
            trainer.save_states(tmp_path / "states")
            trainer.load_states(tmp_path / "states")

    def copies():
        for _ in range(10):
            found.append(counts_of(pickle.loads(pickle.dumps(trainer))))
            found.append(counts_of(copy.deepcopy(trainer)))

    assert run_together(*[steps(net, trainer, 40, [])] * 2, save_and_load, copies) == []
    assert [counts for counts in found if len(counts) != 1] == []
    assert len(counts_of(trainer)) == 1


def test_the_learning_rate_may_be_changed_beside_steps():
    net = deep_net(20)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"momentum": 0.9})
    rates = [0.0, 1e-3]

    def change():
        for i in range(300):
            trainer.set_learning_rate(rates[i % 2])
            trainer.optimizer.momentum = 0.5
            assert trainer.learning_rate in rates
            assert trainer.optimizer.momentum == 0.5

    assert run_together(change, *[steps(net, trainer, 30, [])] * 2) == []


DRAWS = {
    "nd.random": lambda: nd.random.normal(shape=(1000000,)),
    "np.random": lambda: gnp.random.uniform(size=(400000,)),
    "Dropout": lambda: nd.Dropout(nd.ones((200000,)), p=0.5, mode="always"),
    "gamma": lambda: nd.random.gamma(shape=(1000,)),
    "shuffle": lambda: nd.random.shuffle(nd.arange(1000)),
    "layer": lambda: nn.Dropout(0.5)(nd.ones((200, 1000))),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())
def test_threads_draw_no_numbers_twice(draw):
    found = []

    def draws():
        with autograd.train_mode():
            for _ in range(4):
                found.append(draw().asnumpy().tobytes())

    assert run_together(*[draws] * 8) == []
    assert len(set(found)) == len(found) == 32


def test_threads_together_draw_what_one_thread_would():
    def draw(into):
        return lambda: [into.append(nd.random.uniform(shape=(500,)).asnumpy()) for _ in range(20)]

    random.seed(3)
    one = []
    draw(one)()
    draw(one)()
    random.seed(3)
    several = []

    assert run_together(draw(several), draw(several)) == []
    assert sorted(each.tobytes() for each in several) == sorted(each.tobytes() for each in one)


def test_initial_values_do_not_depend_on_other_threads():
    random.seed(5)
    alone = nn.Dense(64, in_units=64)
    alone.initialize()
    random.seed(5)
    beside = nn.Dense(64, in_units=64)
    stop = threading.Event()

    def draws():
        while not stop.is_set():
            nd.random.uniform(shape=(100,))

    def initialize():
        beside.initialize()
        stop.set()

    assert run_together(draws, initialize) == []
    onp.testing.assert_array_equal(alone.weight.data().asnumpy(), beside.weight.data().asnumpy())


@pytest.mark.parametrize("batch", [1, 256])
def test_a_forward_sees_of_each_weight_what_one_or_the_other_thread_wrote(batch):
    net = nn.Dense(64, in_units=64, use_bias=False)
    net.initialize()
    ones = nd.ones((64, 64))
    net.weight.set_data(ones)
    x = nd.ones((batch, 64))
    outputs = []

    def change():
        for i in range(400):
            net.weight.set_data(ones if i % 2 else 2 * ones)

    def forward():
        for _ in range(400):
            outputs.append(net(x).asnumpy())

    assert run_together(change, forward, forward) == []
    assert onp.min(outputs) >= 64
    assert onp.max(outputs) <= 128


CHANGES = [
    "Parameter.set_data", "Parameter.initialize", "Parameter.cast", "Parameter.grad_req", "Parameter.data, written",
    "Parameter.zero_grad", "Block.initialize", "Block.cast", "Block.load_parameters", "Block.load", "Block.add",
    "Block.__setattr__", "Block.hybridize", "Block.register_forward_hook", "Block.infer_shape", "Block.save_parameters",
    "Block.collect_params", "Block.summary", "Trainer.step", "copy.copy of a net", "copy.deepcopy of a net",
    "pickle of a net", "garbage collection", "random.seed", "set_num_threads",
]  # fmt: skip


@pytest.mark.parametrize("run", ["Block.__call__", "train"])
@pytest.mark.parametrize("change", CHANGES)
def test_nets_run_beside_what_changes_them(run, change):
    for seed in range(3):
        assert thread_stress.run((run, change), seed, 0.02, thread_stress.Counter()) == []


BESIDE_FIRST = {
    "forward": lambda net, x: net(x),
    "set_data": lambda net, x: net[0].weight.set_data(nd.ones((16, 16))),
    "shape": lambda net, x: [net[0].weight.shape for _ in range(200)],
    "grad_req": lambda net, x: setattr(net[0].weight, "grad_req", "add"),
    "infer_shape": lambda net, x: net.infer_shape(x),
    "initialize": lambda net, x: net.initialize(force_reinit=True),
    "cast": lambda net, x: net[0].weight.cast("float32"),
    "copy": lambda net, x: copy.deepcopy(net),
    "summary of the parameters": lambda net, x: repr(net.collect_params()),
}


@pytest.mark.parametrize("other", BESIDE_FIRST.values(), ids=BESIDE_FIRST.keys())
def test_a_first_forward_waits_for_nobody_who_waits_for_it(other):
    x = nd.ones((4, 16))
    for _ in range(20):
        net = nn.HybridSequential()
        net.add(nn.Dense(16), nn.Dense(16))
        net.initialize(thread_operations.OnesOfPython())

        errors = run_together(lambda: net(x), lambda: other(net, x))  # noqa: B023 - joined here

        assert errors == []


def test_of_two_walks_over_one_graph_one_finds_it_freed():
    net = deep_net(3, 256)
    for _ in range(10):
        with autograd.record():
            loss = (net(nd.ones((256, 256))) ** 2).sum()

        errors = run_together(loss.backward, loss.backward)

        assert [str(error).split(".")[0] for error in errors] == [
            "Cannot differentiate node because it is not in a computational graph"
        ]


def test_a_finalizer_may_run_nets_while_its_thread_looks_through_a_layers_plans():
    layer = nn.Dense(2, in_units=2)
    layer.initialize()

    def finalize():
        with _structure._pruning:  # as the thread does at the time
            for _ in range(20):
                net = nn.HybridSequential()
                net.add(layer)
                net(nd.ones((1, 2)))

    assert run_together(finalize, patience=20) == []


# The page.

ROWS = re.compile(r"^\| (?!what|---).*\| `?.*$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/.]+)::([^`]+)`|`::([^`]+)`")


def named_tests():
    """The file and the test of each reference on the page."""
    for row in ROWS.findall(PAGE.read_text(encoding="utf8")):
        file = ""
        for match in NAMED.finditer(row.rstrip("|").rsplit("|", 1)[-1]):
            file = match[1] or file
            yield row, file, match[2] or match[3]


def test_every_line_of_the_page_names_tests_that_exist():
    rows = ROWS.findall(PAGE.read_text(encoding="utf8"))
    missing = []
    for _, file, test in named_tests():
        source = (ROOT / file).read_text(encoding="utf8") if (ROOT / file).is_file() else ""
        flat = re.sub(r'"\s*"|\s+', lambda gap: "" if '"' in gap[0] else " ", source)
        if f"def {test}(" not in source and f'TEST_CASE("{test}"' not in flat.replace("( ", "("):
            missing.append(f"{file}::{test}")

    assert missing == []
    assert len(rows) > 20
    assert {row for row, _, _ in named_tests()} == set(rows)


# The stress.


def test_the_stress_leaves_out_no_public_method():
    assert list(thread_operations.missing()) == []


@pytest.mark.filterwarnings("ignore")  # of names that Gluon calls old
def test_every_operation_of_the_stress_does_something():
    idle = []
    for name, run in thread_operations.operations().items():
        for seed in range(8):
            with contextlib.suppress(Exception):
                run(thread_operations.World(rng.Random(seed)))
                break
        else:
            idle.append(name)

    assert idle == [  # which OutsideScopeError refuses
        "Block.register_op_hook", "Parameter.list_row_sparse_data", "Parameter.row_sparse_data", "Parameter.var",
    ]  # fmt: skip


def test_random_pairs_of_calls_end_with_a_result_or_an_error():
    number = int(SECONDS / (PAIR_SECONDS + 0.01))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for first in range(0, number, 300):
        done = subprocess.run(
            [sys.executable, str(thread_stress.__file__), str(SEED), str(first), str(min(number, first + 300)),
             str(PAIR_SECONDS)],
            capture_output=True, text=True, check=False, env=env,
        )  # fmt: skip
        pairs = done.stdout.splitlines()
        where = [pairs[i - 1] + "\n" + line for i, line in enumerate(pairs) if "wrong:" in line]

        assert done.returncode == 0, (
            f"seed {SEED}, the pair {where or pairs[-1:]}, exit code {done.returncode}:\n{done.stderr[-6000:]}"
        )
