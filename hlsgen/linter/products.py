"""How many products a project states for its kernels: the comments above the calls of its top function."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hlsgen.linter.source import Source

_STATED = re.compile(r"//\s+(?P<count>\d+) multipliers?(?: for (?P<products>\d+) products)? a position")
_CALL = re.compile(r"hlsgen::(?P<function>\w+)<(?P<step>\w+)_config>")
_STRUCT = re.compile(r"struct (\w+)_config \{(.*?)\n\};", re.DOTALL)
_TYPE = re.compile(r"typedef ap_(u?)fixed<(\d+)\b[^;]*> (\w+);")
_MEMBER = re.compile(r"static const int (\w+) = (\d+);")
_COUNTED = {"dense", "conv2d", "depthwise_conv2d"}
"""Kernels of which a statement is about what stands side by side; of others about more or less."""


def stated_products(sources: Mapping[str, Source], top: str) -> dict[str, int]:
    """Step -> the multiplications that its kernel's text must have.

    Comparable are kernels of types of which both have two bits at least (one bit is a choice), and whose weights are
    not part of what is built (strategy unrolled). One that computes several positions at a time, or all of them in one
    flat pipeline, has the products of all; not compared are those of which some lie at a border, where padding is no
    factor. A kernel that takes turns has the products of one of them in its text; another has all, and an interval
    above one lets the tool share the multipliers.
    """
    configs = dict(_STRUCT.findall(sources["parameters.h"].text)) if "parameters.h" in sources else {}
    flat = "#pragma HLS DATAFLOW" not in sources[f"{top}.cpp"].text
    found, stated = {}, None
    for line in sources[f"{top}.cpp"].text.splitlines():
        stated = _STATED.search(line) or stated
        call = _CALL.search(line)
        if call is None:
            continue
        config = configs.get(call["step"], "")
        comparable = call["function"] in _COUNTED and _multiplies(config) and not _sees_borders(config, flat)
        if stated is not None and comparable:
            count = int(stated["count"] if _takes_turns(config) else stated["products"] or stated["count"])
            found[call["step"]] = count * _side_by_side(config, flat)
        stated = None
    return found


def _side_by_side(config: str, flat: bool) -> int:
    """How many positions a kernel computes at once."""
    members = _members(config)
    if flat:
        return members.get("positions", members.get("out_height", 1) * members.get("out_width", 1))
    return members.get("parallel_rows", 1) * members.get("parallel_columns", 1)


def _sees_borders(config: str, flat: bool) -> bool:
    """Whether some of the positions that are computed at once lie at a border that is padded, whichever they are."""
    members = _members(config)
    return any(
        (flat or members.get(f"parallel_{axis}", 1) > 1) and any(members.get(pad, 0) for pad in pads)
        for axis, pads in (("rows", ("pad_top", "pad_bottom")), ("columns", ("pad_left", "pad_right")))
    )


def _members(config: str) -> dict[str, int]:
    return {name: int(value) for name, value in _MEMBER.findall(config)}


def _takes_turns(config: str) -> bool:
    turns = re.search(r"int turns = (\d+);", config)
    return int(turns.group(1)) > 1 if turns else "strategy::resource" in config


def _multiplies(config: str) -> bool:
    """Whether both factors have two bits or more, and no factor is a constant that the text of the kernel knows."""
    if "strategy::unrolled" in config:
        return False
    widths = {name: int(width) for _, width, name in _TYPE.findall(config)}
    return min(widths.get("input_t", 0), widths.get("weight_t", 0)) > 1
