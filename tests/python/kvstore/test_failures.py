"""What goes wrong on one rank ends all of them, with an error that names it, and in time."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time

import pytest

from mpi_ranks import fail, finish, needs_mpi, start

pytestmark = needs_mpi

# A loop of a Trainer; what makes it fail is put in the places of the two marks.
LOOP = r"""
import os, sys, time
import numpy as np
from glueball import autograd, gluon, init, kvstore, nd, random
from glueball.gluon import nn
store = kvstore.create("dist_sync")
rank = store.rank
random.seed(3)
net = nn.Dense(2, in_units=4, prefix="first_")
{before}
net.initialize(init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {{"learning_rate": 0.1}}, kvstore=store)
for step in range({steps}):
    x = nd.ones((3, 4))
    {inside}
    with autograd.record():
        loss = net(x)
    loss.backward()
    trainer.step(9)
    if step == 2:
        os.write(1, f"pid {{rank}} {{os.getpid()}}\n".encode())
"""


def loop(before="pass", inside="pass", steps=20):
    return LOOP.format(before=before, inside=inside, steps=steps)


def errors_of(text):
    """Return the messages of the RanksErrors that ended ranks."""
    return re.findall(r"^glueball\.base\.RanksError: (.*)$", text, re.MULTILINE)


def test_the_loop_ends_well_where_nothing_goes_wrong():
    code, out, errors = finish(start(2, loop()))

    assert (code, errors) == (0, "")
    assert len(out.splitlines()) == 2


def test_other_seeds_are_found_before_the_first_step():
    text, _ = fail(3, loop(before="random.seed(rank // 2)"))

    found = errors_of(text)
    assert len(found) == 3
    for each in found:
        assert each == (
            "expected the same parameters on all 3 ranks, found other values of 'first_weight' on rank 2; "
            "seed every rank alike before initialize(), or call broadcast_parameters(params) of the kvstore "
            "first"
        )


def test_another_net_is_found_and_shown():
    text, _ = fail(2, loop(before="net = nn.Dense(2 + rank, in_units=4, prefix='first_')"))

    found = errors_of(text)
    assert len(found) == 2
    assert re.search(r"other shape.* of 'first_bias' on rank 1: \(3,\).* and not \(2,\)", found[0])


def test_another_learning_rate_is_found():
    program = loop().replace('"learning_rate": 0.1', '"learning_rate": 0.1 + rank')

    text, _ = fail(2, program)

    assert "other settings of the optimizer on rank 1: SGD of learning rate 1.1" in text


@pytest.mark.parametrize(("value", "word"), [("np.nan", "NaN"), ("np.inf", "an infinity")])
def test_gradients_that_are_not_finite_are_named_with_their_rank(value, word):
    inside = f"x[:] = {value} if (rank, step) == (1, 4) else 1"

    text, _ = fail(3, loop(inside=inside))

    found = errors_of(text)
    assert len(found) == 3
    for each in found:
        assert each.startswith(
            f"expected finite gradients on every rank in step 5, found {word} in that of 'first_weight' on "
            "rank 1; nothing was updated"
        )


def test_a_rank_that_raises_ends_the_others_with_its_words():
    inside = "assert (rank, step) != (1, 4), 'no such file'"

    text, seconds = fail(3, loop(inside=inside))

    found = errors_of(text)
    assert len(found) == 2
    for each in found:
        # Two ranks see it; the second of them may see the first one's error beside it.
        assert "rank 1 raised after" in each
        assert "with AssertionError: no such file" in each
    assert seconds < 10


@pytest.mark.parametrize("way", ["sys.exit(3)", "break"])
def test_a_rank_that_ends_early_ends_the_others(way):
    text, seconds = fail(2, loop(inside=f"if (rank, step) == (1, 4): {way}"))

    (found,) = errors_of(text)
    assert "found that rank 1 ended after" in found
    assert "(rank 0 waits); every rank has to take the same steps" in found
    assert seconds < 10


def test_a_rank_that_is_late_is_named_when_the_time_is_up():
    inside = "time.sleep(6 if (rank, step) == (2, 4) else 0)"

    text, seconds = fail(3, loop(inside=inside), timeout=1.5)

    found = errors_of(text)
    assert len([each for each in found if "within 1.5 s, found none of rank 2 there" in each]) >= 1
    assert seconds < 12


def pids(process, count):
    found = {}
    while len(found) < count:
        line = process.stdout.readline()
        if len(line.split()) != 3:
            process.terminate()
            pytest.fail(f"expected a process id, found {line!r}; {process.communicate()[1]}")
        _, rank, pid = line.split()
        found[int(rank)] = int(pid)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="stops processes by signals")
def test_a_stopped_rank_is_named_when_the_time_is_up():
    process = start(3, loop(inside="time.sleep(0.01)", steps=100_000), timeout=1.5)
    found = pids(process, 3)
    begin = time.monotonic()
    os.kill(found[1], signal.SIGSTOP)
    try:
        code, _, errors = finish(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(found[1], signal.SIGKILL)

    assert code != 0
    messages = errors_of(errors)
    assert len(messages) == 2
    for each in messages:
        assert "found none of rank 1 there" in each or "raised after" in each
    assert "within 1.5 s, found none of rank 1 there" in errors
    assert time.monotonic() - begin < 15


@pytest.mark.skipif(sys.platform != "linux", reason="kills processes by signals")
def test_a_killed_rank_ends_the_others():
    process = start(3, loop(inside="time.sleep(0.01)", steps=100_000), timeout=1.5)
    found = pids(process, 3)
    begin = time.monotonic()
    os.kill(found[1], signal.SIGKILL)

    code, _, _ = finish(process)

    assert code != 0
    assert time.monotonic() - begin < 15
    for pid in found.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_caught_error_is_raised_again_and_ends_the_program():
    inside = """
    if (rank, step) == (1, 4): time.sleep(4)
    if rank == 0 and step == 4:
        for _ in range(2):
            try: store.barrier() or sys.exit("no error")
            except RuntimeError as error: print("caught", type(error).__name__)
        sys.exit(0)
    """
    code, out, _ = finish(start(2, loop(inside=inside), timeout=1.0))

    assert out.count("caught RanksError") == 2
    assert code != 0
