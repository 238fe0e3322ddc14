"""What no tool or device takes is refused before anything is written, with what fits; that is then taken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hlsgen.errors import ConfigError
from hlsgen.passes.choose_hardware import MOST_MULTIPLIERS
from tests.passes.builders import Net, project_of

LARGE = {"input_precision": "fixed<6,3>", "default_width": 6}


@pytest.fixture(scope="module")
def large() -> Any:
    """A matrix of 96 x 128 weights."""
    net = Net()
    net.input((96,))
    return net.source(net.dense("fc", "x", 96, 128))


@pytest.mark.parametrize("how", [{"strategy": "latency"}, {"strategy": "resource", "reuse_factor": 2}])
def test_multipliers_side_by_side(large: Any, how: dict[str, Any], tmp_path: Path) -> None:
    project = project_of(large, **LARGE, **how, output_dir=tmp_path / "out")
    with pytest.raises(ConfigError, match=rf"'fc' \(Dense\).* at most {MOST_MULTIPLIERS:,}") as refused:
        project.write()
    assert not (tmp_path / "out").exists()
    least = int(re.findall(r"reuse_factor of (\d+)", str(refused.value))[0])
    assert 96 * 128 / least <= MOST_MULTIPLIERS < 96 * 128 / (least - 1)
    for fitting in ({"strategy": "resource", "reuse_factor": least}, {"strategy": "auto"}):
        project_of(large, **LARGE, **fitting, output_dir=tmp_path / "fits").write()


def test_multipliers_of_a_flat_pipeline(tmp_path: Path) -> None:
    """Those of all positions: each has 2,304 here, and there are four."""
    net = Net()
    rows = net.source(net.dense("rows", net.input((4, 48)), 48, 48))
    settings = {"input_precision": "fixed<6,3>", "pipeline": "flat", "output_dir": tmp_path / "out"}
    with pytest.raises(ConfigError, match=r"'rows' \(Dense\).* 9,216 multipliers .* at most 4,096") as refused:
        project_of(rows, **settings).write()
    least = int(re.findall(r"give an interval of (\d+)", str(refused.value))[0])
    assert 9216 / least <= MOST_MULTIPLIERS < 9216 / (least - 1)
    for fitting in ({"interval": least}, {"pipeline": "dataflow"}):
        project_of(rows, **{**settings, **fitting}).write()


def test_words_of_weights(large: Any, tmp_path: Path) -> None:
    """4,096 multipliers and fewer, but too many bits to be read at once."""
    settings = {"input_precision": "fixed<6,3>", "precision": {"weight": "fixed<24,12>"}, "strategy": "resource"}
    project = project_of(large, **settings, reuse_factor=3, output_dir=tmp_path / "out")
    with pytest.raises(ConfigError, match=r"'fc' \(Dense\).* 98,304 bits, and no memory .* 65,536") as refused:
        project.write()
    assert not (tmp_path / "out").exists()
    least = int(re.findall(r"reuse_factor of (\d+)", str(refused.value))[0])
    assert 96 * 128 / least * 24 <= 65536 < 96 * 128 / (least - 1) * 24
    project_of(large, **settings, reuse_factor=least + 1, output_dir=tmp_path / "fits").write()
    for wide in ({"default_width": 24}, {"precision": {"weight": "fixed<24,12>"}}):
        project_of(large, input_precision="fixed<6,3>", output_dir=tmp_path / "auto", **wide).write()


def test_memories_that_cannot_be_initialised(large: Any, tmp_path: Path) -> None:
    settings = {**LARGE, "strategy": "resource", "reuse_factor": 8, "output_dir": tmp_path / "out"}
    for storage in ("auto", "bram", "lutram"):
        written = project_of(large, **settings, storage=storage).write()
        pragma = f"BIND_STORAGE variable=fc_w type=rom_1p impl={storage}"
        assert pragma in (written / "firmware" / "net.cpp").read_text()
    with pytest.raises(ConfigError, match="'fc'.*storage 'uram'.*xcu250.*'bram'"):
        project_of(large, **settings, storage="uram").write()
    project_of(large, **settings, storage="uram", part="xcvc1902-vsva2197-2MP-e-S").write()
