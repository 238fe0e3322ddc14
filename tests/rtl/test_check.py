"""No latch, no loop, no wire with two drivers: circuits as yosys' ``check`` sees them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hlsgen import tools
from hlsgen.errors import ToolError
from tests.rtl import test_branches, test_networks
from tests.rtl.synthesis import found

SCRIPT = """
hierarchy -check -top {top}
proc
select -assert-none t:$dlatch t:$adlatch t:$dlatchsr
flatten
check -assert
techmap
opt_clean
select -assert-none t:$_DLATCH_*
check -assert
"""
"""Loops of words may be none of bits, and the other way round: both are looked at."""

NETWORKS = {network.__name__: network for network in (*test_branches.NETWORKS, test_branches.through)} | {
    name: getattr(test_networks, name)
    for name in ("xor", "mixed", "steps", "images", "lines", "groups", "hostile_names")
}
QUICK = ("xor", "through")


def check(texts: Mapping[str, str], top: str, folder: Path) -> None:
    """Raises ToolError for what yosys finds."""
    yosys = found(tools.find_yosys)
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "check.ys").write_text("\n".join(f"read_verilog {name}" for name in texts) + SCRIPT.format(top=top))
    tools.run([*yosys.command, "-q", "-s", "check.ys"], cwd=folder, env=yosys.environment)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]
)
def test_networks_are_sound(name: str, tmp_path: Path):
    """Behind their AXI ports."""
    project = NETWORKS[name]()
    texts = {path.rpartition("/")[2]: text for path, text in project.files.items() if path.startswith("rtl/")}
    check(texts, f"{project.circuit.name}_axis", tmp_path)


UNSOUND = {
    "latch": "input wire a, b, output reg y); always @* if (a) y = b;",
    "loop": "input wire a, b, output wire y); wire z = y & a; assign y = z | b;",
    "drivers": "input wire a, b, output wire y); assign y = a; assign y = b;",
    "missing": "input wire a, b, output wire y); absent inside (.a(a), .y(y));",
}


@pytest.mark.parametrize("name", UNSOUND)
def test_what_is_unsound_is_found(name: str, tmp_path: Path):
    with pytest.raises(ToolError, match="yosys|python"):
        check({"unsound.v": f"module unsound ({UNSOUND[name]} endmodule\n"}, "unsound", tmp_path)
