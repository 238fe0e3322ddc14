"""What a board settles of the configuration, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hlsgen.errors import ConfigError
from hlsgen.project import Project
from tests.passes.builders import Net, project_of


def small(**settings: Any) -> Project:
    net = Net(1, "small")
    net.dense("fc", net.input((10,), "x"), 10, 3)
    return project_of(net.source("fc"), **{"input_precision": "fixed<17,6>", "board": "pynq-z2", **settings})


def test_a_board_settles_device_ports_and_clock() -> None:
    project = small()
    config = project.config
    assert (config.part, config.io_type, config.clock_period, config.port_width) == (
        "xc7z020clg400-1", "io_stream", 10.0, 64)  # fmt: skip
    assert str(project.plan.interface) == "axis, ap_ctrl_none"
    assert all(port.form.name == "PACKETS" for port in project.plan.ports)
    assert json.loads(project.files["hlsgen.json"])["config"]["board"] == "pynq-z2"
    assert "pynq-z2 (xc7z020clg400-1), 10 ns" in project.summary()
    other = project.with_settings(board="zcu104")
    assert (other.config.part, other.config.clock_period) == ("xczu7ev-ffvc1156-2-e", 5.0)
    assert not any(name.startswith("board/") for name in project.with_settings(board=None).files)


def test_a_card_settles_device_ports_and_control() -> None:
    for io_type in ("io_parallel", "io_stream"):
        project = small(board="u55c", io_type=io_type)
        config = project.config
        assert (config.part, config.clock_period, config.io_type) == ("xcu55c-fsvh2892-2L-e", 5.0, io_type)
        said = "axi_master, ap_ctrl_chain on AXI4-Lite, several samples a call"
        assert str(project.plan.interface) == said
        found = [(port.form.name, port.bits, port.elements, port.words) for port in project.plan.ports]
        assert found == [("MEMORY", 256, 10, 1), ("MEMORY", 128, 3, 1)]
    assert "u55c (xcu55c-fsvh2892-2L-e), 5 ns" in project.summary()
    other = project.with_settings(board="u250", control="ap_ctrl_hs", port_width=64)
    assert other.config.part == "xcu250-figd2104-2L-e" and other.config.control == "ap_ctrl_hs"
    assert [(port.bits, port.elements) for port in other.plan.ports] == [(64, 2), (32, 1)]
    zynq = project.with_settings(board="zcu104", io_type="io_stream")
    assert not zynq.config.batch and "board/driver.py" in zynq.files and "board/host.py" not in zynq.files


@pytest.mark.parametrize(("width", "expected"), [(32, (32, 1)), (64, (64, 2)), (100, (64, 2)), (1024, (256, 10))])
def test_words_are_what_dma_takes(width: int, expected: tuple[int, int]) -> None:
    (port, _) = small(port_width=width).plan.ports
    assert (port.bits, port.elements) == expected


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"board": "pynq-z3"}, ("no board 'pynq-z3'", "pynq-z2")),
        ({"part": "xcu250-figd2104-2L-e"}, ("part: found xcu250", "xc7z020clg400-1")),
        ({"io_type": "io_parallel"}, ("io_type: found io_parallel", "io_stream")),
        ({"interface": "axi_master"}, ("interface: found axi_master", "axis")),
        ({"tlast": False}, ("tlast: found False", "true")),
        ({"control": "ap_ctrl_hs"}, ("control: found ap_ctrl_hs", "ap_ctrl_none")),
        ({"batch": True}, ("batch: found True", "false", "streams through DMA")),
        ({"board": "u50", "part": "xcu250-figd2104-2L-e"}, ("part: found xcu250", "xcu50-fsvh2104-2-e", "XRT")),
        ({"board": "u50", "interface": "ap_vld"}, ("interface: found ap_vld", "'u50' needs axi_master")),
        ({"board": "u50", "tlast": True}, ("tlast: found True", "'u50' needs false")),
        ({"board": "u50", "axi_lite": False}, ("axi_lite: found False", "'u50' needs true")),
        ({"board": "u50", "batch": False}, ("batch: found False", "'u50' needs true")),
        ({"board": "u50", "control": "ap_ctrl_none"}, ("control", "ap_ctrl_hs or ap_ctrl_chain")),
        ({"board": "u50", "port_width": 1024}, ("port_width: found 1024", "up to 512 bits")),
        ({"board": "u51"}, ("no board 'u51'", "u50")),
        ({"port_width": 2048}, ("port_width: found 2048", "1024 bits through DMA")),
    ],
)
def test_what_contradicts_is_refused_at_once(settings: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as refused:
        small(**settings)
    assert all(word in str(refused.value) for word in words), refused.value


def test_a_word_too_narrow_for_dma_is_refused() -> None:
    with pytest.raises(ConfigError, match="port_width: a word of 16 bits holds no element .* at least 32"):
        small(port_width=16)


@pytest.mark.parametrize("board", ["pynq-z2", "u200"])
def test_a_type_that_the_driver_does_not_know_is_refused(board: str) -> None:
    with pytest.raises(ConfigError, match="board: the driver .* port 'x_2'"):
        small(board=board, input_precision="fixed<8,4,TRN,WRAP_SM>").write()


@pytest.mark.parametrize("board", ["pynq-z2", "u200"])
def test_weights_at_ports_are_refused(board: str) -> None:
    with pytest.raises(ConfigError, match=f"layer 'fc'.*'bram_port'.*with board '{board}'.*weights 'constant'"):
        small(board=board, strategy="resource", defaults={"weights": "bram_port"}).write()


def test_a_clock_below_a_megahertz_is_refused() -> None:
    with pytest.raises(ConfigError, match="clock_period: found 1001.*whole MHz"):
        small(board="u200", clock_period=1001).write()


def many_inputs(board: str, count: int) -> Project:
    net = Net(1, "wide")
    net.call("Add", "sum", [net.input((2,), f"x{n}") for n in range(count)])
    return project_of(net.source("sum"), board=board, input_precision="fixed<8,4>")


@pytest.mark.parametrize(("board", "most"), [("pynq-z2", 16), ("u55c", 32), ("u250", 60)])
def test_more_ports_than_the_memory_takes_are_refused(board: str, most: int) -> None:
    assert many_inputs(board, most - 1).files
    with pytest.raises(ConfigError, match=f"{most + 1} inputs and outputs"):
        many_inputs(board, most).write()


def test_ports_are_spread_over_banks() -> None:
    found = many_inputs("u250", 16).files["board/link.cfg"]
    assert "sp=wide_1.m_axi_gmem14:DDR[0]\nsp=wide_1.m_axi_gmem15:DDR[1]\n" in found
    assert "sp=wide_1.m_axi_gmem16:HBM[16]\n" in many_inputs("u280", 16).files["board/link.cfg"]
