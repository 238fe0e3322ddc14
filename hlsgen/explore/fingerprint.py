"""Digests of models and data: by which a study knows that it goes on with the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Graph


def of_graph(graph: Graph) -> str:
    """Of everything that a model computes: layers, edges, options, real numbers, and what its quantisers fixed."""
    state = hashlib.sha256(str(graph).encode())
    for node in graph:
        state.update(f"\n{node.name} {node.source} {node.wish}:".encode())
        for field in fields(node.layer):
            state.update(f"\n{field.name} ".encode())
            _update(state, getattr(node.layer, field.name))
    return state.hexdigest()[:32]


def of_arrays(data: Any) -> str:
    """Of arrays, alone, in lists or by name; of None, nothing."""
    if data is None:
        return ""
    state = hashlib.sha256()
    entries = data if isinstance(data, Mapping) else {"": data}
    for name, value in entries.items():
        state.update(f"\n{name} ".encode())
        for array in value if isinstance(value, list | tuple) and not np.isscalar(value[:1]) else [value]:
            _update(state, np.asarray(array))
    return state.hexdigest()[:32]


def _update(state: Any, value: object) -> None:
    if isinstance(value, Constant):
        state.update(f"{value.type if value.given else ''} ".encode())
        _update(state, value.values)
    elif isinstance(value, np.ndarray):
        _update_array(state, value)
    else:
        state.update(str(value).encode())


def _update_array(state: Any, array: Array) -> None:
    state.update(f"{array.dtype} {array.shape} ".encode())
    state.update(str(array.tolist()).encode() if array.dtype == object else np.ascontiguousarray(array).tobytes())
