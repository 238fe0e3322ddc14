"""What is printed and drawn of features."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hlsgen import data
from hlsgen.data.histograms import bars
from hlsgen.errors import InputError


def samples() -> data.Data:
    x = np.array([[0.0, 1.0, np.nan], [0.0, 2.0, np.inf], [4.0, 3.0, 5.0], [4.0, 4.0, 5.0]])
    return data.Data(x, np.array([0, 1, 1, 1]), ("a$b", "pt", "late"), ("g", "q"), source="jets.csv")


def test_features_are_described() -> None:
    found = samples().histogram()
    first, pt, late = found.features
    assert first.row()[1:8] == ["0", "2", "4", "2", "2", "50 %", ""] and first.row()[8].startswith("█")
    assert pt.distribution is not None and pt.distribution.count == 4
    assert late.not_finite == 2 and late.row()[7:] == ["2", "constant"]
    text = str(found)
    assert "jets.csv: 4 samples of 3, float64" in text and "75.0 %" in text
    assert json.loads(json.dumps(found.to_dict()))["classes"] == {"'g'": 1, "'q'": 3}
    assert "<td>pt</td>" in found._repr_html_()
    assert data.Data(np.full((2, 1), np.nan)).histogram().features[0].row()[7] == "2"


def test_bars_show_what_is_there() -> None:
    assert bars((0, 1, 1000, 500)) == " ▁█▄"
    assert len(bars((1,) * 48)) == 24


def test_figures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    found = samples().histogram()
    assert found.plot(tmp_path / "features.png").read_bytes() == found.plot(tmp_path / "again.png").read_bytes()
    assert "a$b" in found.plot(tmp_path / "features.svg").read_text()
    with pytest.raises(InputError, match="ends in .gif"):
        found.plot(tmp_path / "features.gif")
