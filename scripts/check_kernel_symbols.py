#!/usr/bin/env python3
"""Check that the kernels of one instruction set cannot be linked in place of another's.

The linker keeps one copy of every weak symbol (inline functions, templates), whichever it meets
first. If two instruction sets defined the same one, code for AVX-512 could run on a processor
without it. So each kernel object may define only names that carry its instruction set, in Eigen's
renamed namespace or in ``glueball::kernels``; and no static initializer, which would run before
the processor is looked at.

    python scripts/check_kernel_symbols.py BUILD_FOLDER
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

__all__ = ["faults"]

_LINE = re.compile(r"^[0-9a-f]* *(?P<kind>[A-Za-z]) (?P<name>\S+)$")


def faults(nm_output: str, isa: str) -> list[str]:
    """List what is wrong with an object for the instruction set `isa`, from ``nm``'s output."""
    own = (f"{len(f'Eigen_{isa}')}Eigen_{isa}", f"8glueball7kernels{len(isa)}{isa}")
    found = []
    for line in nm_output.splitlines():
        match = _LINE.match(line.strip())
        if match is None:
            continue
        kind, name = match["kind"], match["name"]
        if "_GLOBAL__sub_I_" in name:
            found.append(f"static initializer {name}")
            continue
        # Upper case is defined for other objects to see; u is a unique global, v and w are weak.
        # References have no address, so their lines begin with spaces.
        shared = (kind.isupper() or kind in "uvw") and not line.startswith(" ")
        if shared and not any(mark in name for mark in own):
            found.append(f"symbol {name} ({kind}) outside its namespaces")
    return found


def main() -> int:
    """Run the command line."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    objects = 0
    wrong = 0
    for folder in sorted(Path(sys.argv[1]).rglob("glueball_kernels_*.dir")):
        isa = folder.stem.removeprefix("glueball_kernels_")
        for path in sorted(folder.rglob("*.o")):
            nm = subprocess.run(["nm", str(path)], check=True, capture_output=True, text=True)
            objects += 1
            for fault in faults(nm.stdout, isa):
                print(f"{path.name} for {isa}: {fault}")
                wrong += 1
    print(f"kernel symbols: {objects} objects, {wrong} faults")
    if objects == 0:
        print(f"expected kernel objects below {sys.argv[1]}, found none; build first")
    return 1 if wrong or objects == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
