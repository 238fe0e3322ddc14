"""The reference beside the design: outputs and layers of the source model, in the design's own order of axes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.analysis.diagnosis.measurement import Measurement
from hlsgen.analysis.subject import Subject
from hlsgen.design.arrays import Array, in_model_units
from hlsgen.errors import ModelError
from hlsgen.exports.source_outputs import source_outputs
from hlsgen.frontends.values import GRAPH, MayHoldCodeError, NotRunError, SourceValues
from hlsgen.ir.constant import Floats
from hlsgen.ir.graph import Graph
from hlsgen.ir.typing import Tensor

_REAL = "the graph in real numbers"
_OTHER = 0.02
"""Real numbers may differ from the reference by so much: its quantisers round float32."""
_OTHER_LAYER = 0.01


class ReferenceWarning(UserWarning):
    """The graph in real numbers took the place of the source model, which is not run."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What the design is compared with, on some samples."""

    name: str
    outputs: tuple[Floats, ...]
    """(samples, *shape) as the design has its axes."""
    layers: Mapping[str, Array]
    """By the names of layers; as the framework has its axes."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What the reference gave for a batch."""

    name: str
    values: SourceValues | None
    """None of the graph in real numbers, which is computed with the design."""


def reference_values(project: Subject, reference: Any, inputs: Mapping[str, Array]) -> Answer:
    """Run the reference on what the user gave.

    The graph takes the place of the project's own file if that may hold code, with a ReferenceWarning. Raises
    ModelError for whatever else is not run.
    """
    if isinstance(reference, str) and reference == GRAPH:
        return Answer(_REAL, None)
    model, weights = (project.source, project.config.weights) if reference is None else (reference, None)
    try:
        values = source_outputs(project.design, model, inputs, weights, layers=True)
    except MayHoldCodeError as error:
        if reference is None:
            warnings.warn(f"compared with {_REAL}, as {error.reason}", ReferenceWarning, stacklevel=4)
            return Answer(f"{_REAL}, as {error.reason}", None)
        raise _other_reference(error) from error
    except NotRunError as error:
        raise _other_reference(error) from error
    return Answer(values.framework, values)


def _other_reference(error: NotRunError) -> ModelError:
    return ModelError(
        f"diagnose(): {error}, or compare with reference='{GRAPH}', its graph in real numbers, which needs no framework"
    )


def compared_with(work: Measurement, answer: Answer, chosen: Array) -> Reference:
    """The reference on the samples chosen; of the graph, what real numbers make of the design."""
    values = answer.values
    if values is None:
        return Reference(answer.name, tuple(_meant(work.ideal[t], t) for t in work.design.outputs), {})
    outputs = tuple(np.asarray(x[chosen], dtype=np.float64) for x in values.outputs)
    return Reference(answer.name, outputs, {name: x[chosen] for name, x in values.layers.items()})


def _meant(values: Floats, tensor: Tensor) -> Floats:
    return np.asarray(in_model_units(values, tensor), dtype=np.float64)


def other_function(work: Measurement, right: Reference, graph: Graph) -> tuple[str, float] | None:
    """Where the design in real numbers is not what the reference computes: the first layer that differs, and by how
    much; None where they agree."""
    outputs = [_meant(work.ideal[tensor], tensor) for tensor in work.design.outputs]
    error = max(_off(work, a, b) for a, b in zip(outputs, right.outputs, strict=True))
    if error <= _OTHER:
        return None
    for name, tensor in carried(work, graph).items():
        if name in right.layers:
            off = layer_error(work, _meant(work.ideal[tensor], tensor), right.layers[name])
            if off is not None and off > _OTHER_LAYER:
                return name, off
    return work.design.producer(work.design.outputs[0]).source.name, error


def carried(work: Measurement, graph: Graph) -> dict[str, Tensor]:
    """The layers whose values a tensor of the design has, in order: of those computed together, the last."""
    order = {name: place for place, name in enumerate(_in_order(graph))}
    found: dict[Tensor, str] = {}
    for name, tensor in work.design.aliases.items():
        if tensor not in found or order.get(name, -1) > order.get(found[tensor], -1):
            found[tensor] = name
    return {name: tensor for tensor, name in sorted(found.items(), key=lambda item: order.get(item[1], -1))}


def _in_order(graph: Graph) -> list[str]:
    names = {value: [key for key, other in graph.aliases.items() if other is value] for value in graph.values}
    return [name for value in graph.values for name in names[value]]


def layer_error(work: Measurement, found: Floats, right: Array) -> float | None:
    """How far values are off those of a framework; None where they are of other shapes.

    Where the channels may come first or last, whichever is nearer.
    """
    if right.size != found.size or right.ndim < 1:
        return None
    ways: Sequence[Array] = [right] if right.ndim < 3 else [right, np.moveaxis(right, 1, -1)]
    same = [np.asarray(way, dtype=np.float64) for way in ways if way.shape == found.shape]
    if not same and right[0].ndim != found[0].ndim:
        same = [np.asarray(way, dtype=np.float64).reshape(found.shape) for way in ways]
    return min((_off(work, found, way) for way in same), default=None)


def _off(work: Measurement, found: Floats, right: Floats) -> float:
    return work.off(found, right) if found.shape == right.shape else np.inf
