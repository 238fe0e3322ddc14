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

    @property
    def margin(self) -> float | None:
        """How many times larger than expected a value may get before it saturates."""
        end = float(max(self.type.max, -self.type.min))
        return end / self.expected if self.expected else None

    @property
    def margin_bits(self) -> float | None:
        """The same in bits; below zero some expected values saturate."""
        return None if self.margin is None else log2(self.margin)

    @property
    def placed(self) -> bool:
        """Whether the type depends on what was expected."""
        return self.reason is Reason.BUDGET

    @property
    def placed_by_inputs(self) -> bool:
        """Whether it depends on how large inputs were (statistics of training do not)."""
        return self.placed and self.origin not in ("", Origin.STATISTICS.value)

    def row(self) -> list[str]:
        """Name, reason, proved range, expected range, the type's range, margin."""
        low, high = self.proved
        known = self.placed and self.expected is not None
        margin = f"{self.margin:.3g}x, {self.margin_bits:+.1f} bits" if known and self.margin is not None else ""
        return [
            self.name,
            self.reason.value,
            f"{low:.6g} .. {high:.6g}",
            f"+-{self.expected:.4g} ({self.origin})" if known else "",
            f"{float(self.type.min):.6g} .. {float(self.type.max):.6g}",
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
    low, high = (float(np.ldexp(float(end), -tensor.interval.frac)) for end in tensor.interval.whole())
    expected, wanted = tensor.expected, tensor.typing.demand
    most = inf if wanted.high is None else max(float(wanted.high), 0.0 if wanted.low is None else -float(wanted.low))
    return TypeChoice(
        tensor.name,
        op.source.name,
        tensor.type,
        tensor.typing.reason,
        (low, high),
        None if expected is None else min(expected.largest, most),
        "" if expected is None else expected.origin.value,
    )
