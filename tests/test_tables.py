"""Tables of text as notebooks and terminals show them."""

from __future__ import annotations

from hlsgen.tables import html_table, rich_table

HEADER, ROWS = ["<a>", "b"], [["1 & 2", "[red]x[/]"]]


def test_every_text_of_a_table_is_escaped() -> None:
    body = (
        "<thead><tr><th>&lt;a&gt;</th><th>b</th></tr></thead>"
        "<tbody><tr><td>1 &amp; 2</td><td>[red]x[/]</td></tr></tbody></table>"
    )
    assert html_table("x < y", HEADER, ROWS) == f"<table><caption>x &lt; y</caption>{body}"
    assert html_table("", HEADER, ROWS) == f"<table>{body}"


def test_terminals_read_no_text_as_markup() -> None:
    table = rich_table("[bold]t", HEADER, ROWS)
    assert str(table.title) == "[bold]t"
    assert [str(column.header) for column in table.columns] == HEADER
    assert [str(cell) for cell in table.columns[1].cells] == ["[red]x[/]"]
