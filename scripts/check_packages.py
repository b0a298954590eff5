#!/usr/bin/env python3
"""Check that an sdist and wheels hold what they should, and nothing that they should not.

python scripts/check_packages.py dist/*.tar.gz dist/*.whl
"""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from pathlib import Path

__all__ = ["sdist_faults", "wheel_faults"]

WHEEL_BYTES = 4_000_000  # docs/design.md says what it is made of

# Patterns of names, each of which must match.
IN_WHEEL = [
    r"glueball/__init__\.py",
    r"glueball/_core\..*(so|pyd)",
    r"glueball/_core\.pyi",
    r"glueball/__main__\.py",
    r"glueball/include/glueball/glueball\.h",
    r"glueball/lib/libglueball\.a",
    r"glueball/lib/cmake/glueball/glueballConfig\.cmake",
    r"glueball/lib/cmake/glueball/glueballConfigVersion\.cmake",
    r"glueball/lib/cmake/glueball/glueballTargets\.cmake",
    r"glueball/py\.typed",
    r"glueball-.*\.dist-info/licenses/LICENSE",
    r"glueball-.*\.dist-info/licenses/third_party/eigen/COPYING\.MPL2",
]
IN_SDIST = [
    r"CMakeLists\.txt",
    r"LICENSE",
    r"README\.md",
    r"cpp/include/glueball/version\.h",
    r"tests/cpp/main\.cpp",
    r"third_party/eigen/COPYING\.MPL2",
    r"third_party/eigen/Eigen/Core",
    r"third_party/eigen/VENDORED",
    r"third_party/glueball_build\.py",
]
# What builds leave, and what else may lie in a checkout.
UNWANTED = r"(^|/)(build|\.venv|\.git|__pycache__)/|\.(o|pyc)$|(?<!/libglueball)\.a$"


def wheel_faults(path: Path) -> list[str]:
    """List what is wrong with the wheel at `path`."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    found = _faults(names, IN_WHEEL)
    found += [f"{name} besides the package" for name in names if not name.startswith("glueball")]
    if path.stat().st_size > WHEEL_BYTES:
        found.append(f"{path.stat().st_size} bytes, more than {WHEEL_BYTES}")
    return found


def sdist_faults(path: Path) -> list[str]:
    """List what is wrong with the sdist at `path`."""
    with tarfile.open(path) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    return _faults(names, IN_SDIST)


def _faults(names: list[str], wanted: list[str]) -> list[str]:
    missing = [f"no {p}" for p in wanted if not any(re.fullmatch(p, name) for name in names)]
    return missing + [f"unwanted {name}" for name in names if re.search(UNWANTED, name)]


def main() -> int:
    """Run the command line."""
    wrong = 0
    for path in map(Path, sys.argv[1:]):
        found = wheel_faults(path) if path.suffix == ".whl" else sdist_faults(path)
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {len(found)} faults")
        for fault in found:
            print(f"  {fault}")
        wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
