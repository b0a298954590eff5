"""What a file says is handed out by type, and every error of what reads it names the file."""

from __future__ import annotations

import math

import pytest

from glueball._reading import Fields, in_file, parse_json, reading
from glueball.base import DtypeError, FileFormatError, MissingFileError, MXNetError, ShapeError

FIELDS = Fields(
    {
        "text": "é", "integer": 3, "number": 2.5, "list": [1], "object": {"a": 1}, "null": None,
        "truth": True, "huge": 10**400, "nan": math.nan, "shape": [2, -1],
    },
    "head",
)  # fmt: skip


def test_members_are_handed_out_by_type():
    assert FIELDS.text("text") == "é"
    assert FIELDS.integer("integer", 0, 3) == 3
    assert FIELDS.number("number") == 2.5
    assert FIELDS.number("integer") == 3.0
    assert FIELDS.items("list") == [1]
    assert list(FIELDS.fields("object")) == ["a"]
    assert FIELDS.lengths("shape") == [2, -1]
    assert FIELDS.lengths("null") is None
    assert "text" in FIELDS
    assert "other" not in FIELDS


@pytest.mark.parametrize(
    ("read", "fault"),
    [
        (lambda f: f.text("other"), "head without 'other'"),
        (lambda f: f.text("null"), "'null' of head is null, not a text"),
        (lambda f: f.text("list"), "'list' of head is a list, not a text"),
        (lambda f: f.integer("truth", 0, 9), "'truth' of head is a truth value, not an integer"),
        (lambda f: f.integer("integer", 4, 9), "is 3, not an integer from 4 to 9"),
        (lambda f: f.integer("number", 0, 9), "is 2.5, not an integer from 0 to 9"),
        (lambda f: f.integer("huge", 0, 9), "is a number beyond 10^30, not an integer from 0 to 9"),
        (lambda f: f.number("nan"), "is nan, not a finite number"),
        (lambda f: f.number("huge"), "is a number beyond 10^30, not a finite number"),
        (lambda f: f.number("truth"), "is a truth value, not a finite number"),
        (lambda f: f.number("text"), "is a text, not a finite number"),
        (lambda f: f.items("object"), "is an object, not a list"),
        (lambda f: f.fields("text"), "is a text, not an object"),
        (lambda f: f.lengths("text"), "is a text, not lengths"),
        (lambda f: Fields([], "head"), "head is a list, not an object"),
    ],
)
def test_a_member_of_another_type_is_named_with_its_place(read, fault):
    with pytest.raises(FileFormatError) as caught:
        read(FIELDS)
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff", "[" * 100000, "1" * 5000],
    ids=["empty", "cut", "no text", "deep", "digits"],
)
def test_what_is_not_json_is_an_error_of_the_format(text):
    with pytest.raises(FileFormatError):
        parse_json(text)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (FileFormatError("no end"), FileFormatError, "expected bread in 'a/b', found no end; bake it"),
        (KeyError("x"), FileFormatError, "expected bread in 'a/b', found KeyError: 'x'; bake it"),
        (ValueError("one\ntwo"), FileFormatError, "expected bread in 'a/b', found one; bake it"),
        (ValueError(), FileFormatError, "expected bread in 'a/b', found ValueError; bake it"),
        (RecursionError("deep"), FileFormatError, "expected bread in 'a/b', found deep; bake it"),
        (OSError(22, "Invalid argument"), FileFormatError, "expected bread in 'a/b', found [Errno 22]"),
        (FileFormatError("in 'a/b', no"), FileFormatError, "in 'a/b', no"),
        (ShapeError("wrong"), ShapeError, "wrong (In file 'a/b'.)"),
        (DtypeError("wrong in a/b"), DtypeError, "wrong in a/b"),
        (MemoryError("much"), MemoryError, "much"),
        (MissingFileError(2, "gone", "c"), MissingFileError, "gone"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)  # fmt: skip
def test_errors_name_the_file_what_was_expected_and_what_to_do(error, kind, message):
    with pytest.raises(kind) as caught, reading("a/b", "bread", "bake it"):
        raise error

    assert type(caught.value) is kind
    assert str(caught.value).startswith(message)
    if kind is not MemoryError:
        assert isinstance(caught.value, MXNetError)


def test_an_error_that_names_its_file_stays_as_it_is():
    error = ShapeError("wrong in '/a'")
    assert in_file(error, "/a") is error
    assert str(in_file(error, "/b")) == "wrong in '/a' (In file '/b'.)"
