"""From the configuration tree and the weights to calls: nesting flattened, order topological."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.config import Argument, Constant, LayerEntry, LayerPath, ModelEntry, Reference
from hlsgen.frontends.keras.dtypes import input_dtype
from hlsgen.frontends.keras.options import NUMBER
from hlsgen.frontends.keras.source import Array, Border, End, InputSpec, LayerCall, SourceModel, Tensor
from hlsgen.frontends.limits import MAX_CALLS, MAX_PARTS, MAX_RANK, MAX_TENSOR

Weights = Mapping[LayerPath, dict[str, Array]]


def build_source(model: ModelEntry, weights: Weights, flavour: str) -> SourceModel:
    """Flatten ``model`` into calls; ``weights`` holds every leaf layer's arrays by its path."""
    inputs = input_specs(model)
    names = _Names(inputs, model)
    walk = _Walk(weights, names)
    outputs = walk.run(model, [Tensor(spec.name) for spec in inputs])
    if not outputs:
        raise ModelError(f"model '{model.name}' has no outputs")
    calls = tuple(_alive(walk.calls, outputs))
    uses_qkeras = any(call.module.partition(".")[0] == "qkeras" or _is_qkeras(call) for call in calls)
    return SourceModel(
        name=model.name,
        flavour=flavour + ("+qkeras" if uses_qkeras else ""),
        inputs=inputs,
        calls=calls,
        outputs=tuple(outputs),
        output_names=_output_names(model, outputs),
        borders=tuple(walk.borders),
    )


def _is_qkeras(call: LayerCall) -> bool:
    """Files of the legacy format name no module; there the quantisers in the configuration tell."""
    return not call.module and call.class_name[:1] == "Q" and call.class_name[1:2].isupper()


# -- inputs and outputs ---------------------------------------------------------------------


def input_specs(model: ModelEntry) -> tuple[InputSpec, ...]:
    """The inputs of a top-level model; raises ModelError where a shape is unknown or open."""
    if model.sequential:
        return (_sequential_input(model),)
    by_name = {layer.name: layer for layer in model.layers}
    specs = []
    for reference in model.inputs:
        entry = by_name.get(reference.layer)
        if entry is None or not entry.is_input:
            raise ModelError(
                f"model '{model.name}': its input '{reference.layer}' is no InputLayer; the file is damaged"
            )
        specs.append(_input_spec(entry))
    if not specs:
        raise ModelError(f"model '{model.name}' has no inputs")
    return tuple(specs)


def _sequential_input(model: ModelEntry) -> InputSpec:
    if not model.layers:
        raise ModelError(f"model '{model.name}' has no layers")
    first = model.layers[0]
    if first.is_input:
        return _input_spec(first)
    if first.model is not None and first.model.sequential is False:
        return input_specs(first.model)[0]
    shape = model.input_shape or first.config.get("batch_input_shape")
    if not shape and first.model is not None:
        return _sequential_input(first.model)
    if not shape:
        raise ModelError(
            f"model '{model.name}' is a Sequential that was never built, so its input shape is unknown; "
            "put keras.Input(shape=...) first, or call the model once on data, and save or convert again"
        )
    return InputSpec("input", _shape(model.name, "input", shape), "float32")


def _input_spec(entry: LayerEntry) -> InputSpec:
    config = entry.config
    for option in ("sparse", "ragged"):
        if config.get(option):
            raise UnsupportedError(f"input '{entry.name}' is {option}; hlsgen takes dense inputs only")
    shape = _batch_shape(entry)
    if shape is None:
        raise ModelError(f"input '{entry.name}' has no shape in its configuration; the file is damaged")
    return InputSpec(entry.name, _shape("", entry.name, shape), input_dtype(entry.name, config.get("dtype")))


def _batch_shape(entry: LayerEntry) -> Sequence[Any] | None:
    """The shape of an InputLayer, with the batch; None where it has none."""
    shape = entry.config.get("batch_shape") or entry.config.get("batch_input_shape")
    return shape if isinstance(shape, list | tuple) and shape else None


def _shape(model: str, name: str, shape: Sequence[object]) -> tuple[int, ...]:
    sizes: list[int] = []
    if len(shape) < 2:
        raise ModelError(f"input '{name}' is a scalar, of shape {tuple(shape[1:])}; give it the shape (1,)")
    for axis, size in enumerate(shape[1:], start=1):
        if size is None:
            raise ModelError(
                f"input '{name}'{f' of model {model!r}' * bool(model)}: axis {axis} of its shape "
                f"{tuple(shape)} is open (None); hardware needs a size: rebuild the model with a fixed input shape"
            )
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ModelError(f"input '{name}': axis {axis} of its shape {tuple(shape)} is no positive integer")
        sizes.append(size)
    if len(sizes) > MAX_RANK:
        raise ModelError(f"input '{name}' has {len(sizes)} axes, more than the {MAX_RANK} supported")
    if prod(sizes) > MAX_TENSOR:
        raise ModelError(f"input '{name}' of shape {tuple(shape)} has more than {MAX_TENSOR} elements")
    return tuple(sizes)


def _output_names(model: ModelEntry, outputs: Sequence[Tensor]) -> tuple[str, ...]:
    if model.output_keys is not None and len(model.output_keys) == len(outputs):
        return model.output_keys
    free = FreeNames()
    return tuple(free.take(tensor.call) for tensor in outputs)


# -- names ----------------------------------------------------------------------------------


class FreeNames:
    """Names that are taken one by one: each is what was wished for, or that with the next free number."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.used = set(taken)
        self._tried: dict[str, int] = {}
        """Of each wish, the first number that may be free (0: the wish itself)."""

    def take(self, wish: str, first: int = 0) -> str:
        """A name that nobody has, with ``first`` or the next number that is free."""
        number = max(self._tried.get(wish, 0), first)
        while (free := f"{wish}_{number}" if number else wish) in self.used:
            number += 1
        self._tried[wish] = number + 1
        self.used.add(free)
        return free


class _Names:
    """Unique names: inputs and first calls keep theirs, further calls take the next free number."""

    def __init__(self, inputs: Sequence[InputSpec], model: ModelEntry) -> None:
        self.free = FreeNames(spec.name for spec in inputs)
        called = (entry for entry in model.everything() if entry.model is None and not entry.is_input)
        self.layers = {entry.path: self.free.take("/".join(entry.path)) for entry in called}
        self.called: set[LayerPath] = set()

    def of_call(self, path: LayerPath) -> str:
        name = self.layers[path]
        if path in self.called:
            return self.free.take(name, first=1)
        self.called.add(path)
        return name


# -- the walk -------------------------------------------------------------------------------


@dataclass
class _Walk:
    weights: Weights
    names: _Names
    calls: list[LayerCall] = field(default_factory=list)
    borders: list[Border] = field(default_factory=list)
    count: int = 0
    """Calls so far, those of models too: models that call each other twice double them at each level."""

    def _count(self, where: str, tensors: int) -> None:
        """Count a call that reads (or, of a model, yields) so many tensors. Raises ModelError beyond the limits."""
        if tensors > MAX_PARTS:
            raise ModelError(f"{where} reads or yields {tensors} tensors, more than the {MAX_PARTS} supported")
        self.count += max(tensors, 1)
        if self.count > MAX_CALLS:
            raise ModelError(
                f"the model has more than {MAX_CALLS} calls of layers, counting those of nested models, and each "
                "tensor that a layer reads"
            )

    def run(self, model: ModelEntry, inputs: list[Tensor]) -> list[Tensor]:
        """Add the calls of one use of ``model`` and return its output tensors."""
        self._count(f"model '{model.name}'", max(len(model.inputs), len(model.outputs)))
        return self._sequential(model, inputs) if model.sequential else self._functional(model, inputs)

    def _sequential(self, model: ModelEntry, tensors: list[Tensor]) -> list[Tensor]:
        for entry in model.layers:
            if not entry.is_input:
                tensors = self._call(entry, tensors)
            elif tensors:
                self._enter(model, entry, tensors[0])
        return tensors

    def _functional(self, model: ModelEntry, inputs: list[Tensor]) -> list[Tensor]:
        if len(inputs) != len(model.inputs):
            raise ModelError(f"model '{model.name}' is called with {len(inputs)} tensors, expected {len(model.inputs)}")
        done: dict[tuple[str, int], list[Tensor]] = {
            (reference.layer, reference.node): [tensor] for reference, tensor in zip(model.inputs, inputs, strict=True)
        }
        by_name = {layer.name: layer for layer in model.layers}
        for reference, tensor in zip(model.inputs, inputs, strict=True):
            self._enter(model, by_name.get(reference.layer), tensor)
        for entry, node in _node_order(model):
            arguments = entry.nodes[node]
            tensors = [_resolve(model, by_name, done, r) for r in _tensors(arguments)]
            done[entry.name, node] = self._call(entry, tensors, arguments)
        return [_resolve(model, by_name, done, r, output=True) for r in model.outputs]

    def _enter(self, model: ModelEntry, entry: LayerEntry | None, tensor: Tensor) -> None:
        """Note for what shape and dtype a nested model was built, where its own input says so."""
        shape = _batch_shape(entry) if entry is not None and model.path else None
        if entry is not None and shape is not None:
            extents = tuple(extent if type(extent) is int else None for extent in shape[1:])
            dtype = input_dtype("/".join(entry.path), entry.config.get("dtype"))
            self.borders.append(Border("/".join(model.path), tensor, extents, dtype))

    def _call(self, entry: LayerEntry, inputs: list[Tensor], arguments: Sequence[Argument] = ()) -> list[Tensor]:
        if entry.model is not None:
            return self.run(entry.model, inputs)
        if entry.is_input:
            raise ModelError(f"{entry.where}: an input reads other layers; the file is damaged")
        self._count(entry.where, len(inputs))
        call = self._leaf(entry, self.names.of_call(entry.path), inputs, arguments)
        if entry.inside is not None:
            return self._at_every_position(entry.where, entry.inside, call)
        self.calls.append(call)
        return [Tensor(call.name)]

    def _at_every_position(self, where: str, model: ModelEntry, call: LayerCall) -> list[Tensor]:
        """Add the calls of a ``model`` that ``call`` applies to every position, between the two ends of that."""
        _check_single(where, "inputs", 1 if model.sequential else len(model.inputs))
        name = self.names.free.take(f"{call.name}/position")
        first = replace(call, name=name, end=End.FIRST, layer_call=call.name)
        self.calls.append(first)
        results = self.run(model, [Tensor(first.name)])
        _check_single(where, "outputs", len(results))
        last = replace(call, inputs=(*results, Tensor(first.name)), end=End.LAST, layer_call=call.name)
        self.calls.append(last)
        return [Tensor(last.name)]

    def _leaf(self, entry: LayerEntry, name: str, inputs: Sequence[Tensor], arguments: Sequence[Argument]) -> LayerCall:
        return LayerCall(
            name=name,
            layer_name=self.names.layers[entry.path],
            class_name=entry.class_name,
            module=entry.module,
            config=entry.config,
            weights=self.weights.get(entry.path, {}),
            inputs=tuple(inputs),
            registered_name=entry.registered_name,
            build_config=entry.build_config,
            is_operation=entry.is_operation,
            numbers=_numbers(arguments),
            arguments=_others(arguments),
        )


def _check_single(where: str, what: str, count: int) -> None:
    if count != 1:
        raise UnsupportedError(
            f"{where}: it wraps a model of {count} {what}, expected a single one: join the tensors in front of it "
            "(Concatenate) and cut its result (slices), or wrap its parts"
        )


def _tensors(arguments: Sequence[Argument]) -> list[Reference]:
    return [argument for argument in arguments if isinstance(argument, Reference)]


def _numbers(arguments: Sequence[Argument]) -> tuple[float | None, ...]:
    """The positional arguments with None for tensors; nothing where all are tensors, or one is more than a number."""
    constants = [a.value for a in _positional(arguments) if isinstance(a, Constant)]
    if not constants or not all(NUMBER.takes(value) for value in constants):
        return ()
    return tuple(None if isinstance(a, Reference) else float(a.value) for a in _positional(arguments))


def _others(arguments: Sequence[Argument]) -> dict[str, Any]:
    """Constants besides :func:`_numbers`: by keyword, or by their place, '0' being the first argument."""
    found = {a.keyword: a.value for a in arguments if isinstance(a, Constant) and a.keyword is not None}
    if _numbers(arguments):
        return found
    positional = enumerate(_positional(arguments))
    return {str(place): a.value for place, a in positional if isinstance(a, Constant)} | found


def _positional(arguments: Sequence[Argument]) -> list[Argument]:
    return [a for a in arguments if isinstance(a, Reference) or a.keyword is None]


def _call_number(by_name: Mapping[str, LayerEntry], reference: Reference, output: bool) -> int:
    entry = by_name.get(reference.layer)
    if entry is None:
        return -1
    return reference.node - (entry.first_output_node if output else entry.first_node)


def _resolve(
    model: ModelEntry,
    by_name: Mapping[str, LayerEntry],
    done: Mapping[tuple[str, int], list[Tensor]],
    reference: Reference,
    output: bool = False,
) -> Tensor:
    tensors = done.get((reference.layer, _call_number(by_name, reference, output)))
    if tensors is None:
        raise ModelError(
            f"model '{model.name}': {'an output' if output else 'a layer'} refers to call "
            f"{reference.node} of '{reference.layer}', which does not exist; the file is damaged"
        )
    entry = by_name[reference.layer]
    if entry.model is None and not entry.is_input:
        return Tensor(tensors[0].call, reference.tensor)  # how many outputs a plain layer has is known to the layer
    if reference.tensor >= len(tensors):
        raise ModelError(
            f"model '{model.name}': '{reference.layer}' has no output {reference.tensor}; the file is damaged"
        )
    return tensors[reference.tensor]


def _node_order(model: ModelEntry) -> Iterator[tuple[LayerEntry, int]]:
    """Calls of a functional model such that producers come first, otherwise in the order of its layers."""
    by_name = {layer.name: layer for layer in model.layers}
    keys = [(i, n) for i, layer in enumerate(model.layers) for n in range(len(layer.nodes))]
    position = {(model.layers[i].name, n): (i, n) for i, n in keys}
    waiting: dict[tuple[int, int], int] = {}
    consumers: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, n in keys:
        producers = {
            position.get((r.layer, _call_number(by_name, r, False))) for r in _tensors(model.layers[i].nodes[n])
        } - {None}
        waiting[i, n] = len(producers)
        for producer in producers:
            assert producer is not None
            consumers.setdefault(producer, []).append((i, n))
    ready = [key for key, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    served = 0
    while ready:
        key = heapq.heappop(ready)
        served += 1
        yield model.layers[key[0]], key[1]
        for consumer in consumers.get(key, []):
            waiting[consumer] -= 1
            if waiting[consumer] == 0:
                heapq.heappush(ready, consumer)
    if served != len(keys):
        stuck = sorted({model.layers[i].name for (i, n), count in waiting.items() if count > 0})
        raise ModelError(
            f"model '{model.name}' has a loop through {', '.join(repr(s) for s in stuck[:5])}; the file is damaged"
        )


def _alive(calls: Sequence[LayerCall], outputs: Sequence[Tensor]) -> Iterator[LayerCall]:
    """Calls that an output depends on; a nested model's unused outputs leave dead ones."""
    needed = {tensor.call for tensor in outputs}
    for call in reversed(calls):
        if call.name in needed:
            needed.update(tensor.call for tensor in call.inputs)
    return (call for call in calls if call.name in needed)
