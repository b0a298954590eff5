"""Runs programs under mpiexec, on the MPI that pip installed beside this Python, or on the machine's."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import time
from pathlib import Path

import pytest

HERE = Path(sysconfig.get_path("scripts")) / "mpiexec"
MPIEXEC = str(HERE) if HERE.exists() else shutil.which("mpiexec")

needs_mpi = pytest.mark.skipif(
    MPIEXEC is None or importlib.util.find_spec("mpi4py") is None,
    reason="needs mpiexec and mpi4py",
)


def start(count, program, *arguments, timeout=None, folder=None):
    """Start a program, given as text, on `count` ranks."""
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    environment.update(OMPI_MCA_rmaps_base_oversubscribe="1", OMP_NUM_THREADS="1")
    environment.update(OPENBLAS_NUM_THREADS="1")
    environment.pop("PYTHONUNBUFFERED", None)  # lines of several ranks would mix
    if timeout is not None:
        environment["GLUEBALL_MPI_TIMEOUT"] = str(timeout)
    command = [
        MPIEXEC,
        "-n",
        str(count),
        sys.executable,
        "-c",
        textwrap.dedent(program),
        *arguments,
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, cwd=folder,
    )  # fmt: skip


def finish(process, seconds=60):
    """Return (exit code, standard output, errors) of a program that has to end in time."""
    try:
        out, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.terminate()  # mpiexec then ends its ranks; killed, it would leave them
        process.communicate(timeout=10)
        raise
    return process.returncode, out, errors


def run(count, program, *arguments, **settings):
    """Return the lines that the ranks print, sorted; fail with their errors if the program fails."""
    code, out, errors = finish(start(count, program, *arguments, **settings))
    assert code == 0, errors
    return sorted(out.splitlines())


def fail(count, program, *arguments, **settings):
    """Return (errors, seconds) of a program that has to fail."""
    begin = time.monotonic()
    code, _, errors = finish(start(count, program, *arguments, **settings))
    assert code != 0, errors
    return errors, time.monotonic() - begin
