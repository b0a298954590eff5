"""Sources, tests and pages are in plain English: no phrase of a list, no banners, no endless lines."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What it says now, and what to say instead.
PHRASES = {
    r"\banew\b": "again",
    r"\bwho(?:ever)? calls\b": "the caller",
    r"\bwhoever\b": "name the thing or the person: the caller, other threads, every process",
    r"\b[Ww]hole[ -]numbers?\b": "integer",
    r"\brefer(?:s|ring)? to nothing\b": "empty Tensor",
    r"\bbehind the last\b": "one past the last",
    r"\bbytes? behind\b": "trailing bytes",
    r"\bone behind the other\b": "one after the other",
    r"\bbehind (?:its|the) (?:prefix|header|weight|name)\b": "after",
    r"\bof one's own\b": "of your own",
    r"\b[Ii]nitialis": "initialize, as Gluon spells it",
    r"(?<!there )(?<!There )\b(?:is|are|was|were) no (?!more\b|less\b|longer\b)[A-Za-z]": "is not a",
    r"^\s*(?:#+ |//+ |[-*] |\|)?\s*(?:Read|Written|Refused|Taken|Listed) (?:is|are) ": "subject first",
    r"^\s*(?:#|//+) ?[-=~*_]{3,}.*$": "no banner: a blank line parts ideas",
}
FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)


def files(*patterns):
    """List the files of the checkout, without those that are excused for now and this one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("expected a git checkout, which knows which files are its own")
    names = filter(None, listed.stdout.decode().split("\0"))
    own = Path(__file__).relative_to(ROOT).as_posix()
    return [name for name in names if name != own]


def text_of(name):
    """Return a file's text, or nothing of one that is not text or was deleted."""
    try:
        return (ROOT / name).read_text(encoding="utf8")
    except (UnicodeDecodeError, FileNotFoundError):
        return ""


@pytest.mark.parametrize("phrase", PHRASES, ids=PHRASES.values())
def test_no_file_says_what_is_said_more_plainly(phrase):
    pattern = re.compile(phrase, re.MULTILINE)
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0].strip()}"
        for name in files()
        if name != "LICENSE" and (text := text_of(name))
        for match in pattern.finditer(text)
    ]

    assert found == [], f"say instead: {PHRASES[phrase]}"


def test_lines_of_pages_are_under_120_columns_and_their_code_under_100():
    found = []
    for name in files("*.md"):
        text = text_of(name)
        prose = FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)
        code = "\n".join(FENCE.findall(text))
        found += [
            (name, line) for line in prose.splitlines() if len(line) >= 120 and line[0] != "|"
        ]
        found += [(name, line) for line in code.splitlines() if len(line) >= 100]

    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "made anew",
        "whoever reads",
        "a whole number",
        "what is no block",
        "one byte behind the end",
        "# ---- names ----",
        "Read are chains",
    ],
)
def test_such_a_phrase_would_be_found(text):
    assert any(re.search(phrase, text, re.MULTILINE) for phrase in PHRASES)


@pytest.mark.parametrize(
    "text",
    [
        "there is no file",
        "must be no less than 0",
        "is no longer there",
        "    -----",
        "left behind",
    ],
)
def test_good_english_is_left_alone(text):
    assert not any(re.search(phrase, text, re.MULTILINE) for phrase in PHRASES)
