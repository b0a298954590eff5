"""Runs the tests of a public library built on Gluon, gluonts, with glueball standing in for MXNet.

    python -m bench.libraries [pytest's arguments]

Needs the package registry: the library and its tests come from there, into a folder of their own. Without it the
program says so and ends with 0. ``docs/compatibility.md`` says how far the library runs.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

VERSION = "0.17.0"
# What is dense. The rest needs recurrent or convolutional nets.
DENSE = (
    "block", "kernels", "model/n_beats", "model/simple_feedforward", "representation", "trainer",
)  # fmt: skip
CONFTEST = "import glueball\n\nglueball.install_as_mxnet()\n"


def pip(*arguments: str) -> bool:
    """Run pip, and return whether it succeeded."""
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.returncode == 0


def fetch(folder: pathlib.Path) -> pathlib.Path | None:
    """Install the library below `folder`, and return where its tests are; None without a network."""
    release = f"gluonts=={VERSION}"
    sources = folder / "sources"
    is_here = pip(
        "download", "--no-deps", "--no-binary", "gluonts", "-d", str(sources), release
    ) and pip("install", "--target", str(folder / "packages"), release)
    if not is_here:
        return None
    (archive,) = sources.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    # The NumPy of this environment is the one that glueball was built for.
    for each in (folder / "packages").glob("numpy*"):
        subprocess.run(["rm", "-rf", str(each)], check=True)
    return folder / f"gluonts-{VERSION}" / "test" / "mx"


def main() -> int:
    """Return pytest's code."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tests = fetch(folder)
        if tests is None:
            print("skipped: gluonts cannot be had from the package registry here")
            return 0
        (tests / "conftest.py").write_text(CONFTEST, encoding="utf8")
        paths = [str(folder / "packages"), *filter(None, [os.environ.get("PYTHONPATH")])]
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--import-mode=importlib",
        ]
        command += ["-W", "ignore", *(str(tests / part) for part in DENSE), *sys.argv[1:]]
        return subprocess.run(
            command,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            cwd=tests.parents[1],
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
