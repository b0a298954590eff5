"""The C++ side of the benches: built with CMake in a folder of its own, and run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "bench"


def program(name: str, folder: Path = FOLDER) -> Path | None:
    """Return a program of bench/cpp, built again if something changed; None if it can't be built.

    Only in `FOLDER` is something built; in another folder it is there or not.
    """
    path = folder / "bench" / "cpp" / name
    if folder == FOLDER and shutil.which("cmake") and (ROOT / "third_party" / "eigen").exists():
        build(name)
    return path if path.exists() else None


def build(target: str) -> None:
    """Build one target; the first time that takes minutes, because the library is compiled.

    Raises
    ------
    subprocess.CalledProcessError
        If it does not compile; what CMake said is printed.
    """
    configure = ["cmake", "-S", ROOT, "-B", FOLDER, "-DCMAKE_BUILD_TYPE=Release"]
    configure += ["-DGLUEBALL_BENCHES=ON", "-DGLUEBALL_PYTHON=OFF", "--log-level=WARNING"]
    if shutil.which("ninja"):
        configure += ["-G", "Ninja"]
    print(f"building {target} in {FOLDER} ...", file=sys.stderr)
    parallel = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
    for command in (
        configure,
        ["cmake", "--build", FOLDER, "--target", target, "--parallel", parallel],
    ):
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            print(run.stdout, run.stderr, sep="\n", file=sys.stderr)
            run.check_returncode()
