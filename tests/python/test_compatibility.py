"""docs/compatibility.md names only tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "compatibility.md"

# `gluon/test_naming.py::test_one`, and `::test_another` for one more of the same file.
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
