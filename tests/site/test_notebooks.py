"""The notebooks run, in a kernel of their own, and give what is stored with them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LONG = {"mnist_cnn"}
"""Those that compile a score of designs: some minutes."""


@pytest.fixture(scope="module")
def execute() -> ModuleType:
    for name in ("nbclient", "ipykernel", "ipywidgets"):
        pytest.importorskip(name, reason=f"{name} is not installed (pip install '.[docs]')")
    spec = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "path", [pytest.param(p, marks=[pytest.mark.slow] if p.stem in LONG else [], id=p.stem) for p in NOTEBOOKS]
)
def test_they_run(path: Path, execute: ModuleType) -> None:
    import nbformat

    stored, found = nbformat.read(path, as_version=4), execute.executed(path)
    if stored.metadata.get("hlsgen", {}).get("outputs") == "vary":  # of training, from machine to machine
        assert [bool(texts) for texts in execute.outputs(found)] == [bool(texts) for texts in execute.outputs(stored)]
    else:
        assert execute.outputs(found) == execute.outputs(stored), "make notebooks stores what they give now"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored_can_be_read(path: Path) -> None:
    """Of a size to be kept, whole, and without what belongs to one machine."""
    text = path.read_text(encoding="utf-8")
    assert len(text) < 100_000 and str(FOLDER.parents[1]) not in text and "/tmp" not in text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert cells and all(cell["execution_count"] is None for cell in cells)
    assert not any(output["output_type"] == "error" for cell in cells for output in cell["outputs"])


def test_there_are_four() -> None:
    assert {path.stem for path in NOTEBOOKS} == {"first_steps", "float_to_fitting", "jet_tagging", "mnist_cnn"}
