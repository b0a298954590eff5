from __future__ import annotations

import pytest
from projects import COMPILERS, ROOT, run


@pytest.fixture(params=COMPILERS)
def compiler(request):
    return request.param


@pytest.fixture(scope="session")
def built_by_clang(tmp_path_factory):
    """Build the library with clang++, without a warning, and return the build folder.

    One instruction set, and unoptimised, which takes a fraction of the time.
    """
    folder = tmp_path_factory.mktemp("library") / "build"
    run(
        "cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++",
        "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0", "-DGLUEBALL_ISAS=v2",
        "-DGLUEBALL_WERROR=ON",
    )  # fmt: skip
    run("cmake", "--build", folder)
    return folder


@pytest.fixture(scope="session")
def prefix(built_by_clang, tmp_path_factory):
    """Return what ``cmake --install`` puts into a folder, moved somewhere else afterwards."""
    first = tmp_path_factory.mktemp("installed") / "first"
    run("cmake", "--install", built_by_clang, "--prefix", first)
    return first.rename(first.with_name("moved"))
