"""docs/compatibility.md leaves out no point, and names only tests that exist."""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "compatibility.md"

# `gluon/block/test_naming.py::test_one`, and `::test_another` for one more of the same file.
# The numbers of all points, as first and last of each run: the page may name a run as "P-180 to P-189".
POINTS = [
    (1, 18), (30, 36), (50, 56), (60, 64), (100, 115), (130, 145), (160, 172), (180, 193), (210, 226), (240, 251),
    (260, 270), (300, 312), (340, 350), (380, 394), (399, 401), (410, 414), (430, 447), (460, 463), (480, 483),
    (500, 502), (510, 519), (550, 556),
]  # fmt: skip
# Where the specification that the numbers come from lies beside the checkout, they are compared with it.
SPECIFICATION = (
    Path(os.environ.get("GLUEBALL_DOCUMENTS") or ROOT.parent / "shared" / "gluon") / "behaviour.md"
)

REFERENCE = re.compile(r"`(?:tests/python/)?((?:[\w/]+\.py)?)(?:::(\w+))?(?:\[[^`]*\])?`")


def references():
    """Yield the file and the test (or '') of each reference in the page's tables."""
    for line in PAGE.read_text(encoding="utf8").splitlines():
        if not line.startswith("| P-"):
            continue
        file = ""
        for match in REFERENCE.finditer(line.rsplit("|", 2)[1]):
            file = match[1] or file
            yield file, match[2] or ""


def test_every_test_that_the_page_names_exists():
    missing = []
    sources = {}
    for file, test in references():
        path = ROOT / "tests" / "python" / file
        if file not in sources:
            sources[file] = path.read_text(encoding="utf8") if path.is_file() else None
        if sources[file] is None or (test and f"def {test}(" not in sources[file]):
            missing.append(f"{file}::{test}")

    assert missing == []


def test_every_point_is_shown_by_a_test():
    rows = [
        line for line in PAGE.read_text(encoding="utf8").splitlines() if line.startswith("| P-")
    ]

    assert len(rows) > 80
    assert [row for row in rows if not REFERENCE.search(row.rsplit("|", 2)[1])] == []


def numbers(text):
    """Return the points that a text names, runs taken apart."""
    found = set()
    for first, last in re.findall(r"P-(\d{3})(?: to P-(\d{3}))?", text):
        found.update(range(int(first), int(last or first) + 1))
    return found


def test_page_leaves_out_no_point():
    wanted = {number for first, last in POINTS for number in range(first, last + 1)}
    text = PAGE.read_text(encoding="utf8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| P-")]

    assert numbers("\n".join(rows)) == wanted
    if SPECIFICATION.is_file():
        assert numbers(SPECIFICATION.read_text(encoding="utf8")) == wanted
