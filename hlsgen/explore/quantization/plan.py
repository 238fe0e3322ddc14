"""What was decided for a model, and the settings that say so: a configuration that needs no data any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hlsgen.config import Config, LayerSettings
from hlsgen.explore.quantization.placement import Calibration, typed
from hlsgen.explore.quantization.tensors import Held, Weights
from hlsgen.ir.types import FixedType

Corrections = Mapping[str, tuple[float, ...]]
"""What is added to the sums of a layer, a number a channel, by the layer's name."""


@dataclass(frozen=True)
class Choices:
    """What is chosen beside bits."""

    raised: Mapping[str, int] = field(default_factory=dict)
    """By how many bits types reach farther than by the least squared error, by the names of values."""
    weights: Mapping[str, Calibration] = field(default_factory=dict)
    """How weights are placed, by the names of layers; by the largest, if nothing is said."""
    uncorrected: frozenset[str] = frozenset()
    """The layers whose means are left as they are."""


@dataclass(frozen=True)
class Plan:
    """Bits of weights by layer, and the types of values by their names."""

    weights: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, FixedType] = field(default_factory=dict)
    corrections: Corrections = field(default_factory=dict)
    weight_calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    by_channel: frozenset[str] = frozenset()
    """The layers whose weights have a binary point for each output channel."""

    def types(self, held: Iterable[Held]) -> dict[str, FixedType]:
        """The types of all tensors, by their names."""
        return {name: self.values[one.name] for one in held if one.name in self.values for name in one.tensors}


def settings_for(config: Config, plan: Plan, weights: Iterable[Weights], held: Iterable[Held]) -> dict[str, Any]:
    """What ``with_settings`` takes for a plan, beside all that ``config`` says."""
    layers: dict[str, dict[str, Any]] = {}

    def of(layer: str) -> dict[str, Any]:
        return layers.setdefault(layer, {})

    for one in weights:
        if one.layer in plan.weights:
            of(one.layer)["width"] = {"weight": plan.weights[one.layer]}
            if one.layer in plan.by_channel:
                of(one.layer)["weight_granularity"] = "channel"
            if (how := plan.weight_calibrations.get(one.layer, "max")) != "max":
                of(one.layer)["weight_calibration"] = how
    inputs: dict[str, str | list[str]] = {}
    for value in held:
        if value.name not in plan.values:
            continue
        fixed = plan.values[value.name]
        if value.role == "input":
            inputs[value.layer] = spelled(fixed, config.input_octaves(value.layer))
        elif value.role == "result":
            of(value.layer).setdefault("precision", {})["result"] = str(fixed)
        else:
            for step in value.tensors:
                of(value.layer).setdefault("inner", {})[step] = str(fixed)
    for layer, numbers in plan.corrections.items():
        of(layer)["bias_correction"] = list(numbers)
    changes: dict[str, Any] = {"layers": _joined(config.layers, layers)}
    if inputs:
        changes["input_precision"] = known_inputs(config) | inputs
    return changes


def with_holds(
    config: Config, scales: Mapping[str, Sequence[float]], offsets: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """The settings of layers, with what their results are held times, and less what."""
    found: dict[str, dict[str, Any]] = {}
    for key, numbers in (("scale", scales), ("offset", offsets)):
        for layer, own in numbers.items():
            found.setdefault(layer, {"hold": {}})["hold"][key] = list(own)
    return _joined(config.layers, found)


def spelled(farthest: FixedType, octaves: tuple[int, ...] | None) -> str | list[str]:
    """A type for an input, or one for each of its features."""
    if octaves is None or not any(octaves):
        return str(farthest)
    return [str(typed(farthest.width, farthest.integer - k, farthest.signed)) for k in octaves]


def known_inputs(config: Config) -> dict[str, Any]:
    """The types of inputs that the configuration says by their names."""
    return dict(config.input_precision) if isinstance(config.input_precision, dict) else {}


def _joined(said: Mapping[str, LayerSettings], found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What was said of layers by their names, and what was found for them."""
    joined: dict[str, Any] = {name: _plain(settings) for name, settings in said.items()}
    for name, more in found.items():
        own = joined.setdefault(name, {})
        for key, value in more.items():
            both = isinstance(value, Mapping) and isinstance(own.get(key), Mapping)
            own[key] = {**own[key], **value} if both else value
    return joined


def _plain(settings: LayerSettings) -> dict[str, Any]:
    found: dict[str, Any] = settings.model_dump(mode="json", exclude_unset=True)
    return {key: value for key, value in found.items() if value is not None}
