"""What refusals offer, as settings: whoever takes an offer must not be told the same again."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from hlsgen.backends.boards import BOARDS
from hlsgen.frontends.keras.source import SourceModel

Settings = dict[str, Any]
Found = re.Match[str]


def any_hardware(rng: random.Random, source: SourceModel) -> Settings:
    """Everything that can be said of how it is built, at every level, whether it goes together or not."""
    settings: Settings = {key: rng.choice(values) for key, (values, share) in _OF_MODEL.items() if rng.random() < share}
    settings["defaults"] = _level(rng, 0.3)
    settings["layers"] = {call.name: _level(rng, 0.5) for call in source.calls if rng.random() < 0.4}
    return settings


_OF_MODEL: dict[str, tuple[tuple[Any, ...], float]] = {
    "io_type": (("io_parallel", "io_stream"), 0.9),
    "board": (tuple(sorted(BOARDS)), 0.15),
    "interface": (("ap_vld", "axis", "axi_master"), 0.3),
    "control": (("ap_ctrl_hs", "ap_ctrl_chain", "ap_ctrl_none"), 0.3),
    "axi_lite": ((True, False), 0.2),
    "tlast": ((True, False), 0.2),
    "port_width": ((8, 9, 16, 33, 100, 512, 1000, 4096), 0.25),
    "pipeline": (("auto", "dataflow", "flat"), 0.3),
    "interval": ((1, 3, 20, 300), 0.25),
    "input_precision": (("fixed<8,3>", "fixed<24,8>", "fixed<9,3,TRN,WRAP_SM>", "ufixed<1,1>"), 0.4),
}
_OF_LAYER: dict[str, tuple[tuple[Any, ...], float]] = {
    "strategy": (("auto", "latency", "resource", "unrolled"), 1.0),
    "reuse_factor": ((1, 2, 3, 7, 12, 100, "auto"), 1.0),
    "parallelization_factor": ((1, 2, 3, 4, 9, 12), 0.4),
    "storage": (("auto", "bram", "uram", "lutram"), 0.5),
    "weights": (("constant", "bram_port"), 0.4),
    "fifo_depth": ((2, 3, 17, 100), 0.3),
    "recurrence": (("loop", "unrolled"), 0.3),
}


def _level(rng: random.Random, part: float) -> Settings:
    return {key: rng.choice(values) for key, (values, share) in _OF_LAYER.items() if rng.random() < part * share}


# -- how settings change ---------------------------------------------------------------------------


def without(settings: Settings, *path: str) -> Settings:
    changed = deepcopy(settings)
    place = changed
    for key in path[:-1]:
        place = place.get(key, {})
    place.pop(path[-1], None)
    return changed


def having(settings: Settings, **values: Any) -> Settings:
    return deepcopy(settings) | values


def of_layer(settings: Settings, layer: str, **values: Any) -> Settings:
    changed = deepcopy(settings)
    changed.setdefault("layers", {}).setdefault(layer, {}).update(values)
    return changed


def nowhere(settings: Settings, key: str) -> Settings:
    changed = deepcopy(settings)
    for level in (changed.get("defaults", {}), *changed.get("layers", {}).values()):
        level.pop(key, None)
    return changed


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(", ")]


Answer = Callable[[Settings, Found], list[Settings]]
_LAYER = r"layer '(?P<layer>[^']+)'.*?"
ANSWERS: dict[str, Answer] = {
    _LAYER + "is not there for .*; give it 'latency' or 'resource'": lambda s, m: [
        of_layer(s, m["layer"], strategy=name) for name in ("latency", "resource")
    ],
    _LAYER + r"the nearest valid ones are (?P<those>[\d, ]+) \(": lambda s, m: [
        of_layer(s, m["layer"], reuse_factor=factor) for factor in _numbers(m["those"])
    ],
    _LAYER + "leave it out, or give 'constant'": lambda s, m: [
        without(s, "layers", m["layer"], "weights"),
        of_layer(s, m["layer"], weights="constant"),
    ],
    _LAYER + "give it strategy 'resource' and a reuse_factor": lambda s, m: [
        of_layer(s, m["layer"], strategy="resource")
    ],
    _LAYER + "leave it out, or take io_type 'io_parallel'": lambda s, m: [
        without(s, "layers", m["layer"], "parallelization_factor"),
        having(s, io_type="io_parallel"),
    ],
    _LAYER + r"several rows are taken: (?P<those>[\d, ]+)$": lambda s, m: [
        of_layer(s, m["layer"], parallelization_factor=factor) for factor in _numbers(m["those"])
    ],
    _LAYER + r"give it strategy '(?P<name>\w+)' with a reuse_factor of (?P<n>\d+)": lambda s, m: [
        of_layer(s, m["layer"], strategy=m["name"], reuse_factor=int(m["n"]))
    ],
    _LAYER + "storage 'uram' holds": lambda s, m: [
        of_layer(s, m["layer"], storage=name) for name in ("bram", "lutram", "auto")
    ],
    _LAYER + r"give it a reuse_factor of (?P<n>\d+) or more": lambda s, m: [
        of_layer(s, m["layer"], reuse_factor=int(m["n"]))
    ],
    _LAYER + "only inputs and outputs are connected; give it weights 'constant'": lambda s, m: [
        of_layer(s, m["layer"], weights="constant")
    ],
    _LAYER + "give it weights 'constant', or leave pipeline out": lambda s, m: [
        of_layer(s, m["layer"], weights="constant"),
        without(s, "pipeline"),
    ],
    _LAYER + "give it strategy 'latency', where": lambda s, m: [of_layer(s, m["layer"], strategy="latency")],
    _LAYER + r"leave pipeline 'flat' out, or give an interval of (?P<n>[\d,]+)": lambda s, m: [
        without(s, "pipeline"),
        having(s, interval=int(m["n"].replace(",", ""))),
    ],
    _LAYER + "parallelization_factor needs arrays": lambda s, m: [nowhere(s, "parallelization_factor")],
    _LAYER + "recurrence 'unrolled' needs arrays": lambda s, m: [nowhere(s, "recurrence")],
    _LAYER + "recurrence 'unrolled' is one .*leave one of them out": lambda s, m: [
        nowhere(s, "recurrence"),
        without(s, "pipeline"),
    ],
    _LAYER + "recurrence 'unrolled' is one .*leave recurrence out, or take io_type": lambda s, m: [
        nowhere(s, "recurrence"),
        having(s, io_type="io_parallel", interface="ap_vld"),
    ],
    _LAYER + r"give it recurrence 'unrolled', or leave (?P<key>pipeline|recurrence) out": lambda s, m: [
        of_layer(s, m["layer"], recurrence="unrolled"),
        without(nowhere(s, m["key"]), m["key"]),
    ],
    _LAYER + "no ports lead into its loop; give it weights 'constant'": lambda s, m: [
        of_layer(s, m["layer"], weights="constant")
    ],
    _LAYER + "give it weights 'constant', or leave recurrence out": lambda s, m: [
        of_layer(s, m["layer"], weights="constant"),
        nowhere(s, "recurrence"),
    ],
    r"(?P<key>\w+): found .*, or the board$": lambda s, m: [without(s, m["key"]), without(s, "board")],
    r"port_width: found .* up to (?P<n>\d+) bits": lambda s, m: [having(s, port_width=int(m["n"]))],
    "port_width: found .* no words whose width": lambda s, m: [without(s, "port_width")],
    r"port_width: a word .*give at least (?P<n>\d+),": lambda s, m: [having(s, port_width=int(m["n"]))],
    r"interface: .*set io_type to (?P<type>\w+), or give one of (?P<those>.*)$": lambda s, m: [
        having(s, io_type=m["type"]),
        *(having(s, interface=name) for name in m["those"].split(", ")),
    ],
    "tlast: .*set io_type to io_stream and interface to axis": lambda s, m: [
        without(s, "tlast"),
        having(s, io_type="io_stream", interface="axis"),
    ],
    "control: .*give ap_ctrl_hs or ap_ctrl_chain, or interface axis": lambda s, m: [
        having(s, control="ap_ctrl_hs"),
        having(s, control="ap_ctrl_chain"),
        having(s, interface="axis"),
    ],
    "control: .*give ap_ctrl_hs or ap_ctrl_chain, or set io_type": lambda s, m: [
        having(s, control="ap_ctrl_hs"),
        having(s, control="ap_ctrl_chain"),
        having(s, io_type="io_stream"),
    ],
    "axi_lite: .*leave one of them out": lambda s, m: [without(s, "axi_lite"), without(s, "control")],
    "axi_lite: .*leave axi_lite out": lambda s, m: [without(s, "axi_lite"), without(s, "interface")],
    "pipeline 'flat' is one .*leave pipeline out, or": lambda s, m: [
        without(s, "pipeline"),
        having(s, io_type="io_parallel", interface="ap_vld"),
    ],
    "pipeline: 'flat' needs arrays": lambda s, m: [without(s, "pipeline")],
    "fifo_depth .*leave it out, or choose io_type": lambda s, m: [
        nowhere(s, "fifo_depth"),
        having(s, io_type="io_stream"),
    ],
    r"layers: fifo_depth is \d+ for '(?P<a>[^']+)' and \d+ for '(?P<b>[^']+)'": lambda s, m: [
        without(s, "layers", m[name], "fifo_depth") for name in ("a", "b")
    ],
    "board: the driver makes": lambda s, m: [having(s, input_precision="fixed<9,3,TRN,SAT>")],
    "board: .*leave board out": lambda s, m: [without(s, "board")],
}
"""What is done, by the refusal: every way out that it names."""


def offers(message: str, settings: Settings) -> list[Settings]:
    """The settings that a refusal offers. Raises LookupError for one of no known form."""
    for pattern, answer in ANSWERS.items():
        found = re.match(pattern, message)
        if found:
            return answer(settings, found)
    raise LookupError(message)
