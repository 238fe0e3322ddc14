"""How many products a project states for its kernels: the comments above the calls of its top function."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod

from hlsgen.linter.source import Source

_STATED = re.compile(r"//\s+(?P<count>\d+) multipliers?(?: for (?P<products>\d+) products)? a position")
_CALL = re.compile(r"hlsgen::(?P<function>\w+)<(?P<step>\w+)_config>")
_STRUCT = re.compile(r"struct (\w+)_config \{(.*?)\n\};", re.DOTALL)
_TYPE = re.compile(r"typedef ap_(u?)fixed<(\d+)\b[^;]*> (\w+);")
_COUNTED = {"dense", "conv2d", "depthwise_conv2d"}
"""Kernels that compute one position at a time; of others a statement is about more or less than what stands side by
side."""


def stated_products(sources: Mapping[str, Source], top: str) -> dict[str, int]:
    """Step -> the multiplications that its kernel's text must have.

    Comparable are kernels that compute a position at a time, of types of which both have two bits at least (one bit is
    a choice), and whose weights are not part of what is built (strategy unrolled). A kernel that takes turns has the
    products of one of them in its text; another has all, and an interval above one lets the tool share the multipliers.
    A design of one flat pipeline has all positions at once. Convolutions of several pixels at once are not comparable:
    where the padding is, is known then, and products with it are left out.
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
        if stated is not None and call["function"] in _COUNTED and _multiplies(config) and _pixels(config, flat) == 1:
            count = int(stated["count"] if _takes_turns(config) else stated["products"] or stated["count"])
            positions = re.search(r"int positions = (\d+);", config)
            found[call["step"]] = count * (int(positions.group(1)) if flat and positions else 1)
        stated = None
    return found


def _pixels(config: str, flat: bool) -> int:
    """How many pixels of a convolution are computed at once; 1 of what is none."""
    extents = ("out_height", "out_width") if flat else ("parallel_rows", "parallel_columns")
    found = [re.search(rf"int {name} = (\d+);", config) for name in extents]
    return prod(int(extent.group(1)) for extent in found if extent is not None)


def _takes_turns(config: str) -> bool:
    turns = re.search(r"int turns = (\d+);", config)
    return int(turns.group(1)) > 1 if turns else "strategy::resource" in config


def _multiplies(config: str) -> bool:
    """Whether both factors have two bits or more, and no factor is a constant that the text of the kernel knows."""
    if "strategy::unrolled" in config:
        return False
    widths = {name: int(width) for _, width, name in _TYPE.findall(config)}
    return min(widths.get("input_t", 0), widths.get("weight_t", 0)) > 1
