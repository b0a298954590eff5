"""Which work starts threads, on which layer, and who bounds them.

A process chooses its layer once, and OpenMP reads its variables once: so each case is a process.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import glueball
from glueball import _core

LAYERS = _core.threading_layers()
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
openmp = pytest.mark.skipif("openmp" not in LAYERS, reason="needs a build with OpenMP")
# A net whose products are split, one that stays on its thread, and how many threads there are.
HEAD = """
import glueball, os
from glueball import autograd, gluon, init, nd
from glueball.gluon import nn


def threads():
    return len(os.listdir("/proc/self/task"))


def run(*sizes, batch):
    net = nn.Sequential()
    for units in sizes[1:]:
        net.add(nn.Dense(units, activation="relu"))
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "adam")
    x, y = nd.random.uniform(shape=(batch, sizes[0])), nd.zeros((batch,))
    net(x)
    with autograd.record():
        loss = gluon.loss.SoftmaxCrossEntropyLoss()(net(x), y)
    loss.backward()
    trainer.step(batch)
    return net(x)


def large():
    return run(784, 256, 10, batch=256)


before = threads()
"""


def python(program, fails=False, **variables):
    """Run a program in a process of its own; return the words that it prints, or its error's last line."""
    names = (
        "GLUEBALL_THREADS",
        "OMP_NUM_THREADS",
        "OMP_THREAD_LIMIT",
        "OMP_PROC_BIND",
        "OMP_PLACES",
    )
    environment = {name: value for name, value in os.environ.items() if name not in names}
    found = subprocess.run(
        [sys.executable, "-c", HEAD + program],
        capture_output=True, text=True, check=False, timeout=120, env=environment | variables,
    )  # fmt: skip
    assert (found.returncode != 0) == fails, found.stderr
    return found.stderr.splitlines()[-1] if fails else found.stdout.split()


@linux
@pytest.mark.parametrize("layer", LAYERS)
def test_small_nets_run_and_train_without_waking_a_thread_and_large_ones_start_one(layer):
    program = """
glueball.set_num_threads(2)
run(4, 64, 64, 2, batch=1)
run(20, 256, 10, batch=2)
small = threads() - before
large()
print(small, threads() - before)
"""
    assert python(program, GLUEBALL_THREADS=layer) == ["0", "1"]


@pytest.mark.parametrize("count", [2, 3])
def test_the_layers_give_the_same_bits(count):
    program = f"""
import hashlib
glueball.set_num_threads({count})
glueball.random.seed(7)
print(glueball.threading_layer(), hashlib.sha256(large().asnumpy().tobytes()).hexdigest())
"""
    found = [python(program, GLUEBALL_THREADS=layer) for layer in LAYERS]

    assert [name for name, _ in found] == LAYERS
    assert len({digest for _, digest in found}) == 1


def test_the_default_is_the_first_of_those_that_the_build_has():
    assert python("print(glueball.threading_layer())") == [LAYERS[0]]
    assert python("print(glueball.threading_layer())", GLUEBALL_THREADS="") == [LAYERS[0]]


def test_another_word_in_the_environment_is_refused_at_import():
    last = python("", fails=True, GLUEBALL_THREADS="tbb")

    names = " or ".join(f"'{each}'" for each in LAYERS)
    assert last.startswith("glueball.base.ArgumentError: expected the environment variable ")
    assert f"GLUEBALL_THREADS to be {names}, found 'tbb'; choose one of those" in last


@pytest.mark.skipif("openmp" in LAYERS, reason="needs a build without OpenMP")
def test_openmp_is_refused_by_a_build_that_has_none():
    last = python("", fails=True, GLUEBALL_THREADS="openmp")

    assert "found 'openmp'; build with -DGLUEBALL_OPENMP=ON, or choose 'pool'" in last


def test_the_layer_is_chosen_before_the_first_loop_and_not_after():
    other = LAYERS[-1]
    program = f"""
glueball.set_num_threads(2)
glueball.set_threading_layer("{other}")
large()
print(glueball.threading_layer())
glueball.set_threading_layer("{other}")
glueball.set_threading_layer("{LAYERS[0]}")
"""
    if other == LAYERS[0]:
        pytest.skip("needs a build with two layers")
    last = python(program, fails=True)

    assert last.startswith(
        "glueball.base.MXNetError: expected the threading layer to be chosen before"
    )
    assert f"found '{LAYERS[0]}' after loops have run on '{other}'" in last


def test_a_layer_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r"expected a threading layer, .*'pool'.*, found 'tbb'; "):
        glueball.set_threading_layer("tbb")


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("count", [1, 3])
def test_the_environment_sets_the_number_and_a_call_sets_another(layer, count):
    program = (
        "print(glueball.num_threads()); glueball.set_num_threads(2); print(glueball.num_threads())"
    )

    assert python(program, GLUEBALL_THREADS=layer, OMP_NUM_THREADS=str(count)) == [str(count), "2"]


@openmp
@linux
def test_openmps_limit_bounds_a_call_too():
    program = (
        "glueball.set_num_threads(3); large(); print(glueball.num_threads(), threads() - before)"
    )

    assert python(program, OMP_THREAD_LIMIT="1") == ["1", "0"]


@openmp
@linux
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_openmp_binds_threads_to_the_places_that_it_is_told():
    first, second, *_ = sorted(os.sched_getaffinity(0))
    program = """
glueball.set_num_threads(2)
old = set(os.listdir("/proc/self/task"))
large()
(new,) = set(os.listdir("/proc/self/task")) - old
print(*os.sched_getaffinity(int(new)))
"""
    found = python(program, OMP_PROC_BIND="true", OMP_PLACES=f"{{{first}}},{{{second}}}")

    assert found == [str(second)]


@openmp
@linux
@pytest.mark.parametrize("own", ["", "glueball.set_num_threads(2)"])
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_threadpoolctl_sees_and_bounds_the_threads(own):
    program = f"""
import threadpoolctl
{own}
allowed = glueball.num_threads()
runtime = os.path.realpath(glueball.show_config(mode="dicts")["threading layer"]["OpenMP"])
print(runtime in [os.path.realpath(each["filepath"]) for each in threadpoolctl.threadpool_info()])
with threadpoolctl.threadpool_limits(1):
    large()
    print(glueball.num_threads(), threads() - before)
large()
print(glueball.num_threads() == allowed, threads() - before)
"""
    assert python(program, OMP_NUM_THREADS="2") == ["True", "1", "0", "True", "1"]


# What a forked child may use, and that it comes to an end.
FORK = """
import warnings
warnings.simplefilter("ignore")  # of a fork beside threads
child = os.fork()
if child == 0:
    large()
    print(glueball.num_threads(), flush=True)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
large()
print(glueball.num_threads())
"""


@linux
@pytest.mark.parametrize("layer", LAYERS)
def test_a_child_forked_after_a_loop_stays_on_one_thread(layer):
    program = "glueball.set_num_threads(2); large()\n" + FORK

    assert python(program, GLUEBALL_THREADS=layer) == ["1", "2"]


@linux
@pytest.mark.parametrize(
    ("layer", "count"), [("pool", "2"), pytest.param("openmp", "1", marks=openmp)]
)
def test_a_child_forked_before_any_loop_has_the_pools_threads_and_none_of_openmps(layer, count):
    # Others in the process may have used OpenMP's runtime: a child would wait for their threads.
    program = "glueball.set_num_threads(2)\n" + FORK

    assert python(program, GLUEBALL_THREADS=layer) == [count, "2"]
