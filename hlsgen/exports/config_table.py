"""Export "config-table": a row for each operation, for machines that are configured layer by layer."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from hlsgen.backends.base import Job
from hlsgen.backends.manifest import Content
from hlsgen.exports.base import Export
from hlsgen.exports.facts import option_facts, tensor_facts, type_facts
from hlsgen.exports.memory import Memory, MemoryOptions, memory_of
from hlsgen.exports.weights import block_facts
from hlsgen.ir.layer import Layer
from hlsgen.ir.op import Op
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.window import Window

TABLE = "config_table"
_BETWEEN = ";"
"""Between several values in a cell."""
_GRID = ("type", "width", "integer", "signed")
_CAST = (*_GRID, "rounding", "overflow")
_PLACE = (*_GRID, "address", "words", "byte_address", "bytes")
_SIDES = ("top", "bottom", "left", "right")
_EXTENTS = ("height", "width")
_CONSTANTS = ("weight", "bias")
"""Constants with columns of their own."""

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TableOptions(MemoryOptions):
    """How constants lie in the memory whose addresses the table has."""


def files(job: Job, options: TableOptions) -> dict[str, Content]:
    """The table, once as JSON and once as CSV."""
    constants = any(op.layer.constants() for op in job.design)
    memory = memory_of(job.design, options) if constants else None
    places = _places(memory)
    rows = [_row(op, places.get(op.name, {})) for op in job.design]
    facts = {
        "design": job.name,
        "inputs": [tensor.name for tensor in job.design.inputs],
        "outputs": [tensor.name for tensor in job.design.outputs],
        "memory": _memory_facts(memory),
        "operations": rows,
    }
    return {f"{TABLE}.json": json.dumps(facts, indent=2) + "\n", f"{TABLE}.csv": _csv(rows)}


def _memory_facts(memory: Memory | None) -> dict[str, object]:
    """The memory as the export "weights" with the same options makes it."""
    if memory is None:
        return {"words": 0}
    return {**memory.options.facts(), "word_width": memory.width, "words": memory.words}


def _places(memory: Memory | None) -> dict[str, dict[str, object]]:
    """Where the constants of each operation lie, by its name and theirs."""
    found: dict[str, dict[str, object]] = {}
    if memory is not None:
        for block in memory.blocks:
            found.setdefault(block.op, {})[block.role] = block_facts(block, memory)
    return found


def _row(op: Op, constants: Mapping[str, object]) -> dict[str, object]:
    window, groups = _geometry(op.layer)
    return {
        "name": op.name,
        "kind": op.layer.kind,
        "layer": op.source.name,
        "layer_class": op.source.class_name,
        "also": [source.name for source in op.fused],
        "loop": None if op.loop is None else {"name": op.loop.name, "steps": op.loop.steps},
        "inputs": [tensor_facts(tensor) for tensor in op.inputs],
        "outputs": [
            {**tensor_facts(tensor), "accumulator": None if op.is_input else type_facts(tensor.typing.accum_type)}
            for tensor in op.outputs
        ],
        "window": None if window is None else _window_facts(window),
        "groups": groups,
        "options": option_facts(op.layer),
        "rounds_inside": not op.layer.pure,
        "tables": [name for name in vars(op.layer) if isinstance(getattr(op.layer, name), np.ndarray)],
        "constants": constants,
        "multiplications": _multiplications(op),
    }


def _geometry(layer: Layer) -> tuple[Window | None, int | None]:
    """The window and the groups of a layer that is a convolution; the window of one that has one."""
    kernel = layer.kernel() if isinstance(layer, LinearLayer) else None
    if kernel is not None:
        return kernel.window, kernel.groups
    window = getattr(layer, "window", None)
    return (window, None) if isinstance(window, Window) else (None, None)


def _window_facts(window: Window) -> dict[str, object]:
    return {
        "kernel": list(window.size),
        "stride": list(window.stride),
        "dilation": list(window.dilation),
        "padding": dict(zip(_SIDES, window.padding, strict=True)),
    }


def _multiplications(op: Op) -> int:
    """Those of one sample."""
    once = sum(op.layer.products * prod(tensor.shape[:-1]) for tensor in op.outputs)
    return once * (1 if op.loop is None else op.loop.steps)


# -- CSV -----------------------------------------------------------------------------------------


def _csv(rows: Sequence[Row]) -> str:
    """A header and a line a row; what JSON nests has columns of its own."""
    flat = [_flat(row) for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(flat[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _flat(row: Row) -> dict[str, object]:
    """A row as cells: the same columns for every row."""
    loop, window = row["loop"] or {}, row["window"] or {}
    accumulators = [output["accumulator"] for output in row["outputs"] if output["accumulator"] is not None]
    cells: dict[str, object] = {name: row[name] for name in ("name", "kind", "layer", "layer_class")}
    cells |= {"also": _joined(row["also"]), "loop": loop.get("name", ""), "loop_steps": loop.get("steps", "")}
    cells |= _tensors("input", row["inputs"]) | _tensors("output", row["outputs"])
    cells |= _columns("accumulator", _CAST, accumulators)
    for name in ("kernel", "stride", "dilation"):
        cells |= _named(name, dict(zip(_EXTENTS, window.get(name, ("", "")), strict=True)), _EXTENTS)
    cells |= _named("padding", window.get("padding", {}), _SIDES)
    cells["groups"] = "" if row["groups"] is None else row["groups"]
    for role in _CONSTANTS:
        cells |= _columns(role, _PLACE, [row["constants"][role]] if role in row["constants"] else [])
    cells["other_constants"] = _joined(role for role in row["constants"] if role not in _CONSTANTS)
    cells["options"] = _joined(f"{name}={json.dumps(value)}" for name, value in row["options"].items())
    cells |= {"rounds_inside": int(row["rounds_inside"]), "multiplications": row["multiplications"]}
    return cells


def _tensors(name: str, tensors: Sequence[Row]) -> dict[str, object]:
    names = _joined(tensor["name"] for tensor in tensors)
    shapes = _joined("x".join(map(str, tensor["shape"])) for tensor in tensors)
    return {f"{name}s": names, f"{name}_shape": shapes, **_columns(name, _CAST, tensors)}


def _columns(name: str, keys: Iterable[str], found: Sequence[Row]) -> dict[str, object]:
    return {f"{name}_{key}": _joined(_cell(facts[key]) for facts in found) for key in keys}


def _named(name: str, found: Row, keys: Iterable[str]) -> dict[str, object]:
    return {f"{name}_{key}": found.get(key, "") for key in keys}


def _cell(value: object) -> object:
    return int(value) if isinstance(value, bool) else value


def _joined(values: Iterable[object]) -> str:
    return _BETWEEN.join(map(str, values))


EXPORT = Export(
    "a row for each operation: shapes, windows, types, places of weights; CSV and JSON", TableOptions, files
)
