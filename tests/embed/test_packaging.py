"""The three ways of embedding glueball in a CMake project work, each in three lines, outside the source tree."""

from __future__ import annotations

import os
import re
import sys
import tarfile

import pytest
from projects import FOLDER, ROOT, WARNINGS, build, copy, glueball_option, run

import glueball

# One instruction set is enough to see that the library is built.
SMALL = ["-DGLUEBALL_ISAS=v2", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0"]
SOURCES = ["CMakeLists.txt", "LICENSE", "cmake", "cpp", "third_party"]


def check(program):
    """Check that the program trains a net, and says what is wrong with an input."""
    printed = run(program)

    assert re.search(rf"glueball {re.escape(glueball.__version__)}: loss 0\.\d+ -> 0\.\d+", printed)
    assert re.search(r"expected .*, found .*; ", printed)


@pytest.mark.parametrize("project", ["find_package", "add_subdirectory", "fetch_content"])
def test_three_lines_of_cmake_name_glueball(project):
    lines = (FOLDER / project / "CMakeLists.txt").read_text(encoding="utf8").splitlines()

    assert 2 <= sum("glueball" in line.lower() for line in lines if line[:1] != "#") <= 3


def test_find_package_finds_the_installed_wheel(compiler, tmp_path):
    project = copy("find_package", tmp_path)

    built = build(project, compiler, f"-Dglueball_DIR={glueball_option('--cmake-dir')}")

    check(built / "circle")


def test_find_package_finds_what_cmake_installed_and_somebody_moved(compiler, prefix, tmp_path):
    project = copy("find_package", tmp_path)

    built = build(project, compiler, f"-DCMAKE_PREFIX_PATH={prefix}")

    check(built / "circle")


PLUGIN = """
#include <glueball/glueball.h>
extern "C" float work() {
  glueball::set_num_threads(2);
  glueball::Sequential net;
  net.add<glueball::Dense>("dense0", 2000);
  net.initialize(std::make_shared<glueball::One>());
  glueball::Tensor x({200, 1000});
  x.fill(1.0);
  return net(x).data<float>()[0];
}
"""
# The thread that calls ends before dlclose(), so that its storage does not keep the plugin.
HOST = """
#include <dlfcn.h>
#include <thread>
int main(int, char** arguments) {
  void* plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) return 1;
  float sum = 0.0F;
  std::thread([&] { sum = reinterpret_cast<float (*)()>(dlsym(plugin, "work"))(); }).join();
  if (dlclose(plugin) != 0) return 2;
  if (dlopen(arguments[1], RTLD_NOW | RTLD_NOLOAD) == nullptr) return 3;  // its threads are in it
  return sum == 1000.0F ? 0 : 4;
}
"""


def test_a_plugin_whose_threads_are_at_rest_stays_when_it_is_closed(compiler, tmp_path):
    (tmp_path / "plugin.cpp").write_text(PLUGIN)
    (tmp_path / "host.cpp").write_text(HOST)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.24)\n"
        "project(plugin LANGUAGES CXX)\n"
        "find_package(glueball 0.1 CONFIG REQUIRED)\n"
        "add_library(plugin MODULE plugin.cpp)\n"
        "target_link_libraries(plugin PRIVATE glueball::glueball -Wl,--exclude-libs,ALL)\n"
        "if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)  # unique symbols would keep it loaded\n"
        "  target_compile_options(plugin PRIVATE -fno-gnu-unique)\n"
        "endif()\n"
        "add_executable(host host.cpp)\n"
        "find_package(Threads REQUIRED)\n"
        "target_link_libraries(host PRIVATE Threads::Threads ${CMAKE_DL_LIBS})\n"
    )

    built = build(tmp_path, compiler, f"-Dglueball_DIR={glueball_option('--cmake-dir')}")

    run(built / "host", built / "libplugin.so")


def test_find_package_refuses_another_version(prefix, tmp_path):
    project = copy("find_package", tmp_path)
    lists = project / "CMakeLists.txt"
    lists.write_text(lists.read_text(encoding="utf8").replace("glueball 0.1", "glueball 9.9"))

    printed = run("cmake", "-S", project, "-B", project / "build", "-G", "Ninja",
                  f"-DCMAKE_PREFIX_PATH={prefix}", fails=True)  # fmt: skip

    assert 'requested version "9.9"' in printed


def test_add_subdirectory_builds_the_library(compiler, tmp_path):
    project = copy("add_subdirectory", tmp_path)
    (project / "glueball").symlink_to(ROOT)

    built = build(project, compiler, *SMALL, program="circle")

    check(built / "circle")


def test_fetch_content_builds_an_archive_of_the_sources(compiler, tmp_path):
    project = copy("fetch_content", tmp_path)
    archive = tmp_path / "glueball.tar"
    with tarfile.open(archive, "w") as tar:
        for name in SOURCES:
            tar.add(ROOT / name, f"glueball/{name}")

    built = build(project, compiler, *SMALL, f"-DGLUEBALL_URL={archive.as_uri()}", program="circle")

    check(built / "circle")


def test_a_parent_project_installs_and_tests_nothing_of_glueballs(tmp_path):
    project = copy("add_subdirectory", tmp_path)
    (project / "glueball").symlink_to(ROOT)
    folder = project / "build"

    printed = run("cmake", "-S", project, "-B", folder, "-G", "Ninja", "-DGLUEBALL_ISAS=v2")
    run("cmake", "--install", folder, "--prefix", tmp_path / "prefix")

    assert "set it to Release" in printed
    assert not (tmp_path / "prefix").exists()
    assert not list(folder.rglob("CTestTestfile.cmake"))


def test_a_compilers_command_line_is_enough(compiler, tmp_path):
    program = tmp_path / "circle"

    run(compiler, "-std=c++17", *WARNINGS.split(), FOLDER / "circle.cpp", "-o", program,
        f"-I{glueball_option('--include')}", glueball_option("--lib"), "-fopenmp")  # fmt: skip

    check(program)


def test_the_package_names_no_folder_of_the_machine_that_built_it(prefix):
    for folder in (glueball_option("--cmake-dir"), prefix / "lib/cmake/glueball"):
        for file in folder.glob("*.cmake"):
            text = file.read_text(encoding="utf8")
            assert str(ROOT) not in text
            assert str(prefix.parent) not in text


def test_the_options_print_paths_in_the_installed_package():
    package = os.path.dirname(glueball.__file__)

    for option in ("--cmake-dir", "--include", "--lib"):
        assert str(glueball_option(option)).startswith(package)
    assert run(sys.executable, "-P", "-m", "glueball", "--version").strip() == glueball.__version__
    assert "--cmake-dir" in run(sys.executable, "-P", "-m", "glueball")


def test_the_headers_have_the_version_of_the_package():
    text = (glueball_option("--include") / "glueball/version.h").read_text(encoding="utf8")

    assert f'"{glueball.__version__}"' in text
