"""One tensor of a design in another width: which tensors there are, where the bits of the narrower type lie, and the
settings that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from hlsgen.config import Config, NamedSettings, Precision
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.ir.constant import placed_type
from hlsgen.ir.expected import Origin, magnitude_bits
from hlsgen.ir.op import Op
from hlsgen.ir.results import yielding
from hlsgen.ir.spelling import INPUT_MODES
from hlsgen.ir.types import FixedType, Overflow
from hlsgen.ir.typing import Reason, Tensor
from hlsgen.precision.expect_ranges import calibration_margin
from hlsgen.precision.placement import nearest

Kind = Literal["input", "weight", "result"]
_PLACED = (Reason.BUDGET, Reason.EXACT, Reason.DEFAULT)
"""Types whose bits may lie elsewhere: nobody fixed where."""


@dataclass(frozen=True)
class Knob:
    """A tensor whose type the configuration can fix: the weights or the result of a layer, or an input."""

    layer: str
    """As the source model names it."""
    kind: Kind
    type: FixedType
    """What it has now."""
    placed: bool
    """Whether the integer bits follow from values; else they stay what model or user said, or a function's range."""
    grows: bool
    """Whether more bits would hold more: not of what is exact, nor of what is fixed."""
    scaled: bool = False
    """Whether its channels are not held as they are: not any more, once it has a type of its own."""

    def keeps(self, width: int) -> bool:
        """Whether its type stays what it is in that width."""
        wide_enough = width == self.type.width or (width > self.type.width and not self.grows)
        return wide_enough and self.kind != "weight" and not self.scaled


def knobs(design: Design) -> list[Knob]:
    """Every knob of a design, in the order in which it computes; weights before the result of their layer."""
    found: list[Knob] = []
    for op in design:
        if op.is_input:
            found.append(_knob(op, "input", op.output))
            continue
        weights = _weights(op)
        if weights:
            found.append(Knob(op.source.name, "weight", weights[0], placed=True, grows=True))
        given = _computing(design, op) if op.source.final else []
        if given:
            found.append(_knob(op, "result", given[0].outputs[0], layer_of(design, op)))
    return list({(knob.layer, knob.kind): knob for knob in reversed(found)}.values())[::-1]


def _knob(op: Op, kind: Kind, tensor: Tensor, layer: str | None = None) -> Knob:
    reason = tensor.typing.reason
    grows = reason in (Reason.BUDGET, Reason.DEFAULT)
    name = op.source.name if layer is None else layer
    return Knob(name, kind, tensor.type, reason in _PLACED, grows, tensor.held is not None)


def layer_of(design: Design, op: Op) -> str:
    """The layer of the source model whose result an operation yields: the last of those that were fused into it."""
    names = {origin.name for origin in op.origins}
    yielded = [name for name, tensor in design.aliases.items() if tensor in op.outputs and name in names]
    return yielded[-1] if yielded else op.source.name


def result_operations(design: Design, op: Op) -> list[Op]:
    """The operations that a type for the result of a layer is for; ``op``: its last one."""
    return yielding(op, lambda step: [design.producer(tensor) for tensor in step.inputs])


def _computing(design: Design, op: Op) -> list[Op]:
    """Those of them that compute what they yield: a pooling picks some of what it reads, which has its width."""
    return [
        given
        for given in result_operations(design, op)
        if "result" in given.layer.casts and not (given.layer.structural and (given.layer.picks or given.layer.renames))
    ]


def _weights(op: Op) -> list[FixedType]:
    return [constant.known_type for constant in op.layer.constants_of("weight").values()]


def narrowed(knob: Knob, width: int, design: Design, config: Config, data: Mapping[str, Array]) -> FixedType:
    """The type of ``width`` bits for a knob, by the values that ``design`` has there: rounding to nearest, saturating.
    The present type, where that has this width or cannot hold more.

    Weights: as few integer bits as they need, as inference places them. Results that nobody fixed: what is expected in
    use, at most what is proved, with the margin that a budget of so many bits has (``config``). Inputs that nobody
    fixed: the largest magnitude of ``data`` (by name).
    """
    if knob.kind == "weight":
        return _for_weights(knob, width, design)
    if knob.keeps(width):
        return knob.type
    tensors = _results(design, knob)
    if not tensors or not knob.placed:
        return _like(knob.type, width)
    if knob.kind == "input":
        return _for_input(width, data[tensors[0].name])
    types = [_for_result(width, tensor, config) for tensor in tensors]
    signed, integer = any(t.signed for t in types), max(t.integer + (not t.signed) for t in types)
    finest = max(tensor.typing.summed.frac for tensor in tensors)
    integer -= not signed
    rounding = nearest(max(finest - (width - integer), 0))
    return FixedType(width, integer, signed, rounding, Overflow.SAT)


def _results(design: Design, knob: Knob) -> list[Tensor]:
    """The tensors that a type for the result of a layer is for (for an input: it)."""
    own = [op for op in design if op.source.final and knob.layer in (op.source.name, layer_of(design, op))]
    given = own if knob.kind == "input" else [found for op in own for found in _computing(design, op)]
    return [tensor for op in given for tensor in op.outputs]


def _for_weights(knob: Knob, width: int, design: Design) -> FixedType:
    """Without modes: constants round to nearest even and saturate."""
    constants = [
        constant
        for op in design
        if knob.layer in (origin.name for origin in op.origins)
        for constant in op.layer.constants_of("weight").values()
    ]
    types = [placed_type(constant.values, width) for constant in constants]
    signed = any(t.signed for t in types)
    integer = max((t.integer + (signed and not t.signed) for t in types), default=knob.type.integer)
    return FixedType(width, integer, signed or knob.type.signed)


def _for_result(width: int, tensor: Tensor, config: Config) -> FixedType:
    full, expected = tensor.typing.summed.type(), tensor.expected
    integer = full.integer
    if expected is not None:
        if expected.origin is Origin.CALIBRATION and config.calibration_method == "max":
            margin = calibration_margin(config.calibration_method, width)
            expected = replace(expected, reach=expected.largest * margin)
        integer = min(integer, expected.integer_bits(width, full.signed, full.frac))
    return FixedType(width, integer, full.signed)


def _for_input(width: int, data: Array) -> FixedType:
    signed = bool((data < 0).any())
    largest = float(max(-data.min(initial=0), data.max(initial=0)))
    return FixedType(width, magnitude_bits(largest) + signed, signed, *INPUT_MODES)


def _like(fixed: FixedType, width: int) -> FixedType:
    """The same range in other steps."""
    return FixedType(width, fixed.integer, fixed.signed, nearest(max(fixed.width - width, 0)), Overflow.SAT)


def settings_with(config: Config, types: Mapping[tuple[str, str], str], inputs: tuple[str, ...]) -> dict[str, Any]:
    """What ``with_settings`` takes for these types, by layer and role (``input`` for an input), beside what is set.

    ``inputs``: the names of all inputs.
    """
    changes: dict[str, Any] = {}
    layers = dict(config.layers)
    for (layer, role), spelled in types.items():
        if role == "input":
            every = config.input_precision
            known = dict(every) if isinstance(every, dict) else {} if every is None else dict.fromkeys(inputs, every)
            changes["input_precision"] = known | changes.get("input_precision", {}) | {layer: spelled}
            continue
        own = layers.get(layer, NamedSettings())
        precision = {name: getattr(own.precision, name) for name in own.precision.model_fields_set} | {role: spelled}
        said = {name: getattr(own, name) for name in own.model_fields_set}
        layers[layer] = NamedSettings.model_validate(said | {"precision": Precision.model_validate(precision)})
        changes["layers"] = layers
    return changes
