"""Devices of circuits: their names, what they mean for registers, and the files that stand beside the Verilog."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hlsgen.backends.verilog.fabric import checked_device, levels_within, size_of_ecp5
from hlsgen.errors import ConfigError
from hlsgen.project import Project
from hlsgen.synthesis.devices import device_of_part
from hlsgen.synthesis.resources import family_of_part
from tests.passes.builders import Net, project_of


def project(**settings) -> Project:
    net = Net()
    x = net.dense("fc", net.input((3,)), 3, 4)
    net.call("Activation", "tanh", x, activation="tanh")
    return project_of(net.source("tanh"), backend="verilog", input_precision="fixed<8,4>", **settings)


@pytest.mark.parametrize("part", ["LFE5U-25F", "LFE5U-25F-6BG381C", "LFE5UM-25F", "LFE5UM5G-25F-8BG554I"])
def test_names_of_ecp5(part: str):
    assert checked_device(part) == part
    assert size_of_ecp5(part) == "25k" and device_of_part(part).name == "ecp5-25k"
    assert family_of_part(part).name == "ecp5"


def test_names_of_others():
    part = "xc7z020clg400-1"
    assert checked_device(part) == part and size_of_ecp5(part) is None
    assert device_of_part(part).name == "ecp5-85k"


@pytest.mark.parametrize("part", ["LFE5U-99F", "LFE5U-85F; exec", "LFE5U-85F\n", "iCE40HX8K", "LCMXO2-7000"])
def test_names_that_are_none(part: str):
    with pytest.raises(ConfigError, match=r"part: found .* of Lattice's there is ECP5 alone"):
        project(part=part)


def test_levels():
    assert [levels_within(period, "xcu250-figd2104-2L-e") for period in (0.1, 5, 10)] == [1, 3, 6]
    assert [levels_within(period, "LFE5U-85F") for period in (0.1, 5, 10)] == [1, 1, 3]
    circuits = [project(part="LFE5U-85F", clock_period=10).circuit, project(clock_period=5).circuit]
    assert circuits[0].modules == circuits[1].modules


def test_files(tmp_path: Path):
    project(part="LFE5U-85F", clock_period=12.5, output_dir=str(tmp_path / "net")).write()
    names = {path.name for path in (tmp_path / "net").iterdir()}
    assert "constraints.lpf" in names and not {"constraints.xdc", "package_ip.tcl"} & names
    text = (tmp_path / "net" / "constraints.lpf").read_text()
    assert re.search(r'^FREQUENCY PORT "aclk" 80 MHZ;$', text, re.MULTILINE)


def test_vitis_has_no_ecp5():
    net = Net()
    with pytest.raises(ConfigError, match="part: found 'LFE5U-85F', expected a device as Vitis names it"):
        project_of(net.source(net.dense("fc", net.input((3,)), 3, 4)), part="LFE5U-85F").write()
