"""Rows in a notebook, as widgets of ipywidgets below the cell that runs; they go when they are done with."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from hlsgen.progress.rows import Row


class NotebookDisplay:
    """A box with a line for each row."""

    def __init__(self) -> None:
        import ipywidgets
        from IPython.display import display

        self._widgets = ipywidgets
        self._box = ipywidgets.VBox()
        self._lines: dict[Row, Any] = {}
        display(self._box)

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows, in place of those before."""
        for row in [row for row in self._lines if row not in rows]:
            self._lines.pop(row).close()
        for row in rows:
            if row not in self._lines:
                self._lines[row] = self._line(row)
            bar, text = self._lines[row].children
            bar.max, bar.value = row.total or 1, row.done
            bar.layout.display = "none" if row.total is None else ""
            text.value = html.escape(f"{row.what} ({row.figures}) {row.detail}")
        lines = tuple(self._lines[row] for row in rows)
        if self._box.children != lines:
            self._box.children = lines

    def _line(self, row: Row) -> Any:
        layout = self._widgets.Layout(width="16em")
        return self._widgets.HBox([self._widgets.IntProgress(min=0, layout=layout), self._widgets.HTML()])

    def close(self) -> None:
        """Leave the cell as it was."""
        for line in self._lines.values():
            line.close()
        self._box.close()
