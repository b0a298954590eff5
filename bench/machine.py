"""What a table of timings must say of the machine that they were measured on."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import glueball


def processor() -> str:
    """Return the processor's own name, where the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def processors() -> int:
    """Return how many processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe() -> dict[str, str | int | float]:
    """Return what the tables say at their head, by name."""
    return {
        "processor": processor(),
        "processors": processors(),
        "instruction set": glueball.instruction_set(),
        "system": f"{platform.system()} {platform.release()}",
        "Python": sys.version.split()[0],
        # Others' work makes medians worse; readers of the table should know.
        "load before": os.getloadavg()[0],
    }
