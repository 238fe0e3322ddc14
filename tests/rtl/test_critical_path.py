"""nextpnr's report as modules and their signals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hlsgen.errors import ToolError
from hlsgen.synthesis.critical_path import Hop, Spot, Step, hops, read_report, signal


def step(kind: str, delay: float, start: str, end: str, net: str | None = None) -> dict[str, Any]:
    """As it stands in the report."""
    named = {} if net is None else {"net": net, "sources": ["0.v:1.2-3.4"]}
    cells = {"from": {"cell": start, "loc": [2, 4], "port": "Q"}, "to": {"cell": end, "loc": [2, 3], "port": "D"}}
    return {"type": kind, "delay": delay, **named, **cells}


FLOP, LUT, ADD, END = (
    "fc1__core.x2_TRELLIS_FF_Q_3",
    "fc1__core.sum1_LUT4_Z",
    "fc2__core.elements[3].element.sum_CCU2C_S0",
    "fc2__core.elements[3].element.y_TRELLIS_FF_Q",
)
PATH = [
    step("clk-to-q", 0.5, FLOP, FLOP),
    step("routing", 1.0, FLOP, LUT, "fc1__core.x2[4]"),
    step("logic", 0.25, LUT, LUT),
    step("routing", 2.0, LUT, ADD, "fc1__core.sum1_LUT4_Z_B[2]"),
    step("logic", 0.75, ADD, ADD),
    step("routing", 0.5, ADD, END, "fc2__core.elements[3].element.sum[7]"),
    step("setup", 0.0, END, END),
]


def report(**changes: Any) -> str:
    found = {
        "fmax": {"clk": {"achieved": 200.0, "constraint": 100.0}},
        "critical_paths": [
            {"from": "<async>", "to": "posedge clk", "path": PATH[:2]},
            {"from": "posedge clk", "to": "posedge clk", "path": PATH},
        ],
        "utilization": {
            "TRELLIS_FF": {"used": 12, "available": 24288},
            "MULT18X18D": {"used": 0, "available": 28},
            "DP16KD": {"used": 1, "available": 56},
        },
    }
    return json.dumps({**found, **changes})


def test_report():
    found = read_report(report())
    assert (found.fmax, len(found.path)) == (200.0, 7)
    assert found.path[1] == Step(LUT, "fc1__core.x2[4]", 1.0)
    assert found.used == {"DP16KD": (1, 56), "TRELLIS_FF": (12, 24288)}


def test_a_report_without_a_clock():
    with pytest.raises(ToolError, match="reports no path from register to register"):
        read_report(report(fmax={}))


def spot(name: str) -> Spot:
    """Where something is in a circuit whose modules hold none."""
    module, dot, rest = name.partition(".")
    layers = {"fc1__core": "fc1", "fc2__core": "fc2"}
    return Spot(module, layers.get(module), rest) if dot else Spot("net", None, name)


def test_hops():
    """A wire counts to where it leads."""
    assert hops(read_report(report()).path, spot) == (
        Hop("fc1__core", "fc1", "x2[4]", "sum1", 0.75, 1.0),
        Hop("fc2__core", "fc2", "sum[7]", "y", 0.75, 2.5),
    )


def test_what_is_in_no_module_is_between_layers():
    path = [Step("x__all_LUT4_Z", "", 0.5), Step("x__flow.free_TRELLIS_FF_Q", "x__all", 0.25)]
    found = hops(path, spot)
    assert [(hop.module, hop.layer, hop.first, hop.logic, hop.routing) for hop in found] == [
        ("net", None, "x__all", 0.5, 0.0),
        ("x__flow", None, "free", 0.0, 0.25),
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("fc__core.held_TRELLIS_FF_Q_2", "held"),
        ("fc__core.product3_of_x1[4]", "product3_of_x1[4]"),
        ("fc__core.product1_of_x22_MULT18X18D_P9", "product1_of_x22"),
        ("fc__core.elements[0].element.sum_1__2", "sum_1__2"),
        ("fc__core.free_TRELLIS_FF_Q_DI_L6MUX21_Z_D1_PFUMX_Z_ALUT_LUT4_Z", "free"),
        ("$PACKER_GND_NET", ""),
        ("fc__core.$auto$alumacc.cc:485:replace_alu$12", ""),
        ("in_ready_LUT4_Z", "in_ready"),
    ],
)
def test_signals(name, meant):
    assert signal(name) == meant
