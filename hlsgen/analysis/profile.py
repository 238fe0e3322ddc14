"""Weights and values of every layer against what their types hold: ``project.profile(x)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import log2
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hlsgen.analysis.distribution import Distribution, distribution
from hlsgen.analysis.frames import data_frame, write_csv
from hlsgen.analysis.meaning import evaluate_meaning
from hlsgen.analysis.narrowing import layer_of
from hlsgen.analysis.subject import Subject
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.errors import InputError, UnknownNameError, nearest
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.demand import Demand
from hlsgen.ir.op import Op
from hlsgen.ir.text import table
from hlsgen.ir.types import FixedType, Ints, bit_length
from hlsgen.ir.typing import Reason, Tensor
from hlsgen.plots.ranges import RangeRow, draw_ranges
from hlsgen.tables import html_table, rich_table

Kind = Literal["input", "weight", "bias", "constant", "accumulator", "result"]
_SAMPLES, _CELLS = 4096, 1 << 23
"""Samples that are looked at, fewer where a design has more values than this for them."""


@dataclass(frozen=True)
class TypeProfile:
    """One tensor (of weights, or of values on data) against the type that holds it. Plain numbers.

    Ends, steps and distributions are as the chip holds them: where channels are held times powers of two
    (``scaled``), those of the model differ by these.
    """

    layer: str
    """The layer of the source model."""
    name: str
    """Of the value, or ``operation.constant``."""
    kind: Kind
    type: str
    """As the design spells it."""
    width: int
    step: float
    """Between neighbouring values of the type."""
    holds: tuple[float, float]
    """The least and the largest value of the type."""
    overflow: str
    """What becomes of a value outside: it ``saturates``, ``wraps``, ``becomes zero``."""
    real: Distribution
    """What the source model has here: real numbers."""
    held: Distribution | None
    """What the design has; None for accumulators, of which only the range is looked at."""
    outside: int
    """How many of the real numbers lie outside of the type (rounded to its grid, and as far as readers look)."""
    vanishing: int
    """How many of the real numbers are not zero and below half a step."""
    unused_bits: int | None
    """Bits on top that no held value uses."""
    error: float | None
    """Root mean square of held less real, as a part of that of the real; None where all of those are zero."""
    scaled: bool = False

    @property
    def saturated(self) -> float:
        """The share of the real numbers outside of the type."""
        return self.outside / self.real.count

    @property
    def below_half_step(self) -> float:
        """The share of the real numbers that are not zero and below half a step."""
        return self.vanishing / self.real.count

    @property
    def sparsity(self) -> float:
        """The share of zeros in what is held (of accumulators: in the real numbers)."""
        return (self.held or self.real).sparsity

    @property
    def signal_bits(self) -> float | None:
        """How many bits the root mean square of the real numbers is above a step; None where all are zero."""
        return log2(self.real.rms / self.step) if self.real.rms else None

    def row(self) -> list[str]:
        """As it stands in the table."""
        low, high = self.holds
        return [
            self.layer,
            self.name,
            self.kind,
            self.type,
            f"{self.real.low:.4g} .. {self.real.high:.4g}",
            f"{low:.4g} .. {high:.4g}",
            f"{self.real.rms:.3g}",
            _share(self.saturated),
            _share(self.below_half_step),
            _share(self.sparsity),
            "" if self.unused_bits is None else str(self.unused_bits),
            "" if self.signal_bits is None else f"{self.signal_bits:.1f}",
            "" if self.error is None else f"{self.error:.2g}",
        ]

    def as_dict(self) -> dict[str, Any]:
        """All that there is, as JSON takes it."""
        derived = ("saturated", "below_half_step", "sparsity", "signal_bits")
        return asdict(self) | {name: getattr(self, name) for name in derived}


_HEADER = [
    *("layer", "name", "kind", "type", "values", "type holds", "rms"),
    *("outside", "< step/2", "zeros", "unused bits", "signal bits", "error"),
]


@dataclass(frozen=True)
class Profile:
    """Every tensor of a design against its type, in the order of the design. Print it, plot it, or read its fields."""

    entries: tuple[TypeProfile, ...]
    samples: int
    """How many samples the values were measured on, taken evenly from those that were given."""
    given: int
    """How many were given."""

    def __iter__(self) -> Iterator[TypeProfile]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        """Whether there is an entry of that name (or that very entry)."""
        return name in self._names or name in self.entries

    def __getitem__(self, name: str) -> TypeProfile:
        """The entry of a name: a value's, or ``operation.constant``. Raises UnknownNameError (a KeyError)."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise UnknownNameError(f"profile: there is no {name!r}{nearest(str(name), self._names)}")

    @property
    def _names(self) -> list[str]:
        return [entry.name for entry in self.entries]

    def of_layer(self, layer: str) -> tuple[TypeProfile, ...]:
        """The entries of a layer of the source model, by its name. Raises UnknownNameError."""
        found = tuple(entry for entry in self.entries if entry.layer == layer)
        if not found:
            layers = list(dict.fromkeys(entry.layer for entry in self.entries))
            raise UnknownNameError(f"profile: there is no layer {layer!r}{nearest(str(layer), layers)}")
        return found

    def __str__(self) -> str:
        """The table."""
        return f"{self._title}\n{table(_HEADER, [entry.row() for entry in self.entries])}"

    def _repr_html_(self) -> str:
        return html_table(self._title, _HEADER, [entry.row() for entry in self.entries])

    def __rich__(self) -> Any:
        return rich_table(self._title, _HEADER, [entry.row() for entry in self.entries])

    @property
    def _title(self) -> str:
        shown = "" if self.samples == self.given else f" of {self.given}"
        return f"Values against their types, on {self.samples}{shown} samples"

    def to_dict(self) -> dict[str, Any]:
        """All that there is, as JSON takes it."""
        return {"samples": self.samples, "given": self.given, "entries": [entry.as_dict() for entry in self.entries]}

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with a row for each tensor. Raises ConfigError without pandas."""
        return data_frame(self.records())

    def records(self) -> list[dict[str, Any]]:
        """A row for each tensor, a number a column."""
        return [_record(entry) for entry in self.entries]

    def to_csv(self, path: str | Path) -> Path:
        """Write a row for each tensor; returns the path. Raises OutputDirError if it cannot be written."""
        return write_csv(self.records(), path)

    def plot(self, path: str | Path) -> Path:
        """Draw every tensor's magnitudes beside the range of its type; a file of ``.png``, ``.svg`` or ``.pdf``.

        Raises ConfigError without matplotlib, InputError for another ending, OutputDirError if it cannot be written.
        """
        return draw_ranges([_range_row(entry) for entry in self.entries], path)


def profile(subject: Subject, x: Any) -> Profile:
    """Measure weights and values of a project on data (samples, *shape), by its emulator and by the model's real
    function; see :class:`Profile`.

    Raises InputError for data that do not fit, NaN, or no samples.
    """
    design = subject.design
    inputs = arrays.checked_inputs(design.inputs, x)
    given = min(len(data) for data in inputs.values())
    if not given:
        raise InputError("profile(): x has no samples; give some that are like those in use")
    chosen = _spread(given, design.samples_within(_SAMPLES, _CELLS))
    arrays.refuse_nan(inputs)
    some = {name: data[chosen] for name, data in inputs.items()}
    held = subject.trace(some, raw=True)
    mantissas = {tensor: held[key] for key, tensor in design.trace_keys.items()}
    real = evaluate_meaning(design, some)
    return Profile(tuple(_entries(design, mantissas, real)), len(chosen), given)


def _spread(count: int, most: int) -> Array:
    """At most so many numbers below ``count``, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def _entries(design: Design, held: Mapping[Tensor, Ints], real: Mapping[Tensor, Floats]) -> Iterator[TypeProfile]:
    for op in design:
        yield from (_of_constant(op, name, constant) for name, constant in op.layer.constants().items())
        for tensor in op.outputs:
            if tensor in held and design.carriers[tensor] is tensor:
                yield from _of_values(layer_of(design, op), op, tensor, held[tensor], real[tensor])


def _of_constant(op: Op, name: str, constant: Constant) -> TypeProfile:
    role = op.layer.constant_roles.get(name)
    kind: Kind = "weight" if role == "weight" else "bias" if role == "bias" else "constant"
    mantissas, _ = constant.fixed
    known = constant.known_type
    return _profile(op.source.name, f"{op.name}.{name}", kind, known, constant.values, mantissas, overflow="saturates")


def _of_values(layer: str, op: Op, tensor: Tensor, held: Ints, real: Floats) -> Iterator[TypeProfile]:
    typing, scaled = tensor.typing, tensor.held is not None
    seen = _within(real, typing.demand)
    if typing.accum is not None and not op.is_input and typing.reason is not Reason.MODEL:  # else it is cast already
        overflow = typing.accum.overflow.effect.present
        yield _profile(layer, tensor.name, "accumulator", typing.accum, real, None, overflow=overflow, scaled=scaled)
    slack = 1.0 if typing.reason is Reason.FUNCTION else 0.5
    kind: Kind = "input" if op.is_input else "result"
    overflow = tensor.type.overflow.effect.present
    yield _profile(layer, tensor.name, kind, tensor.type, seen, held, overflow=overflow, slack=slack, scaled=scaled)


def _within(values: Floats, demand: Demand) -> Floats:
    """Values as far as readers tell them apart: what goes into a ReLU may be cut off at zero."""
    low = None if demand.low is None else float(demand.low)
    high = None if demand.high is None else float(demand.high)
    return values if low is None and high is None else np.clip(values, low, high)


def _profile(
    layer: str,
    name: str,
    kind: Kind,
    fixed: FixedType,
    real: Floats,
    mantissas: Ints | None,
    *,
    overflow: str,
    slack: float = 0.5,
    scaled: bool = False,
) -> TypeProfile:
    """``slack``: by how many steps a number may lie beyond an end without being outside: a half is rounded to it."""
    step, low, high = float(fixed.step), float(fixed.min), float(fixed.max)
    outside = (real > high + slack * step) | (real < low - slack * step)
    held = None if mantissas is None else np.asarray(fixed.to_float(mantissas), dtype=np.float64).reshape(real.shape)
    found = distribution(real)
    return TypeProfile(
        layer=layer,
        name=name,
        kind=kind,
        type=str(fixed),
        width=fixed.width,
        step=step,
        holds=(low, high),
        overflow=overflow,
        real=found,
        held=None if held is None else distribution(held),
        outside=int(outside.sum()),
        vanishing=int(((real != 0) & (np.abs(real) < step / 2)).sum()),
        unused_bits=None if mantissas is None else _unused_bits(mantissas, fixed),
        error=None if held is None or not found.rms else float(np.sqrt(np.square(held - real).mean())) / found.rms,
        scaled=scaled,
    )


def _unused_bits(mantissas: Ints, fixed: FixedType) -> int:
    """The bits on top (beside a sign) that are the same in every mantissa."""
    magnitudes = np.where(mantissas < 0, ~mantissas, mantissas)
    return max(0, fixed.width - fixed.signed - bit_length(magnitudes))


def _share(part: float) -> str:
    """A share in percent; nothing where there is none, and never 0 % or 100 % of what is less or more."""
    if part == 0:
        return ""
    return "< 0.01 %" if part < 1e-4 else "100 %" if part == 1 else f"{min(100 * part, 99.99):.2f} %"


def _record(entry: TypeProfile) -> dict[str, Any]:
    """A row of a data frame: one number a column."""
    real = entry.real
    return {
        "layer": entry.layer,
        "name": entry.name,
        "kind": entry.kind,
        "type": entry.type,
        "width": entry.width,
        "min": real.low,
        "max": real.high,
        "mean": real.mean,
        "rms": real.rms,
        "median": real.quantiles[len(real.quantiles) // 2],
        "holds_min": entry.holds[0],
        "holds_max": entry.holds[1],
        "step": entry.step,
        "outside": entry.saturated,
        "below_half_step": entry.below_half_step,
        "sparsity": entry.sparsity,
        "unused_bits": entry.unused_bits,
        "signal_bits": entry.signal_bits,
        "error": entry.error,
    }


def _range_row(entry: TypeProfile) -> RangeRow:
    return RangeRow(
        label=f"{entry.name}  {entry.type}",
        kind=entry.kind,
        first_octave=entry.real.first_octave,
        octaves=entry.real.octaves,
        zeros=entry.real.zeros,
        step=entry.step,
        end=max(-entry.holds[0], entry.holds[1] + entry.step),
        outside=entry.outside,
        vanishing=entry.vanishing,
    )
