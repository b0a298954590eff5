#!/usr/bin/env python3
"""Put the pinned Eigen headers, with their licences, into ``third_party/eigen``.

The headers come out of one wheel of the Python package registry, named and checksummed in
``eigen.toml``. pip fetches it, because pip already knows the user's mirrors, proxies and
certificates. Running this again when the right version is there does nothing.

    python third_party/vendor_eigen.py                 # fetch if needed
    python third_party/vendor_eigen.py --wheel FILE    # from a wheel fetched elsewhere
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

# Before what no older Python has, and said here: frontends ask this file before they read the metadata.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"glueball requires Python >= 3.11, found {sys.version.split()[0]} ({sys.executable}); "
        "use a newer interpreter"
    )
import tomllib

__all__ = ["is_vendored", "vendor"]

HERE = Path(__file__).resolve().parent
TARGET = HERE / "eigen"
STAMP = TARGET / "VENDORED"  # holds the wheel's checksum; written last, so it vouches for the rest


def is_vendored() -> bool:
    """Say whether ``third_party/eigen`` holds the pinned headers."""
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8").strip() == _pin()["sha256"]


def vendor(wheel: Path | None = None) -> Path:
    """Make sure that the pinned headers are in place.

    Parameters
    ----------
    wheel : Path, optional
        The pinned wheel, fetched by other means. Without it, pip fetches one.

    Returns
    -------
    Path
        The folder to put on the include path.

    Raises
    ------
    RuntimeError
        If the wheel cannot be fetched, or is not the one that was pinned.
    """
    if is_vendored():
        return TARGET
    pin = _pin()
    # A folder beside the target: the final rename then stays on one file system and is atomic, so
    # that a build interrupted here leaves nothing half-unpacked.
    with tempfile.TemporaryDirectory(dir=HERE, prefix=".eigen-") as scratch:
        staging = Path(scratch) / "eigen"
        if wheel is None:
            wheel = _download(pin, Path(scratch))
        _check(wheel, pin)
        _unpack(wheel, pin, staging)
        (staging / STAMP.name).write_text(pin["sha256"] + "\n", encoding="utf-8")
        shutil.rmtree(TARGET, ignore_errors=True)
        try:
            staging.rename(TARGET)
        except OSError:
            if not is_vendored():  # else another build put it there while this one was fetching
                raise
    return TARGET


def _pin() -> dict[str, Any]:
    with (HERE / "eigen.toml").open("rb") as stream:
        pin: dict[str, Any] = tomllib.load(stream)["wheel"]
    return pin


def _download(pin: dict[str, Any], folder: Path) -> Path:
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary=:all:", "--dest", str(folder)),
        *("--platform", pin["platform"], "--implementation", "cp"),
        *("--python-version", pin["python-version"], "--abi", pin["abi"]),
        f"{pin['project']}=={pin['version']}",
    ]
    # A user's rule "never install outside a virtual environment" is about installing; this only
    # downloads, and a build frontend's isolated environment is not a virtual one.
    environment = {**os.environ, "PIP_REQUIRE_VIRTUALENV": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wheel = folder / pin["filename"]
    if done.returncode != 0 or not wheel.is_file():
        found = done.stderr.strip() or "files " + ", ".join(sorted(os.listdir(folder)))
        msg = (
            f"expected pip to download {pin['filename']}, found: {found}; fetch that file "
            "yourself and run third_party/vendor_eigen.py --wheel FILE, or point CMake at any "
            "Eigen >= 5.0 with -DGLUEBALL_EIGEN_DIR=PATH"
        )
        raise RuntimeError(msg)
    return wheel


def _check(wheel: Path, pin: dict[str, Any]) -> None:
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != pin["sha256"]:
        msg = (
            f"expected {wheel.name} with sha256 {pin['sha256']}, found {found}; "
            "delete it and fetch it again: this is not the file that was reviewed"
        )
        raise RuntimeError(msg)


def _unpack(wheel: Path, pin: dict[str, Any], folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir() or not member.filename.startswith(pin["prefix"]):
                continue
            name = member.filename[len(pin["prefix"]) :]
            if not name.startswith(tuple(pin["members"])):
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(member))


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheel", type=Path, help="the pinned wheel, already downloaded")
    try:
        print(vendor(parser.parse_args().wheel))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
