"""How each type came about: who chose it, what is proved, what is expected, how much room is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, log2

import numpy as np

from hlsgen.design.design import Design
from hlsgen.errors import UnknownNameError, nearest
from hlsgen.ir.expected import Origin
from hlsgen.ir.op import Op
from hlsgen.ir.text import table
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor
from hlsgen.precision.state_losses import Loss, losses


@dataclass(frozen=True)
class TypeChoice:
    """The type of one value, and the reasons for it."""

    name: str
    layer: str
    """The layer of the source model."""
    type: FixedType
    reason: Reason
    proved: tuple[float, float]
    """The range that no input can leave."""
    expected: float | None
    """The largest magnitude met in use, without any margin, as far as readers can tell it apart."""
    origin: str
    """What it was met in: calibration, statistics, a probe; empty where nothing was estimated."""
    margin: float | None
    """How many times larger than expected a value may get before it saturates."""
    placed: bool = False
    """Whether the type depends on what was expected."""
    largest_factor: float = 1.0
    """Where channels are held times powers of two: what a held value is at most multiplied by to be the model's."""
    offset: float = 0.0
    """What is added to it then: where channels are held less an offset, what is expected is meant less that."""

    @property
    def holds(self) -> tuple[float, float]:
        """The range of the type, in the channel that reaches farthest."""
        low, high = (float(end) * self.largest_factor + self.offset for end in (self.type.min, self.type.max))
        return low, high

    @property
    def margin_bits(self) -> float | None:
        """The same in bits; below zero some expected values saturate."""
        if self.margin is None:
            return None
        return log2(self.margin) if self.margin else -inf  # expected is more than a float holds

    @property
    def placed_by_inputs(self) -> bool:
        """Whether it depends on how large inputs were (statistics of training do not)."""
        return self.placed and self.origin not in ("", Origin.STATISTICS.value)

    def row(self) -> list[str]:
        """Name, reason, proved range, expected range, the type's range, margin."""
        (low, high), (least, most) = self.proved, self.holds
        known = self.placed and self.expected is not None
        margin = f"{self.margin:.3g}x, {self.margin_bits:+.1f} bits" if known and self.margin is not None else ""
        return [
            self.name,
            self.reason.value,
            f"{low:.6g} .. {high:.6g}",
            f"+-{self.expected:.4g} ({self.origin})" if known else "",
            f"{least:.6g} .. {most:.6g}",
            margin,
        ]


@dataclass(frozen=True)
class PrecisionReport:
    """All choices in the order of the design, and what fixed types lose. Print it."""

    choices: tuple[TypeChoice, ...]
    losses: tuple[Loss, ...]

    def __getitem__(self, name: str) -> TypeChoice:
        """The choice for a value by its name. Raises UnknownNameError (a KeyError) for a name that no value has."""
        for choice in self.choices:
            if choice.name == name:
                return choice
        raise UnknownNameError(f"precision: no value is called {name!r}{nearest(str(name), self._names)}")

    def __contains__(self, item: object) -> bool:
        """Whether there is a choice for a value of that name (or that very choice)."""
        return item in self._names or item in self.choices

    def __iter__(self) -> Iterator[TypeChoice]:
        return iter(self.choices)

    def __len__(self) -> int:
        return len(self.choices)

    @property
    def _names(self) -> list[str]:
        return [choice.name for choice in self.choices]

    def __str__(self) -> str:
        return "\n\n".join(self.tables())

    def tables(self) -> list[str]:
        """The table of choices and, if anything is lost, that of losses."""
        header = ["name", "type by", "proved", "expected", "type holds", "margin"]
        parts = [
            "Value ranges (proved from weights and input types; expected in use, where results were placed by it)\n"
            + table(header, [choice.row() for choice in self.choices])
        ]
        if self.losses:
            rows = [[s.layer, s.role, s.spelled, f"{s.lowest:.6g} .. {s.highest:.6g}", s.effect] for s in self.losses]
            parts.append(
                "Fixed types that lose something\n" + table(["name", "role", "type", "values", "effect"], rows)
            )
        return parts


def precision_report(design: Design) -> PrecisionReport:
    """Collect the choices and losses of a design."""
    return PrecisionReport(
        tuple(_choice(op, tensor) for op in design for tensor in op.outputs),
        tuple(loss for op in design for loss in losses(op)),
    )


def _choice(op: Op, tensor: Tensor) -> TypeChoice:
    """In the model's own terms, also where channels are held times powers of two."""
    interval, wanted = tensor.interval, tensor.typing.demand
    low, high = (
        tensor.meaning.in_model_units(np.ldexp(v.astype(np.float64), -interval.frac))
        for v in (interval.low, interval.high)
    )
    most = inf if wanted.high is None else max(float(wanted.high), 0.0 if wanted.low is None else -float(wanted.low))
    expected, held = _expected(tensor, most)
    end = float(max(tensor.type.max, -tensor.type.min))
    return TypeChoice(
        tensor.name,
        op.source.name,
        tensor.type,
        tensor.typing.reason,
        (float(low.min()), float(high.max())),
        expected,
        "" if tensor.expected is None else tensor.expected.origin.value,
        end / held if held else None,
        tensor.typing.reason is Reason.BUDGET or (tensor.typing.reason is Reason.FUNCTION and not op.layer.bounded),
        float(tensor.factors.max()),
        float(tensor.meaning.offsets[int(np.argmax(tensor.factors))]),
    )


def _expected(tensor: Tensor, most: float) -> tuple[float | None, float | None]:
    """The largest magnitude that is expected, as the model means it and as it is held, as far as it is wanted."""
    if tensor.expected is None:
        return None, None
    held = min(tensor.expected.largest, most)
    channels = tensor.expected.channels
    if tensor.held is None or channels is None:
        return held, held
    return float((np.minimum(channels.largest, most) * tensor.factors).max()), held
