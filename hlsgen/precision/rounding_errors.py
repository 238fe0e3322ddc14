"""Estimate what the rounding of inferred types adds up to, and which of them it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, NamedTuple

import numpy as np

from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.expected import Expected
from hlsgen.ir.loop import Border, Role, units
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor
from hlsgen.layers.linear import LinearLayer
from hlsgen.precision.part import Part, smallest_part, whole_of

Sizes = Callable[[Tensor], Floats]

MOST_ERROR = 0.01
"""What inferred types may put an output off by, relative to its root mean square."""
_MOST_CELLS = 1 << 14
"""Elements of the largest tensor of a network that is estimated at every place."""
_MOST_OF_PART = 1 << 21
"""And of the largest of a part that leaves the last layers as many positions as their windows see."""
_MOST_STEPS = 64
"""Of a loop: what its states are off by has settled then, or grows by less than estimates of this kind are off by."""
USUAL_WIDTH = 16
"""Of the budget. A narrower one was chosen by the user, and with it that rounding costs more: twice as much a bit."""


def least_budget(ops: Iterable[Op], default: int) -> int:
    """The fewest bits that weights or results of any operation were given; ``default`` where nobody said."""
    return min((op.least_budget(default) for op in ops if not op.is_input), default=default)


def most_error(budget: int) -> float:
    """What the rounding of results of ``budget`` bits may put an output off by."""
    return MOST_ERROR * 2.0 ** max(0, USUAL_WIDTH - budget)


@dataclass(frozen=True)
class Culprit:
    """An inferred type that rounds: that of a result, of a layer's weights or of its bias."""

    name: str
    type: FixedType
    what: str
    """How a message calls it: its rounding, or the rounding of its weights or bias."""


class Variances(NamedTuple):
    """Of what each element (1, *shape), or those of a part, is off by: what differs from cell to cell of a channel, as
    the rounding of values does, and what they have in common, as with the rounding of constants."""

    scattered: Floats
    common: Floats

    @property
    def total(self) -> Floats:
        return self.scattered + self.common


@dataclass(frozen=True, eq=False)
class RoundingError:
    """What the inferred types up to a value put it off by."""

    variances: Variances
    relative: float
    """Its root mean, relative to the root mean square that is expected of the value, and 1 at most; 0 where nothing
    is expected."""
    culprit: Culprit | None
    """What contributes most; None if nothing was rounded."""

    @property
    def variance(self) -> Floats:
        """Of each element (1, *shape), or of a part of them."""
        return self.variances.total


def expected_sizes(tensor: Tensor) -> Floats:
    """The root mean squares that are expected of a value's channels (that of all where they are not known one by one);
    0 if nothing is."""
    return _sizes(tensor, tensor.expected)


def standardised_sizes(tensor: Tensor) -> Floats:
    """The same with standardised inputs, where nobody knows how much of their stated types is used."""
    expected = tensor.expected
    return _sizes(tensor, None if expected is None else expected.standardised or expected)


def _sizes(tensor: Tensor, expected: Expected | None) -> Floats:
    if expected is None:
        return np.zeros(tensor.shape[-1])
    known = expected.channel_rms
    return np.full(tensor.shape[-1], expected.rms) if known is None else known


def rounding_errors(ops: Iterable[Op], sizes: Sizes = expected_sizes) -> dict[Tensor, RoundingError]:
    """Estimate the errors of all values from the steps of inferred types, from the inputs on.

    A rounded value is off by the variance of an even distribution over a step, but not by more than itself, and layers
    add up what their inputs are off by as independent errors (``Layer.error_variances``); behind a function that may be
    flat, none is off by more than itself. Types that configuration or model fixed count as exact, and so do inputs.
    ``sizes`` says how large the channels of a value are.
    """
    listed = list(ops)
    work = _Propagation(_small_part(listed), sizes)
    for unit in units(listed):
        for _ in range(min(unit[0].loop.steps, _MOST_STEPS) if unit[0].loop else 1):
            for op in unit:
                work.add(op)
    return work.found


def _small_part(ops: Sequence[Op]) -> Part[Tensor]:
    """All of small images; of large ones, whose places round alike, as little as there may be."""
    whole = whole_of(ops)
    if _largest(whole) <= _MOST_CELLS:
        return whole
    part = smallest_part(ops)
    return part if _largest(part) <= _MOST_OF_PART else smallest_part(ops, positions=1)


def _largest(part: Part[Tensor]) -> int:
    return max((prod(shape) for shape in part.shapes.values()), default=0)


class _Propagation:
    """One walk over the operations of a design, inputs first."""

    def __init__(self, part: Part[Tensor], sizes: Sizes) -> None:
        self.part = part
        self.sizes = sizes
        self.found: dict[Tensor, RoundingError] = {}
        self._states: dict[tuple[str, str], RoundingError] = {}
        """Of the steps of loops so far."""

    def add(self, op: Op) -> None:
        """Find the errors of an operation's outputs: of its inputs, of its constants, and of the cast of its result."""
        if not op.inputs:
            none = np.zeros((1, *self.part.shapes[op.output]))
            self.found[op.output] = self.error(op.output, Variances(none, none), None)
        border = op.layer.border
        if border is not None and border.role is Role.STATE:
            known = self._states.get((border.loop.name, border.slot))
            self.found[op.output] = known or self.found[op.output if not op.inputs else op.input]
        elif op.inputs:
            self._add_computed(op)
            if border is not None and border.role is Role.CARRY:
                self._states[border.loop.name, border.slot] = self.found[op.output]

    def _add_computed(self, op: Op) -> None:
        border = op.layer.border
        if border is None:
            brought = self._behind(op, [self.found[x].variances for x in op.inputs])
        else:
            brought = [_over_border(border, self.found[op.input].variances)]
        constants = list(_of_constants(op, self.sizes(op.inputs[0]), self.part.taken_shapes(op)[0]))
        for tensor, (scattered, common) in zip(op.outputs, brought, strict=True):
            own = np.broadcast_to(_of_result(op, tensor, self.sizes(tensor)), scattered.shape)
            shares = [
                (float((scattered + common).mean()), self._worst_input(op)),
                (float(own.mean()), Culprit(tensor.name, tensor.type, "its rounding")),
                *((float(variance.mean()), culprit) for variance, culprit in constants),
            ]
            total = Variances(scattered + own, sum((variance for variance, _ in constants), start=common))
            largest, worst = max(shares, key=lambda share: share[0])
            end = float(max(tensor.type.max, -tensor.type.min))  # nothing beyond it is held, however far off it was
            self.found[tensor] = self.error(tensor, _at_most(total, end**2), worst if largest else None)

    def _worst_input(self, op: Op) -> Culprit | None:
        """What to blame for most of what the inputs bring: that of the input whose errors weigh most."""
        if len(op.inputs) == 1:
            return self.found[op.input].culprit
        shares = []
        for place, x in enumerate(op.inputs):
            alone = [
                Variances(*(part * float(place == other) for part in self.found[value].variances))
                for other, value in enumerate(op.inputs)
            ]
            moved = self._behind(op, alone)
            shares.append((max(float(variances.total.mean()) for variances in moved), self.found[x].culprit))
        return max(shares, key=lambda share: share[0])[1]

    def _behind(self, op: Op, inputs: Sequence[Variances]) -> list[Variances]:
        """What the errors of its inputs are in each output of an operation."""
        sizes = [self.sizes(x) for x in op.inputs]
        cells = op.layer.averaged_cells(self.part.taken_shapes(op))
        scattered, common = (
            op.layer.error_variances(self.part.taken(op, parts), sizes) for parts in zip(*inputs, strict=True)
        )
        found = [Variances(a / cells, b) for a, b in zip(scattered, common, strict=True)]
        if not op.layer.flattens:
            return found
        powers = [np.square(self.sizes(tensor)) for tensor in op.outputs]
        return [_at_most(variances, power) for variances, power in zip(found, powers, strict=True)]

    def error(self, tensor: Tensor, variances: Variances, culprit: Culprit | None) -> RoundingError:
        whole = float(np.square(self.sizes(tensor)).mean())
        relative = min(float(np.sqrt(variances.total.mean() / whole)), 1.0) if whole else 0.0
        return RoundingError(variances, relative, culprit)


def _over_border(border: Border, variances: Variances) -> Variances:
    """Of a step what steps are off by on average, of all steps what the last is off by."""
    if border.role is Role.STEP:
        return Variances(*(x.mean(axis=1) for x in variances))
    if border.role is Role.STEPS:
        return Variances(*(np.repeat(x[:, None], border.loop.steps, axis=1) for x in variances))
    return variances


def _at_most(variances: Variances, most: Floats | float) -> Variances:
    """The same, smaller where it adds up to more than ``most``, which broadcasts."""
    total = variances.total
    kept = np.minimum(np.divide(most, total, out=np.ones_like(total), where=total > 0), 1.0)
    return Variances(variances.scattered * kept, variances.common * kept)


def _of_constants(op: Op, sizes: Floats, shape: Shape) -> Iterator[tuple[Floats, Culprit]]:
    """The variances that the rounding of inferred weights and of an inferred bias adds, where it adds any, to what is
    computed of an input of that shape and those sizes."""
    layer, wished = op.layer, op.wish.configured()
    if not isinstance(layer, LinearLayer):
        return
    off = {name: np.square(c.effective - c.values) for name, c in (("weight", layer.weight), ("bias", layer.bias))}
    powers = np.broadcast_to(np.square(sizes), (1, *shape))
    for name, error in off.items():
        if error.any() and layer.constant_roles.get(name) not in wished:
            alone: dict[str, Any] = {
                other: Constant.of(error if other == name else np.zeros_like(off[other])) for other in off
            }
            called = "the rounding of its " + ("weights" if name == "weight" else name)
            culprit = Culprit(op.output.name, layer.constants()[name].known_type, called)
            yield replace(layer, **alone).evaluate_float([powers]), culprit


def _of_result(op: Op, tensor: Tensor, sizes: Floats) -> Floats:
    """The variance that the rounding of an inferred result adds to each channel: at most the channel itself."""
    if tensor.typing.reason not in (Reason.BUDGET, Reason.FUNCTION) or not op.rounds(tensor):
        return np.zeros(tensor.shape[-1])
    return np.minimum(float(tensor.type.step) ** 2 / 12, np.square(sizes))
