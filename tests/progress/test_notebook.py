"""Progress in notebooks: widgets below the cell that runs, where ipywidgets is there; else nothing."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.progress.terminal import LOOK

WIDGET = "application/vnd.jupyter.widget-view+json"
WATCHED = """
    texts = set()

    def run(name):
        with task(name, total=3) as step:
            for number in range(3):
                step.say(f"<b>{number}</b>")
                step.advance()
                look()
                lines = watcher.WATCHER._display._box.children
                texts.update(line.children[1].value for line in lines)
                assert [(line.children[0].value, line.children[0].max) for line in lines] == [(number + 1, 3)]

    run("first")
"""


def run(cells: list[str]) -> list[list[Any]]:
    """Execute cells in a kernel; gives the outputs of each."""
    for name in ("nbclient", "ipykernel", "ipywidgets"):
        pytest.importorskip(name, reason=f"{name} is not installed (pip install '.[docs]')")
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook

    notebook = new_notebook(cells=[new_code_cell(textwrap.dedent(cell)) for cell in cells])
    place = {"metadata": {"path": str(Path(__file__).resolve().parents[2])}}
    NotebookClient(notebook, timeout=120, coalesce_streams=True, resources=place).execute()
    return [cell.outputs for cell in notebook.cells]


def texts(outputs: list[Any]) -> str:
    return "".join(output.get("text", "") for output in outputs)


def test_widgets_below_the_cell_that_runs() -> None:
    _, first, second, third = run(
        [LOOK, WATCHED, "run('second')", "print(sorted(texts)[0], visible(), watcher.WATCHER._display)"]
    )
    for outputs in (first, second):
        assert [list(output.data) for output in outputs] == [["text/plain", WIDGET]]
    assert texts(third).startswith("first (1/3, ")
    assert texts(third).endswith(" &lt;b&gt;0&lt;/b&gt; True None\n")


def test_an_error_is_shown_alone() -> None:
    _, outputs = run([LOOK, WATCHED + "\n    try:\n        with task('failing'):\n            1 / 0\n    except ZeroDivisionError as error:\n        print(error)"])  # fmt: skip
    assert texts(outputs) == "division by zero\n"


def test_without_ipywidgets_there_is_nothing() -> None:
    (outputs,) = run(
        [
            """
            import sys
            sys.modules["ipywidgets"] = None
            import hlsgen.progress.watcher as watcher
            from hlsgen.progress import task, visible

            with task("converting"):
                assert not watcher.WATCHER._rows
            print(visible())
            """
        ]
    )
    assert [output.output_type for output in outputs] == ["stream"] and texts(outputs) == "False\n"
