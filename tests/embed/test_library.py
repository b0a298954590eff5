"""The static library shows its interface only, and does nothing when a program starts."""

from __future__ import annotations

import re
import shutil

import pytest
from projects import FOLDER, ROOT, glueball_option, run

# With kernels for three instruction sets: what it has today and a twentieth more. With those for one: what
# embedders are promised. docs/cpp.md says what takes the room.
MOST_BYTES = 1_820_000
MOST_BYTES_OF_ONE = 1_000_000


@pytest.fixture(scope="module")
def library():
    """The library that the wheel carries."""
    return glueball_option("--lib")


@pytest.fixture(scope="module")
def shared(library, tmp_path_factory):
    """All of the library in one shared object."""
    path = tmp_path_factory.mktemp("shared") / "liball.so"
    run("g++", "-shared", "-o", path, "-Wl,--whole-archive", library, "-Wl,--no-whole-archive",
        "-pthread", "-Wl,--no-undefined")  # fmt: skip
    return path


def exported(path, *, demangled=True):
    """Return (kind, name) for the symbols that `path` shows: nm's letter, and the name."""
    printed = run("nm", "--dynamic", "--defined-only", *(["--demangle"] if demangled else []), path)
    return [tuple(line.split(" ", 2)[1:]) for line in printed.splitlines()]


@pytest.fixture(scope="module")
def library_of_one(tmp_path_factory):
    """What a program that knows its machine would build, as ``cmake --install`` puts it down."""
    folder = tmp_path_factory.mktemp("one")
    run("cmake", "-S", ROOT, "-B", folder / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_CXX_COMPILER=g++", "-DGLUEBALL_ISAS=v3")  # fmt: skip
    run("cmake", "--build", folder / "build")
    run("cmake", "--install", folder / "build", "--prefix", folder / "prefix")
    return folder / "prefix/lib/libglueball.a"


def test_with_one_instruction_set_it_is_below_a_megabyte(library_of_one, tmp_path):
    stripped = shutil.copy(library_of_one, tmp_path / "libglueball.a")
    run("strip", "--strip-unneeded", stripped)

    assert stripped.stat().st_size < MOST_BYTES_OF_ONE


def test_what_is_not_of_the_interface_is_local_to_the_installed_object(library):
    symbols = run("nm", "--extern-only", "--defined-only", library)

    assert "_ZN8glueball5Dense7forward" in symbols
    assert re.findall(r"\S*(?:Eigen|kernels)\S*", symbols) == []
    # A unique symbol here would be a second definition of the program's own.
    assert re.findall(r" u (\S+)", symbols) == []


def test_links_when_it_is_stripped_and_has_not_grown(library, tmp_path):
    stripped = shutil.copy(library, tmp_path / "libglueball.a")
    run("strip", "--strip-unneeded", stripped)

    run("g++", "-std=c++17", FOLDER / "circle.cpp", f"-I{glueball_option('--include')}", stripped,
        "-pthread", "-o", tmp_path / "circle")  # fmt: skip

    run(tmp_path / "circle")
    assert stripped.stat().st_size < MOST_BYTES


def test_a_shared_object_exports_the_interface_and_nothing_behind_it(shared):
    names = [name for _, name in exported(shared)]

    assert "glueball::Dense::forward" in " ".join(names)
    behind = [name for name in names if re.search(r"Eigen|glueball::kernels|\(anonymous", name)]
    assert behind == []


def test_what_others_could_replace_is_the_interface_or_the_standard_library(shared):
    # Strong symbols are the library's own; weak ones are inline functions and templates. A template's
    # symbol begins with its type.
    interface = (
        r"(\w+ |typeinfo for |typeinfo name for |vtable for |non-virtual thunk to )?glueball::"
    )
    strange = [
        name
        for kind, name in exported(shared)
        if not re.match(interface, name)
        and not (kind in "WVu" and re.search(r"\bstd::|__gnu_cxx", name))
    ]

    assert strange == []


def test_the_interface_that_the_headers_declare_is_exported(shared, tmp_path):
    program = tmp_path / "circle"

    run("g++", "-std=c++17", FOLDER / "circle.cpp", "-o", program, f"-I{glueball_option('--include')}",
        shared, f"-Wl,-rpath,{shared.parent}")  # fmt: skip

    run(program)


def test_an_object_can_keep_the_interface_to_itself(library, tmp_path):
    source = tmp_path / "plugin.cpp"
    source.write_text(
        "#include <glueball/glueball.h>\n"
        'extern "C" __attribute__((visibility("default"))) double plugin(double x) {\n'
        "  glueball::Tensor array({2});\n"
        "  array.fill(x);\n"
        "  return array.data<float>()[1];\n"
        "}\n"
    )
    plugin = tmp_path / "plugin.so"

    run("g++", "-std=c++17", "-shared", "-fPIC", "-fvisibility=hidden", "-DGLUEBALL_HIDE_API", source,
        f"-I{glueball_option('--include')}", library, "-pthread", "-Wl,--exclude-libs,libglueball.a",
        "-o", plugin)  # fmt: skip

    names = [name for _, name in exported(plugin)]
    assert "plugin" in names
    assert [name for name in names if "glueball" in name] == []


def test_nothing_runs_when_a_program_is_loaded(library):
    sections = run("readelf", "--section-headers", "--wide", library)

    assert ".text" in sections
    assert re.findall(r"\.(?:preinit_array|init_array|ctors)\S*", sections) == []


def test_the_library_keeps_no_text_of_the_folder_it_was_built_in(library):
    data = library.read_bytes()

    assert str(FOLDER.parent.parent).encode() not in data
