"""The configuration of a Keras model as a checked tree, whatever Keras version wrote it.

Both serialization formats are taken: Keras 3's (``module``, ``registered_name``, ``inbound_nodes`` with
``args``/``kwargs`` of ``__keras_tensor__``) and Keras 2's (nested lists ``[layer, node, tensor, kwargs]``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError, brief
from hlsgen.frontends.classes import KERAS
from hlsgen.frontends.keras.options import NUMBER
from hlsgen.frontends.limits import MAX_CALLS
from hlsgen.ir.text import is_whole

LayerPath = tuple[str, ...]
MODEL_CLASSES = frozenset({"Functional", "Model", "Sequential"})
MAX_DEPTH = 32
_LONGEST_NAME = 1000
_MAX_NESTING = 8 * MAX_DEPTH
"""Lists and mappings within each other: a model, its layers, a layer and its configuration in each of the models."""
_OPERATION_MODULES = ("keras.src.ops", "keras.ops", "keras.src.activations", "keras.activations")
_LAMBDAS = ("TFOpLambda", "SlicingOpLambda")
"""The classes in which Keras 2 wraps functions of TensorFlow; they are given everything but tensors by keyword."""
_OWN_ROOTS = frozenset({*KERAS, "qkeras", "hlsgen", ""})
_PREPROCESSING = ("Random", "Resizing", "CenterCrop", "AutoContrast", "Equalization", "Solarization")
_POLICIES = ("DTypePolicy", "FloatDTypePolicy", "Policy", "PolicyV1")
"""Classes of policies of one dtype, by which Keras 3 and 2 write it."""
_OF_HEADS = ("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention")
"""The last two are one class, which is exported under another name than its own."""
_TENSORS_BY_KEYWORD: dict[str, tuple[str, ...]] = {
    **{f"{q}{name}": ("initial_state",) for q in ("", "Q") for name in ("SimpleRNN", "LSTM", "GRU", "Bidirectional")},
    **dict.fromkeys(_OF_HEADS, ("query", "value", "key")),
}
"""Layers that may be given tensors by keywords, which follow those given by their place in this order."""
_ATTENTION_OPTIONS = ("use_causal_mask", "return_attention_scores", "attention_mask")
_CALL_OPTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Attention", "AdditiveAttention"), _ATTENTION_OPTIONS[:2]),
    **dict.fromkeys(_OF_HEADS, _ATTENTION_OPTIONS),
}
"""Options of calls that are read, by class of layer."""
_NEUTRAL_KWARGS: dict[str, tuple[Any, ...]] = {"training": (None, False), "name": ()}


class Reference(NamedTuple):
    """Output ``tensor`` of call number ``node`` of the layer ``layer`` of the same model."""

    layer: str
    node: int
    tensor: int


class Constant(NamedTuple):
    """What an operation is given besides tensors: a number in the place of one (``x * 2``), lists and slices
    (``x[:, 1:3]``), or with a ``keyword`` an option of the call."""

    value: Any
    keyword: str | None = None


Argument = Reference | Constant


@dataclass(frozen=True, eq=False)
class LayerEntry:
    """One layer of a (nested) model; ``path`` is its name behind the names of the models around it."""

    path: LayerPath
    class_name: str
    module: str
    registered_name: str
    config: dict[str, Any]
    build_config: dict[str, Any]
    nodes: tuple[tuple[Argument, ...], ...]
    first_node: int
    first_output_node: int
    shared_id: int | None
    model: ModelEntry | None
    held: LayerEntry | None = None
    """Of a wrapper around a whole model: that model, as a layer of the same path."""
    nameless: bool = False
    """An operation of Keras 3 in a legacy HDF5 file, which names no module; but every layer says if it is trainable."""

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def where(self) -> str:
        return f"layer '{'/'.join(self.path)}' ({self.class_name})"

    @property
    def inside(self) -> ModelEntry | None:
        """The model whose layers are computed where this one is: it itself, or the one that it holds."""
        return self.model if self.held is None else self.held.model

    @property
    def is_input(self) -> bool:
        return self.class_name == "InputLayer"

    @property
    def is_operation(self) -> bool:
        """Whether this is a bare operation (``x + y``), which is no layer and owns nothing."""
        return self.nameless or self.class_name in _LAMBDAS or self.module.startswith(_OPERATION_MODULES)

    @property
    def trainable(self) -> bool:
        return bool(self.config.get("trainable", True))


@dataclass(frozen=True, eq=False)
class ModelEntry:
    """A Functional (``inputs`` and ``outputs`` set) or Sequential model."""

    name: str
    path: LayerPath
    sequential: bool
    layers: tuple[LayerEntry, ...]
    inputs: tuple[Reference, ...]
    outputs: tuple[Reference, ...]
    output_keys: tuple[str, ...] | None
    input_shape: tuple[Any, ...] | None
    trainable: bool

    def everything(self) -> Iterator[LayerEntry]:
        """Every layer, InputLayers and models with what is in them, in order."""
        for entry in self.layers:
            yield entry
            if entry.inside is not None:
                yield from entry.inside.everything()

    def leaves(self) -> Iterator[LayerEntry]:
        """Every layer that is neither an InputLayer nor a model, nor holds one, nested ones included, in order."""
        return (entry for entry in self.everything() if entry.inside is None and not entry.is_input)


# -- plain values ---------------------------------------------------------------------------


def plain(value: Any, depth: int = 0) -> Any:
    """Return ``value`` in dicts, lists, strings, numbers and None; Keras's tagged tuples become lists.

    Raises ModelError where it is nested so deep that no layer's configuration can be, and for texts that are none.
    """
    if depth > _MAX_NESTING:
        raise ModelError(f"the configuration is nested more than {_MAX_NESTING} deep; the file is damaged")
    if isinstance(value, str):
        return _whole_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(value, Mapping):
        tag = value.get("class_name")
        if tag in ("__tuple__", "TensorShape") and isinstance(value.get("items"), list | tuple):
            return [plain(v, depth + 1) for v in value["items"]]
        return {_whole_text(str(k)): plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [plain(v, depth + 1) for v in value]
    if type(value).__name__ == "TensorShape":
        return plain(value.as_list(), depth + 1)
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


def _whole_text(text: str) -> str:
    """A text of a configuration. Raises ModelError for half of a character, which no text file holds."""
    if not is_whole(text):
        raise ModelError(f"the configuration holds a text with half of a character: {text[:80]!a}; the file is damaged")
    return text


# -- models and layers ----------------------------------------------------------------------


def parse_model(entry: Any, path: LayerPath = ()) -> ModelEntry:
    """Read the serialized model ``entry`` (``class_name`` and ``config``, already :func:`plain`)."""
    where = f"model '{'/'.join(path)}'" if path else "the model"
    if not isinstance(entry, dict):
        raise ModelError(f"{where} has no 'class_name' and 'config', found {brief(entry)}; the file is damaged")
    if len(path) > MAX_DEPTH:
        raise ModelError(f"{where}: models are nested more than {MAX_DEPTH} deep; the file is damaged")
    class_name, _, _ = _class_of(entry)
    config = entry.get("config")
    if isinstance(config, list):  # Keras before 2.2.3 wrote a Sequential as the bare list of its layers
        config = {"layers": config}
    layers = config.get("layers") if isinstance(config, dict) else None
    if class_name not in MODEL_CLASSES or not isinstance(layers, list):
        raise ModelError(subclassed(where, class_name))
    assert isinstance(config, dict)
    if len(layers) > MAX_CALLS:
        raise ModelError(f"{where} has {len(layers)} layers, more than the {MAX_CALLS} supported")
    _check_dtype(where, config)
    sequential = "input_layers" not in config
    if sequential != (class_name == "Sequential") and class_name != "Model":
        raise ModelError(f"{where}: its configuration is not that of a {class_name} model; the file is damaged")
    entries = tuple(_parse_layer(layer, path, sequential) for layer in layers)
    _check_names(where, entries)
    outputs = config.get("output_layers")
    shape = config.get("build_input_shape")
    return ModelEntry(
        name=_name("the model in", path, config.get("name") or (path[-1] if path else "model")),
        path=path,
        sequential=sequential,
        layers=entries,
        inputs=() if sequential else tuple(_references(where, config["input_layers"])),
        outputs=() if sequential else tuple(_references(where, outputs)),
        output_keys=tuple(sorted(outputs)) if isinstance(outputs, dict) else None,
        input_shape=tuple(shape) if isinstance(shape, list) else None,
        trainable=bool(config.get("trainable", True)),
    )


def _name(what: str, parent: LayerPath, name: Any) -> str:
    """A name that text files can hold. Raises ModelError."""
    where = f"{what} model '{'/'.join(parent)}'"
    if not isinstance(name, str) or not name:
        raise ModelError(f"{where} has no name; the file is damaged")
    if len(name) > _LONGEST_NAME:
        raise ModelError(
            f"{where} has a name of {len(name)} characters: {brief(name)}; at most {_LONGEST_NAME} are supported"
        )
    return name


def subclassed(where: str, class_name: str) -> str:
    """The refusal of a model whose graph is only in its Python code."""
    return (
        f"{where} is of class '{class_name}', whose structure is in Python code, not in its configuration; "
        "expected a Sequential or Functional model: rebuild it with keras.Sequential(...) or "
        "keras.Model(inputs, outputs)"
    )


def _parse_layer(raw: Any, parent: LayerPath, sequential: bool) -> LayerEntry:
    if not isinstance(raw, dict) or not isinstance(raw.get("config"), dict):
        raise ModelError(f"a layer of model '{'/'.join(parent)}' has no configuration (damaged file?): {str(raw)[:80]}")
    config: dict[str, Any] = raw["config"]
    path = (*parent, _name(f"a {brief(raw.get('class_name'))} layer of", parent, config.get("name", raw.get("name"))))
    entry = _entry(raw, path)
    if not entry.is_input and entry.model is None:
        held = _held(entry)
        own = config if held is None else {key: value for key, value in config.items() if key != "layer"}
        entry = replace(entry, config=_bare_objects(own), held=held)
        _check_dtype(entry.where, config)
        _check_wrapped_dtypes(entry.where, config)
    return entry if sequential else _with_nodes(entry, raw.get("inbound_nodes", []))


def _entry(raw: dict[str, Any], path: LayerPath) -> LayerEntry:
    """A layer as it stands in the configuration, its calls left out."""
    class_name, module, registered = _class_of(raw)
    return LayerEntry(
        path=path,
        class_name=class_name,
        module=module,
        registered_name=registered,
        config=raw["config"],
        build_config=raw["build_config"] if isinstance(raw.get("build_config"), dict) else {},
        nodes=(),
        first_node=0,
        first_output_node=0,
        shared_id=raw.get("shared_object_id") if isinstance(raw.get("shared_object_id"), int) else None,
        model=parse_model(raw, path) if _is_model(class_name, raw["config"]) else None,
    )


def _held(wrapper: LayerEntry) -> LayerEntry | None:
    """The model that a layer applies at every position; None for any other layer."""
    inner = wrapper.config.get("layer") if wrapper.class_name == "TimeDistributed" else None
    if not isinstance(inner, dict) or not isinstance(inner.get("config"), dict):
        return None
    return _entry(inner, wrapper.path) if _is_model(str(inner.get("class_name")), inner["config"]) else None


def _bare_objects(value: Any) -> Any:
    """Undo what legacy HDF5 files do to quantisers: a registration prefix, and a mark of the serializer."""
    if isinstance(value, list):
        return [_bare_objects(v) for v in value]
    if not isinstance(value, dict):
        return value
    bare = {k: _bare_objects(v) for k, v in value.items() if k != "__passive_serialization__"}
    if isinstance(bare.get("class_name"), str) and "config" in bare:
        bare["class_name"] = bare["class_name"].removeprefix("qkeras>")
    return bare


def _is_model(class_name: str, config: Mapping[str, Any]) -> bool:
    return class_name.rpartition(">")[2] in MODEL_CLASSES or "input_layers" in config


def _class_of(raw: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return class name, module and registered name; strangers' classes keep their package in the name."""
    registered = raw.get("registered_name") or ""
    package, _, bare = str(raw.get("class_name")).rpartition(">")
    package = package or str(registered).rpartition(">")[0]
    module = raw.get("module") or ""
    if not module and package:
        # Old files name only the registration package; 'Custom' is where most people register QKeras.
        ours = package.lower() == "qkeras" or (package == "Custom" and bare[:1] == "Q" and bare[1:2].isupper())
        module = "qkeras" if ours else package
    if str(module).partition(".")[0] not in _OWN_ROOTS:
        bare = f"{package or str(module).partition('.')[0]}>{bare}"
    return bare, str(module), str(registered)


def _check_names(where: str, layers: Sequence[LayerEntry]) -> None:
    seen: set[str] = set()
    for layer in layers:
        if layer.name in seen:
            raise ModelError(f"{where}: two layers are named '{layer.name}'; names must be unique within a model")
        seen.add(layer.name)


def _check_wrapped_dtypes(where: str, config: Mapping[str, Any]) -> None:
    for key in ("layer", "backward_layer", "cell"):
        inner = config.get(key)
        if isinstance(inner, dict) and isinstance(inner.get("config"), dict):
            _check_dtype(f"{where}, its {key}", inner["config"])


def _check_dtype(where: str, config: Mapping[str, Any]) -> None:
    dtype = config.get("dtype")
    if isinstance(dtype, dict) and dtype.get("class_name") in _POLICIES and isinstance(dtype.get("config"), dict):
        dtype = dtype["config"].get("name", dtype)
    if dtype == "bool":
        raise UnsupportedError(
            f"{where}: its result is true or false: a comparison, or a step of a mask, which Keras writes "
            "into the model where masked tensors meet others; leave out masks (mask_zero=False, no Masking layer)"
        )
    if dtype is not None and dtype != "float32":
        raise UnsupportedError(
            f"{where}: dtype policy {brief(dtype)} is not supported, only 'float32'; "
            "rebuild the model with float32 layers and load the weights into it"
        )


# -- nodes ----------------------------------------------------------------------------------


def _with_nodes(entry: LayerEntry, raw: Any) -> LayerEntry:
    if not isinstance(raw, list):
        raise ModelError(f"{entry.where}: 'inbound_nodes' is no list; the file is damaged")
    keras3 = any(isinstance(node, dict) and "args" in node for node in raw)
    nameless = keras3 and not entry.module and entry.model is None
    entry = replace(entry, nameless=nameless and "trainable" not in entry.config and entry.config.get("dtype") is None)
    nodes = tuple(tuple(_node_inputs(entry, node)) for node in raw)
    # A functional model has one node of its own before its calls. Keras 2 counts it wherever it
    # refers to the model, Keras 3 only where it names the outputs of the model around it.
    own_node = entry.model is not None and _counts_own_node(entry.model, keras3)
    first = int(own_node and not keras3)
    return replace(entry, nodes=nodes, first_node=first, first_output_node=int(own_node))


def _counts_own_node(model: ModelEntry, keras3: bool) -> bool:
    if keras3:
        return not model.sequential
    # Before TensorFlow 2.3 a Sequential's InputLayer was left out, and its shape put into the first layer.
    return not model.layers or model.layers[0].is_input or "batch_input_shape" in model.layers[0].config


def _node_inputs(entry: LayerEntry, node: Any) -> Iterator[Argument]:
    if isinstance(node, dict) and "args" in node:
        yield from _arguments(entry, node["args"], _mapping(entry, node.get("kwargs")))
    else:
        yield from _keras2_node(entry, node)


def _arguments(entry: LayerEntry, args: Any, kwargs: Mapping[str, Any]) -> Iterator[Argument]:
    """Tensors (and an operation's numbers) of a Keras 3 call, in order, those by keyword behind them; then options."""
    for arg in args if isinstance(args, list) else [args]:
        if entry.is_operation and arg is not None and not _holds_tensor(arg):
            yield Constant(arg)
        else:
            yield from _flat(entry, arg)
    by_keyword = _TENSORS_BY_KEYWORD.get(entry.class_name, ())
    for key in by_keyword:
        yield from _flat(entry, kwargs.get(key))
    for key, value in kwargs.items():
        if key not in by_keyword:
            yield from _option(entry, key, value)


def _flat(entry: LayerEntry, arg: Any) -> Iterator[Argument]:
    if isinstance(arg, dict) and arg.get("class_name") == "__keras_tensor__":
        yield _reference(entry.where, _mapping(entry, arg.get("config")).get("keras_history"))
    elif isinstance(arg, list):
        for item in arg:
            yield from _flat(entry, item)
    elif isinstance(arg, dict) and "class_name" not in arg:
        for key in sorted(arg):  # Keras flattens dicts by sorted key
            yield from _flat(entry, arg[key])
    elif arg is not None:
        yield _constant(entry, arg)


def _keras2_node(entry: LayerEntry, node: Any) -> Iterator[Argument]:
    if isinstance(node, dict):
        for key in sorted(node):
            yield from _keras2_node(entry, node[key])
    elif isinstance(node, list) and node and isinstance(node[0], str):
        yield from _keras2_leaf(entry, node)
    elif isinstance(node, list):
        for item in node:
            yield from _keras2_node(entry, item)
    else:
        raise ModelError(f"{entry.where}: an inbound node is damaged: {str(node)[:80]}")


def _keras2_leaf(entry: LayerEntry, leaf: list[Any]) -> Iterator[Argument]:
    if leaf[0] == "_CONSTANT_VALUE":
        yield _constant(entry, leaf[2] if len(leaf) > 2 else None)
    else:
        yield _reference(entry.where, leaf[:3])
    kwargs = _mapping(entry, leaf[3] if len(leaf) > 3 else None)
    by_keyword = _TENSORS_BY_KEYWORD.get(entry.class_name, ())
    for key in by_keyword:
        if _is_reference(kwargs.get(key)):
            yield _reference(entry.where, kwargs[key])
    for key, value in kwargs.items():
        # x + y of Keras 2 is a TFOpLambda whose second tensor is the keyword 'y'
        if entry.class_name == "TFOpLambda" and _is_reference(value):
            yield _reference(entry.where, value)
        elif entry.class_name == "TFOpLambda" and key in ("x", "y") and value is not None:
            yield _constant(entry, value)
        elif key not in by_keyword or not _is_reference(value):
            yield from _option(entry, key, value)


def _option(entry: LayerEntry, key: str, value: Any) -> Iterator[Constant]:
    """An option of a call that its reader takes or refuses: any of an operation, of a layer those that are known.

    Others mean nothing at inference, or are refused here.
    """
    known = key != "name" if entry.is_operation else key in _CALL_OPTIONS.get(entry.class_name, ())
    if not known or _holds_tensor(value):
        _check_kwarg(entry, key, value)
    elif value is not None:
        yield Constant(value, key)


def _mapping(entry: LayerEntry, value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise ModelError(f"{entry.where}: an inbound node is damaged: {str(value)[:80]}")
    return value or {}


def _check_kwarg(entry: LayerEntry, key: str, value: Any) -> None:
    if value is None or key == "name" or value in _NEUTRAL_KWARGS.get(key, ()):
        return
    if key == "mask" and isinstance(value, list) and all(mask is None for mask in value):
        return  # of a nested model that is given its tensors as a list
    if key == "training" and entry.class_name.startswith(_PREPROCESSING):
        return  # Keras 3 writes the default of these, which inference overrides
    shown = "a tensor" if _holds_tensor(value) else f"{str(value)[:60]}"
    if key == "mask":
        raise UnsupportedError(
            f"{entry.where}: it is called with mask={shown}; leaving out steps is not implemented: pad and train "
            "without a mask (mask_zero=False, no Masking layer)"
        )
    raise UnsupportedError(
        f"{entry.where}: it is called with {key}={shown}; hlsgen takes tensors as positional arguments only "
        "and no other call options"
    )


def _constant(entry: LayerEntry, value: Any) -> Constant:
    if entry.is_operation and NUMBER.takes(value):
        return Constant(value)
    raise UnsupportedError(
        f"{entry.where}: it is called with the constant {str(value)[:60]}; only operations are, and with single "
        "numbers; use a layer that holds the constant (for example Rescaling, or a frozen Dense or BatchNormalization)"
    )


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("class_name") == "__keras_tensor__" or any(_holds_tensor(v) for v in value.values())
    return isinstance(value, list) and (_is_reference(value) or any(_holds_tensor(v) for v in value))


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], str)
        and all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value[1:])
    )


def _reference(where: str, value: Any) -> Reference:
    if not _is_reference(value):
        raise ModelError(f"{where}: expected a tensor as [layer, node, index], found {str(value)[:80]}; damaged file")
    return Reference(*value)


def _references(where: str, structure: Any) -> Iterator[Reference]:
    """Flatten ``input_layers`` or ``output_layers``: one reference, a list, or a dict (by sorted key)."""
    if isinstance(structure, dict):
        for key in sorted(structure):
            yield from _references(where, structure[key])
    elif isinstance(structure, list) and not (structure and isinstance(structure[0], str)):
        for item in structure:
            yield from _references(where, item)
    else:
        yield _reference(where, structure)
