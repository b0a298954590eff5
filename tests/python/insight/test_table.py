"""Tables of text that fit a terminal."""

import sys

import pytest

from glueball.insight import _table
from glueball.insight._table import Column, Line, bytes_text, layout, paint, shape_text, shorten

COLUMNS = [Column("Path", shrinks=True), Column("Params", right=True)]


def test_columns_are_as_wide_as_their_cells():
    lines = layout(COLUMNS, [(("0.weight", "12"), ""), (("1", "1,234,567"), "dim")], 80)

    assert [line.text for line in lines] == [
        "Path         Params",
        "─" * 19,
        "0.weight         12",
        "1         1,234,567",
    ]
    assert [line.style for line in lines] == ["bold", "dim", "", "dim"]


@pytest.mark.parametrize("width", [80, 40, 20])
def test_a_long_name_loses_its_middle_for_the_width(width):
    name = "encoder." * 20 + "weight"

    lines = layout(COLUMNS, [((name, "12"), "")], width)

    assert max(len(line.text) for line in lines) == width
    assert lines[2].text.startswith("enc")
    assert "weight  " in lines[2].text


def test_what_is_short_enough_stays():
    assert shorten("weight", 6) == "weight"
    assert shorten("weights", 6) == "we…hts"


def test_a_table_that_cannot_be_narrower_is_wider():
    lines = layout([Column("Number", right=True)] * 3, [(("1" * 10,) * 3, "")], 20)

    assert len(lines[2].text) == 34


def test_shapes_say_what_is_not_known():
    assert shape_text((None, 20)) == "(?, 20)"
    assert shape_text((3,)) == "(3,)"
    assert shape_text(None) == "?"
    assert shape_text([(1, 2), [(3,)]]) == "(1, 2), (3,)"


def test_bytes_have_a_unit():
    assert [bytes_text(n) for n in (0, 1023, 1024, 40_000_000)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "38.1 MiB",
    ]


@pytest.mark.parametrize("has_rich", [True, False])
def test_a_terminal_gets_colours_where_rich_is_installed(monkeypatch, capsys, has_rich):
    if has_rich:
        pytest.importorskip("rich")
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    paint([Line("frozen", "dim"), Line("[red]name[/red]")])

    out = capsys.readouterr().out
    assert ("\x1b[2mfrozen" in out) == has_rich
    assert "[red]name[/red]" in out  # names are not read as markup


def test_a_wider_terminal_is_used(monkeypatch):
    monkeypatch.setenv("COLUMNS", "132")
    assert _table.terminal_width() == 132

    monkeypatch.setenv("COLUMNS", "40")
    assert _table.terminal_width() == 80
