"""csynth.xml, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from hlsgen.backends.vitis.report import read_report
from hlsgen.errors import ToolError
from tests.backends.stubs import CSYNTH_XML


def write(folder: Path, text: str) -> Path:
    path = folder / "csynth.xml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_is_read(tmp_path: Path) -> None:
    report = read_report(write(tmp_path, CSYNTH_XML))
    assert (report.top, report.part, report.version) == ("tiny", "xcu250-figd2104-2L-e", "2023.2")
    assert (report.target_clock, report.estimated_clock) == (5.0, 3.648)
    timing = report.performance
    assert (timing.latency_min, timing.latency_max, timing.interval_min, timing.interval_max) == (12, 14, 1, 2)
    assert dict(report.resources) == {"BRAM": 4, "DSP": 96, "FF": 1000, "LUT": 2000, "URAM": 0}
    assert report.available["LUT"] == 1728000
    assert report.utilization()["DSP"] == 96 / 12288
    (module,) = report.modules
    assert (module.name, module.estimated_clock, module.resources["DSP"]) == ("dense", 3.6, 96)
    assert (module.performance.latency_min, module.performance.interval_max) == (None, 1)


def test_printed(tmp_path: Path) -> None:
    text = str(read_report(write(tmp_path, CSYNTH_XML)))
    assert "target 5 ns, estimated 3.648 ns" in text
    assert "12 to 14 cycles" in text
    assert "96 of 12288 (0.8%)" in text


def test_older_name_of_dsp(tmp_path: Path) -> None:
    text = CSYNTH_XML.replace("<DSP>", "<DSP48E>").replace("</DSP>", "</DSP48E>")
    assert read_report(write(tmp_path, text)).resources["DSP"] == 96


@pytest.mark.parametrize(
    ("text", "message"),
    [(CSYNTH_XML[:900], "not a complete XML file"), ("<html/>", "expected a csynth.xml of Vitis HLS, found <html>")],
)
def test_what_is_no_report(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        read_report(write(tmp_path, text))


def test_no_report(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no synthesis report"):
        read_report(tmp_path / "csynth.xml")
