"""Model files as Keras writes them, made from source models without Keras: ``.keras``, ``.h5``, ``.json`` with ``.h5``.

A file is made in the stages of :class:`Stages`, between which :mod:`tests.fuzz.damage` does its work. That Keras reads
the undamaged files, and computes the same, is a test (``tests/fuzz/test_files.py``).
"""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from hlsgen.frontends.keras.config import parse_model
from hlsgen.frontends.keras.h5 import snake_case
from hlsgen.frontends.keras.source import LayerCall, SourceModel
from hlsgen.frontends.keras.variables import Variable, variables_of

Layout = Literal["keras", "h5", "json", "json by path"]
"""What is saved: one archive; one HDF5 file; an architecture with weights in the legacy layout, or in that by path."""
LAYOUTS: tuple[Layout, ...] = ("keras", "h5", "json", "json by path")
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_NAMES = {"GroupQueryAttention": "GroupedQueryAttention"}
"""Classes that Keras exports under another name than their own, by which it stores their weights."""
_VERSIONS = {"keras2": "2.15.0", "keras3": "3.5.0"}
_LARGE = 60_000
"""Bytes of an attribute beyond which HDF5 needs its newer format."""


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Stages:
    """What is done to a file while it is made; by default nothing."""

    config: Callable[[dict[str, Any]], dict[str, Any]] = _same
    """To the tree of the architecture (what is in ``config.json``)."""
    text: Callable[[bytes], bytes] = _same
    """To its text."""
    weights: Callable[[h5py.File], None] = _same
    """To the HDF5 file, open for writing."""
    archive: Callable[[list[tuple[str, bytes]]], bytes] | None = None
    """From the members of an archive to its bytes."""
    data: Callable[[bytes], bytes] = _same
    """To the bytes of the file that is handed over last: the archive, or the HDF5 file."""


def write_model(
    source: SourceModel, folder: Path, layout: Layout, stages: Stages | None = None, *, nested: bool = False
) -> tuple[Path, Path | None]:
    """Write a model to ``folder``; return the path of the model and of its weights, where those have a file of their own.

    ``nested``: the whole network as one layer of another (for networks of one input and one output).
    """
    stages = stages or Stages()
    tree = stages.config(copy.deepcopy(architecture(source, legacy=layout in ("h5", "json"), nested=nested)))
    text = stages.text(json.dumps(tree).encode())
    by_path = layout in ("keras", "json by path")
    stored = stages_of_weights(source, stages, nested, by_path, text if layout == "h5" else None)
    if layout == "keras":
        version = json.dumps({"keras_version": _VERSIONS[flavour_of(source)]}).encode()
        members = [(METADATA, version), (CONFIG, text), (WEIGHTS, stored)]
        path = folder / "model.keras"
        path.write_bytes(stages.data((stages.archive or archive)(members)))
        return path, None
    path = folder / {"h5": "model.h5", "json": "old.h5"}.get(layout, "new.weights.h5")
    path.write_bytes(stages.data(stored))
    if layout == "h5":
        return path, None
    (folder / "model.json").write_bytes(text)
    return folder / "model.json", path


def archive(members: Sequence[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data)  # without the time of day
    return buffer.getvalue()


def flavour_of(source: SourceModel) -> str:
    return source.flavour.partition("+")[0]


# -- the architecture ----------------------------------------------------------------------------


def architecture(source: SourceModel, *, legacy: bool, nested: bool = False) -> dict[str, Any]:
    """What ``to_json`` gives; ``legacy`` files of Keras 2 name no modules."""
    keras3 = flavour_of(source) == "keras3"
    inner = _functional(source, keras3, legacy)
    tree = _around(source, inner, keras3, legacy) if nested else inner
    return tree if keras3 else {**tree, "keras_version": _VERSIONS["keras2"], "backend": "tensorflow"}


def _functional(source: SourceModel, keras3: bool, legacy: bool) -> dict[str, Any]:
    layers = [_input_layer(spec.name, spec.shape, keras3, legacy) for spec in source.inputs]
    shapes = {spec.name: spec.shape for spec in source.inputs}
    places = {spec.name: (spec.name, 0) for spec in source.inputs}
    entries: dict[str, dict[str, Any]] = {}
    for call in source.calls:
        if call.layer_name not in entries:
            entries[call.layer_name] = _entry(call, legacy and not keras3)
        nodes = entries[call.layer_name]["inbound_nodes"]
        places[call.name] = (call.layer_name, len(nodes))
        references = [[*places[tensor.call], tensor.index] for tensor in call.inputs]
        nodes.append(_new_node(call, references, shapes) if keras3 else _old_node(call, references))
    config = {
        "name": source.name,
        "trainable": True,
        "layers": [*layers, *entries.values()],
        "input_layers": [[spec.name, 0, 0] for spec in source.inputs],
        "output_layers": [[*places[tensor.call], tensor.index] for tensor in source.outputs],
    }
    return _object("Functional", config, "keras.src.models.functional", keras3 or not legacy)


def _entry(call: LayerCall, nameless: bool) -> dict[str, Any]:
    module = {"module": call.module or ("qkeras" if _is_qkeras(call) else "keras.layers"), "registered_name": None}
    of_keras3 = call.module.startswith("keras.src.ops")
    always = {} if of_keras3 else {"trainable": True, "dtype": "float32"}
    config = {"name": call.layer_name, **always, **call.config}
    entry = {"class_name": call.class_name, "config": config, "name": call.layer_name, "inbound_nodes": []}
    return entry | ({} if nameless else module)


def _around(source: SourceModel, inner: dict[str, Any], keras3: bool, legacy: bool) -> dict[str, Any]:
    """A Sequential model that holds the network as its only layer."""
    config = {
        "name": f"around_{source.name}",
        "trainable": True,
        "layers": [_input_layer("outer", source.inputs[0].shape, keras3, legacy), inner],
    }
    return _object("Sequential", config, "keras", keras3 or not legacy)


def _object(class_name: str, config: dict[str, Any], module: str, named: bool) -> dict[str, Any]:
    found = {"class_name": class_name, "config": config}
    registered = class_name if module.startswith("keras.src") else None
    return found | ({"module": module, "registered_name": registered} if named else {})


def _input_layer(name: str, shape: tuple[int, ...], keras3: bool, legacy: bool) -> dict[str, Any]:
    sizes = {"batch_shape" if keras3 else "batch_input_shape": [None, *shape]}
    config = {**sizes, "dtype": "float32", "sparse": False, "ragged": False, "name": name}
    return {**_object("InputLayer", config, "keras.layers", keras3 or not legacy), "name": name, "inbound_nodes": []}


SEPARATE = frozenset({"MultiHeadAttention", "GroupQueryAttention"})
"""Layers that are given their tensors one by one, and no list of them."""
STARTED = frozenset({"SimpleRNN", "LSTM", "GRU"})
"""Layers whose further tensors are the states that they begin with."""


def _new_node(call: LayerCall, references: list[Any], shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """The call of a layer as Keras 3 writes it."""
    tensors = [
        {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": [None, *shapes.get(name, ())],
                "dtype": "float32",
                "keras_history": [name, node, index],
            },
        }
        for name, node, index in references
    ]
    options = {key: value for key, value in call.arguments.items() if not key.isdecimal()}
    if call.numbers:
        return {"args": [tensors[0] if number is None else number for number in call.numbers], "kwargs": {}}
    if call.class_name in STARTED and len(tensors) > 1:
        return {"args": tensors[:1], "kwargs": {"initial_state": tensors[1:]}}
    if call.is_operation:
        constants = [value for key, value in call.arguments.items() if key.isdecimal()]
        return {"args": [*tensors, *constants], "kwargs": options}
    separate = len(tensors) == 1 or call.class_name in SEPARATE
    return {"args": tensors if separate else [tensors], "kwargs": options}


def _old_node(call: LayerCall, references: list[Any]) -> list[Any]:
    """The call of a layer as Keras 2 writes it: the options beside each tensor of a list."""
    if call.is_operation and len(references) > 1:
        first, second = references
        return [[*first, {"b": second, **call.arguments}]]
    if call.class_name in SEPARATE:
        first, second = references
        return [[*first, {"value": second, **call.arguments}]]
    return [[*reference, dict(call.arguments)] for reference in references]


def _is_qkeras(call: LayerCall) -> bool:
    return call.class_name[:1] == "Q" and call.class_name[1:2].isupper()


# -- weights -------------------------------------------------------------------------------------


def stages_of_weights(source: SourceModel, stages: Stages, nested: bool, by_path: bool, config: bytes | None) -> bytes:
    """The bytes of the HDF5 file; ``config``: the architecture that a whole model holds beside its weights."""
    buffer = io.BytesIO()
    large = config is not None and len(config) > _LARGE
    with h5py.File(buffer, "w", libver="latest" if large else None) as file:
        if by_path:
            _store_by_path(file, source, nested)
        else:
            root = file if config is None else file.create_group("model_weights")
            if config is not None:
                file.attrs["model_config"] = np.bytes_(config) if b"\0" not in config else np.void(config)
                file.attrs["keras_version"] = _VERSIONS[flavour_of(source)]
            _store_legacy(root, source, nested)
        stages.weights(file)
    return buffer.getvalue()


@dataclass(frozen=True)
class _Stored:
    """A layer with its arrays in the order in which a file has them."""

    name: str
    class_name: str
    variables: tuple[Variable, ...]
    arrays: dict[str, Any]

    def ordered(self) -> list[Variable]:
        return sorted(self.variables, key=lambda variable: not variable.trainable)


def _stored(source: SourceModel) -> list[_Stored]:
    """All layers; an operator is none."""
    tree = parse_model(architecture(source, legacy=False))
    weights = {call.layer_name: call.weights for call in source.calls if not call.is_operation}
    return [
        _Stored(entry.name, entry.class_name, variables_of(entry) or (), weights[entry.name])
        for entry in tree.leaves()
        if entry.name in weights
    ]


def _store_legacy(root: h5py.Group, source: SourceModel, nested: bool) -> None:
    layers = [(layer.name, [(layer, v) for v in layer.ordered()]) for layer in _stored(source)]
    if nested:
        slots = [slot for _, some in layers for slot in some]
        layers = [(source.name, [slot for wanted in (True, False) for slot in slots if slot[1].trainable is wanted])]
    root.attrs["layer_names"] = [name.encode() for name, _ in layers]
    for name, slots in layers:
        group, names = root.create_group(name), []
        for layer, variable in slots:
            part = variable.role.rpartition("/")[0]
            key = "/".join(filter(None, (layer.name, part, f"{variable.leaf_names[0]}:0")))
            group[key] = layer.arrays[variable.role]
            names.append(key.encode())
        group.attrs["weight_names"] = names


def _store_by_path(root: h5py.Group, source: SourceModel, nested: bool) -> None:
    keras3, counts = flavour_of(source) == "keras3", dict[str, int]()
    container = root.create_group("layers")
    if nested:
        container = container.create_group(f"{snake_case('Functional', keras3)}/layers")
    for layer in _stored(source):
        base = snake_case(_NAMES.get(layer.class_name, layer.class_name), keras3)
        number = counts[base] = counts.get(base, -1) + 1
        group = container.create_group(f"{base}_{number}" if number else base)
        group.create_group("vars").attrs["name"] = layer.name
        places = dict[str, int]()
        for variable in layer.ordered():
            place = places[variable.owner] = places.get(variable.owner, -1) + 1
            group[f"{variable.owner}/vars/{place}".lstrip("/")] = layer.arrays[variable.role]
