"""Runs operations beside each other, each pair on two threads for a while: as a program, in a process of its own.

    python thread_stress.py SEED FIRST LAST SECONDS

The pairs of all operations, shuffled by SEED, are run from number FIRST to number LAST, SECONDS each. Before each pair
its number and names are printed, so that the last line of a process that crashed says what crashed. What is wrong in
another way is printed as a line that begins with "wrong:", and makes the exit code 1: a call that had not ended
after a minute, an exception that no caller should see, values that nobody wrote.

Under the thread sanitizer, with an extension built as the preset `tsan` builds the library (-DGLUEBALL_PYTHON=ON), which
also checks the order of locks:

    LD_PRELOAD=$(gcc -print-file-name=libtsan.so) TSAN_OPTIONS="suppressions=thread_sanitizer.supp" \\
        python thread_stress.py 18 0 200 0.2
"""

from __future__ import annotations

import faulthandler
import itertools
import os
import random
import sys
import threading
import time
import warnings
from collections import Counter

import thread_operations
from glueball.base import MXNetError

PATIENCE = 60  # seconds
# What a call may raise beside another besides the errors of glueball: Python's own, of structures that changed.
BEARABLE = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError, UserWarning)  # fmt: skip
UNBEARABLE = (SystemError, RecursionError, NotImplementedError)


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def pairs(seed):
    """Every operation beside every other, and beside itself, in an order of the seed's.

    Most methods are NDArray's, and few of those do what no other does: others come first more often than not.
    """
    every = itertools.combinations_with_replacement(sorted(thread_operations.operations()), 2)
    rng = random.Random(seed)
    place = {pair: rng.random() * 6 ** str(pair).count("NDArray") for pair in every}
    return sorted(place, key=place.__getitem__)


def is_bearable(error):
    if isinstance(error, MXNetError):
        return True
    return isinstance(error, BEARABLE) and not isinstance(error, UNBEARABLE)


def run(pair, seed, seconds, counts):
    """Run two operations beside each other; return what was wrong, if anything."""
    world = thread_operations.World(random.Random(seed))
    table = thread_operations.operations()
    start = threading.Barrier(2)
    wrong = []

    def work(name):
        start.wait()
        end = time.monotonic() + seconds
        while not wrong:
            counts["calls"] += 1
            try:
                table[name](world)
            except BaseException as error:  # noqa: BLE001 - judged below
                counts[f"{type(error).__name__}: {str(error)[:60]}"] += 1
                if not is_bearable(error):
                    wrong.append(f"{name} raised {type(error).__name__}: {error}")
            if time.monotonic() > end:
                return

    threads = [threading.Thread(target=work, args=(name,), daemon=True) for name in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (wrong + world.wrong)[:1]


def main(seed, first, last, seconds):
    faulthandler.enable()
    warnings.simplefilter("ignore")
    sys.setswitchinterval(1e-5)
    counts = Counter()
    failed = False
    for number, pair in enumerate(pairs(seed)[first:last], first):
        say(f"{number}: {pair[0]} beside {pair[1]}")
        faulthandler.dump_traceback_later(PATIENCE + seconds, exit=True)
        for fault in run(pair, seed + number, seconds, counts):
            failed = True
            say(f"wrong: {fault}")
    faulthandler.cancel_dump_traceback_later()
    say(f"{counts.pop('calls')} calls")
    if os.environ.get("GLUEBALL_STRESS_VERBOSE"):
        for text, times in counts.most_common(60):
            say(f"{times:8} {text}")
    thread_operations.remove_files()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:4]), float(sys.argv[4]))
