"""Builds C++ projects outside the source tree, as somebody who embeds glueball would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "embed"
COMPILERS = ["g++", "clang++"]
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror"

# CMake and Ninja are in the virtual environment, which need not be the activated one.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def run(*command: str | Path, fails: bool = False, **options) -> str:
    """Run a command that has to succeed (or to fail); return what it prints, on both streams."""
    result = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PATH": PATH},
        check=False,
        **options,
    )
    assert (result.returncode != 0) == fails, f"{command}\n{result.stdout}"
    return result.stdout


def build(project: Path, compiler: str, *settings: str, program: str = "all") -> Path:
    """Configure and build a project with `compiler` and all warnings as errors; return the folder."""
    folder = project / f"build-{compiler}"
    run(
        "cmake", "-S", project, "-B", folder, "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_CXX_FLAGS={WARNINGS}", "-DCMAKE_CXX_STANDARD=17", "-DCMAKE_CXX_EXTENSIONS=OFF",
        *settings,
    )  # fmt: skip
    run("cmake", "--build", folder, "--target", program)
    return folder


def copy(name: str, folder: Path) -> Path:
    """Copy the project `name`, and the program that all projects build, into a new folder."""
    project = folder / name
    shutil.copytree(FOLDER / name, project)
    shutil.copy(FOLDER / "circle.cpp", project)
    return project


def glueball_option(option: str) -> Path:
    """Return what ``python -m glueball`` prints for an option: a path in the installed wheel."""
    printed = run(sys.executable, "-P", "-m", "glueball", option, cwd=Path(sys.prefix))
    return Path(printed.strip())
