"""Execute the notebooks of this folder and store what they give: ``make notebooks``, or with names, those.

Stored is what is the same wherever it is run: no times, no numbers of executions, no versions. A notebook whose numbers
differ from machine to machine says so in its metadata (``"hlsgen": {"outputs": "vary"}``); of all others, tests compare
what is stored with what they give.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
_WIDGET = "application/vnd.jupyter.widget-view+json"
_SECONDS = 600


def notebooks() -> list[Path]:
    """All of this folder."""
    return sorted(FOLDER.glob("*.ipynb"))


def executed(path: Path) -> nbformat.NotebookNode:
    """A notebook with what it gives now, by a kernel of its own that works in its folder.

    Raises nbclient.exceptions.CellExecutionError if a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=_SECONDS, coalesce_streams=True, resources=place).execute()
    return _plain(notebook)


def outputs(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """The texts that each cell of code gave."""
    return [[_text(output) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def _text(output: Any) -> str:
    return str(output.text if output.output_type == "stream" else output.data.get("text/plain", ""))


def _plain(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [output for output in cell.outputs if _WIDGET not in output.get("data", {})]
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = None
                if "text" in output:  # warnings name files
                    output.text = output.text.replace(f"{FOLDER.parents[1]}/", "")
    return notebook


def main() -> None:
    """Execute and store."""
    wanted = [FOLDER / name for name in sys.argv[1:]] or notebooks()
    for path in wanted:
        nbformat.write(executed(path), path)
        print(path.name)


if __name__ == "__main__":
    main()
