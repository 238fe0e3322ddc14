"""Models of Keras 2 as text and legacy HDF5, written without Keras: whatever their configuration says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, Mapping[str, NDArray[Any]]]


def layer(class_name: str, name: str = "the_layer", **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name, **config}}


def input_layer(shape: Sequence[Any], name: str = "x") -> dict[str, Any]:
    return layer("InputLayer", name, batch_input_shape=[None, *shape], dtype="float32")


def sequential(*layers: dict[str, Any], name: str = "m") -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": name, "layers": list(layers)}}


def called(entry: dict[str, Any], *nodes: Any) -> dict[str, Any]:
    """A layer of a functional model; a node is a list of ``[layer, node, tensor, {}]``."""
    return {**entry, "name": entry["config"]["name"], "inbound_nodes": list(nodes)}


def functional(
    inputs: Sequence[str], outputs: Sequence[Any], *layers: dict[str, Any], name: str = "m"
) -> dict[str, Any]:
    config = {
        "name": name,
        "layers": list(layers),
        "input_layers": [[x, 0, 0] for x in inputs],
        "output_layers": list(outputs),
    }
    return {"class_name": "Functional", "config": config}


def write(folder: Path, model: Any, weights: Weights | None = None) -> dict[str, Path]:
    """The arguments of ``hlsgen.convert`` for a model and its weights by layer and name."""
    (folder / "m.json").write_text(json.dumps(model))
    with h5py.File(folder / "m.h5", "w") as file:
        file.attrs["layer_names"] = np.array([name.encode() for name in weights or {}], dtype="S64")
        for name, arrays in (weights or {}).items():
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array([f"{role}:0".encode() for role in arrays], dtype="S64")
            for role, array in arrays.items():
                group[f"{role}:0"] = array
    return {"model": folder / "m.json", "weights": folder / "m.h5"}
