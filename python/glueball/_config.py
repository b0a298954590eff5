"""What glueball runs on: versions, instruction set and threads, for reports and for the curious."""

from __future__ import annotations

import platform
from typing import Any, Literal

import numpy as np

from glueball import _core
from glueball.base import ArgumentError

__all__ = ["show_config"]


def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, Any] | None:
    """Print what this glueball is made of and runs on, or return it.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        "stdout" prints; "dicts" returns the same as a dictionary, and prints nothing.

    Returns
    -------
    dict or None
        None where it is printed. Else the keys are "version", "Eigen", "instruction set" (with
        "in use", and "available", a list whose first is the best and each of which the environment
        variable ``GLUEBALL_ISA`` may name), "threads", "threading layer" (with "in use"; "available",
        what ``GLUEBALL_THREADS`` may name; and "OpenMP", the file of its runtime, "" in a build
        without one), "NumPy" and "Python".

    Raises
    ------
    ValueError
        For another `mode`.

    Examples
    --------
    >>> import glueball
    >>> config = glueball.show_config(mode="dicts")
    >>> config["instruction set"]["in use"] in config["instruction set"]["available"]
    True
    """
    if mode not in ("stdout", "dicts"):
        message = f"expected mode 'stdout' or 'dicts', found {mode!r}; choose one of the two"
        raise ArgumentError(message)
    config: dict[str, Any] = {
        "version": _core.__version__,
        "Eigen": _core.eigen_version(),
        "instruction set": {
            "in use": _core.instruction_set(),
            "available": _core.instruction_sets(),
        },
        "threads": _core.num_threads(),
        "threading layer": {
            "in use": _core.threading_layer(),
            "available": _core.threading_layers(),
            "OpenMP": _core.openmp_runtime(),
        },
        "NumPy": np.__version__,
        "Python": platform.python_version(),
    }
    if mode == "dicts":
        return config
    isa, layer = config["instruction set"], config["threading layer"]
    print(  # noqa: T201
        f"glueball {config['version']}\n"
        f"  Eigen            {config['Eigen']}\n"
        f"  instruction set  {isa['in use']} (available: {', '.join(isa['available'])})\n"
        f"  threads          {config['threads']} on {layer['in use']} (available: {', '.join(layer['available'])})\n"
        f"  OpenMP           {layer['OpenMP'] or 'not in this build'}\n"
        f"  NumPy            {config['NumPy']}\n"
        f"  Python           {config['Python']}"
    )
    return None
