"""The #include lines of cpp/ say what depends on what: rooms in one order, and no circle of files.

A unit is a header with its source: `glueball/dense.h` and `nn/dense.cpp` are the unit `nn/dense`.
"""

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CPP = Path(__file__).parents[2] / "cpp"
# Each room includes itself and the rooms before it. Kernels know nothing of the library; what the
# library does with them goes through core/dispatch.
ROOMS = ["kernels", "core", "init", "nn", "loss", "optim", "files", "bindings"]
# The order inside core, as far as one unit needs another to explain its errors.
CORE = ["text", "error", "refuse", "dtype", "shape", "buffer", "parallel", "tensor", "random"]
# Public headers without a source of their own.
HEADER_ONLY = {"dtype": "core", "export": "core", "norm": "nn"}

INCLUDE = re.compile(r'^\s*#\s*include "([^"]+)"', re.MULTILINE)

pytestmark = pytest.mark.skipif(not CPP.is_dir(), reason="needs the checkout")


def sources() -> Iterator[Path]:
    return (path for path in sorted(CPP.rglob("*")) if path.suffix in {".h", ".cpp"})


def room_of_header(stem: str) -> str:
    if stem == "glueball":
        return "bindings"  # includes all of the library, and none of the library includes it
    rooms = [room for room in ROOMS[1:-1] if (CPP / "src" / room / f"{stem}.cpp").exists()]
    return rooms[0] if rooms else HEADER_ONLY[stem]


def unit(path: Path) -> str:
    if path.parent.name == "glueball":
        return f"{room_of_header(path.stem)}/{path.stem}"
    parts = path.relative_to(CPP / "src" if (CPP / "src") in path.parents else CPP).parts
    return f"{parts[0]}/{path.stem}"


def included(path: Path) -> Iterator[str]:
    for name in INCLUDE.findall(path.read_text()):
        places = [
            CPP / "include" / name,
            CPP / "src" / name,
            CPP / "bindings" / name,
            path.parent / name,
        ]
        found = next((place for place in places if place.exists()), None)
        assert found is not None, (
            f"{path.relative_to(CPP)} includes {name!r}, which is nowhere in cpp/"
        )
        yield unit(found)


@pytest.fixture(scope="module")
def needs() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for path in sources():
        graph.setdefault(unit(path), set()).update(included(path))
    return {name: others - {name} for name, others in graph.items()}


def test_rooms_depend_on_earlier_rooms_only(needs):
    wrong = [
        f"{name} includes {other}"
        for name, others in needs.items()
        for other in sorted(others)
        if ROOMS.index(other.split("/")[0]) > ROOMS.index(name.split("/")[0])
    ]

    assert not wrong


def test_no_circle_of_includes(needs):
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(" includes ".join(reversed(error.args[1])))


def test_the_core_stands_in_its_order(needs):
    wrong = [
        f"{name} includes {other}"
        for place, name in enumerate(CORE)
        for other in CORE[place + 1 :]
        if f"core/{other}" in needs[f"core/{name}"]
    ]

    assert not wrong
