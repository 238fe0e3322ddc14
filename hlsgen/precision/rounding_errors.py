"""Estimate what the rounding of inferred types adds up to, and which of them it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor
from hlsgen.layers.linear import LinearLayer

MOST_ERROR = 0.01
"""What inferred types may put an output off by, relative to its root mean square."""


@dataclass(frozen=True)
class Culprit:
    """An inferred type that rounds: that of a result, or that of a layer's weights."""

    name: str
    type: FixedType
    what: str
    """How a message calls it: its rounding, or the rounding of its weights."""


@dataclass(frozen=True, eq=False)
class RoundingError:
    """What the inferred types up to a value put it off by."""

    variance: Floats
    """Of each element (1, *shape)."""
    relative: float
    """Its root mean, relative to the root mean square that is expected of the value; 0 where nothing is."""
    culprit: Culprit | None
    """What contributes most; None if nothing was rounded."""


def expected_sizes(tensor: Tensor) -> Floats:
    """The root mean squares that are expected of a value's channels (that of all where they are not known one by one);
    0 if nothing is."""
    if tensor.expected is None:
        return np.zeros(tensor.shape[-1])
    known = tensor.expected.channel_rms
    return np.full(tensor.shape[-1], tensor.expected.rms) if known is None else known


def rounding_errors(ops: Iterable[Op]) -> dict[Tensor, RoundingError]:
    """Estimate the errors of all values from the steps of inferred types, from the inputs on.

    A rounded value is off by the variance of an even distribution over a step, and layers add up what their inputs are
    off by as independent errors (``Layer.error_variances``); none is off by more than itself. Types that configuration
    or model fixed count as exact, and so do inputs.
    """
    work = _Propagation()
    for op in ops:
        if op.is_input:
            work.found[op.output] = work.error(op.output, np.zeros((1, *op.output.shape)), None)
        else:
            work.add(op)
    return work.found


class _Propagation:
    """One walk over the operations of a design, inputs first."""

    def __init__(self) -> None:
        self.found: dict[Tensor, RoundingError] = {}

    def add(self, op: Op) -> None:
        """Find the errors of an operation's outputs: of its inputs, of its constants, and of the cast of its result."""
        brought = op.layer.error_variances(self._of_inputs(op), [expected_sizes(x) for x in op.inputs])
        constants = self._of_constants(op)
        for tensor, variance in zip(op.outputs, brought, strict=True):
            own = _of_result(op, tensor)
            shares = [
                (float(variance.mean()), self._worst_input(op)),
                (own, Culprit(tensor.name, tensor.type, "its rounding")),
            ]
            total = variance + own
            if constants is not None:
                total = total + constants[0]
                shares.append((float(constants[0].mean()), constants[1]))
            largest, worst = max(shares, key=lambda share: share[0])
            self.found[tensor] = self.error(tensor, total, worst if largest else None)

    def error(self, tensor: Tensor, variance: Floats, culprit: Culprit | None) -> RoundingError:
        powers = np.square(expected_sizes(tensor))
        total, whole = np.minimum(variance, powers), float(powers.mean())
        return RoundingError(total, float(np.sqrt(total.mean() / whole)) if whole else 0.0, culprit)

    def _of_inputs(self, op: Op) -> list[Floats]:
        return [self.found[x].variance for x in op.inputs]

    def _worst_input(self, op: Op) -> Culprit | None:
        """What to blame for most of what the inputs bring: that of the input whose errors weigh most."""
        if len(op.inputs) == 1:
            return self.found[op.input].culprit
        shares, sizes = [], [expected_sizes(x) for x in op.inputs]
        for place, x in enumerate(op.inputs):
            alone = [variance * float(place == other) for other, variance in enumerate(self._of_inputs(op))]
            moved = op.layer.error_variances(alone, sizes)
            shares.append((max(float(variance.mean()) for variance in moved), self.found[x].culprit))
        return max(shares, key=lambda share: share[0])[1]

    def _of_constants(self, op: Op) -> tuple[Floats, Culprit] | None:
        """The variances that the rounding of inferred weights and biases adds; None where there is none."""
        layer, wished = op.layer, op.wish.configured()
        if not isinstance(layer, LinearLayer):
            return None
        off = {
            name: np.zeros(c.shape) if layer.constant_roles.get(name) in wished else np.square(c.effective - c.values)
            for name, c in (("weight", layer.weight), ("bias", layer.bias))
        }
        if not any(error.any() for error in off.values()):
            return None
        squared = replace(layer, weight=Constant.of(off["weight"]), bias=Constant.of(off["bias"]))
        powers = np.broadcast_to(np.square(expected_sizes(op.input)), (1, *op.input.shape))
        culprit = Culprit(op.output.name, layer.weight.known_type, "the rounding of its weights")
        return squared.evaluate_float([powers]), culprit


def _of_result(op: Op, tensor: Tensor) -> float:
    """The variance that the rounding of an inferred result adds."""
    inferred = tensor.typing.reason in (Reason.BUDGET, Reason.FUNCTION)
    return float(tensor.type.step) ** 2 / 12 if inferred and op.rounds(tensor) else 0.0
