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
        ({"port_width": 2048}, ("port_width: found 2048", "1024 bits through DMA")),
    ],
)
def test_what_contradicts_is_refused_at_once(settings: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as refused:
        small(**settings)
    assert all(word in str(refused.value) for word in words), refused.value


def test_a_word_too_narrow_for_dma_is_refused() -> None:
    with pytest.raises(ConfigError, match="port_width: a word of 16 bits holds no element .* at least 32"):
        small(port_width=16).write()


def test_a_type_that_the_driver_does_not_know_is_refused() -> None:
    with pytest.raises(ConfigError, match="board: the driver .* port 'x_2'"):
        small(input_precision="fixed<8,4,TRN,WRAP_SM>").write()


def test_more_ports_than_the_memory_takes_are_refused() -> None:
    net = Net(1, "wide")
    net.call("Add", "sum", [net.input((2,), f"x{n}") for n in range(16)])
    with pytest.raises(ConfigError, match="17 inputs and outputs"):
        project_of(net.source("sum"), board="pynq-z2", input_precision="fixed<8,4>").write()
