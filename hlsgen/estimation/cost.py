"""What one kernel call costs, and under which conditions that is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, floor

from hlsgen.estimation.coefficients import Coefficients
from hlsgen.estimation.devices import Family

_AUTO_BITS = 12
"""A product of so many bits and more is taken to go into a DSP where the tool decides. Not in the reports."""
_SURE_BITS = 20
"""From so many on it does in all reports in which the tool decided; below, an estimate's interval begins at 0."""
_INSTANCE = 5
"""LUTs of a multiplier with its DSP, in baselines of Vitis HLS 2023.1 and 2024.1 (UltraScale+)."""
_CAST_LEVELS = 1.6
"""How many levels of adders a rectifier that rounds and saturates takes as long as: 3.53 ns of 2.2."""
REPORTED_FAMILY = "7-series"
BASELINE_FAMILY = "UltraScale+"
REPORTED_NS = (2.5, 5.0)
"""ns of a cycle that scheduling may use, between which those of the reports lie, and a little beyond."""
UNCERTAINTY = 27.0
"""% of a clock period that Vitis HLS keeps for wires if nothing is said."""


class Multipliers(StrEnum):
    """Where products go that no addition replaces: ``config_op mul -impl dsp``, ``fabric``, or the tool decides."""

    AUTO = "auto"
    DSP = "dsp"
    LUT = "lut"


class Basis(StrEnum):
    """What a figure rests on."""

    REPORTS = "reports"
    """Kernels of this kind, in this range, are among the reports."""
    BASELINES = "baselines"
    """Kernels of this kind are among the baselines of single layers, from which its rule comes."""
    MODEL = "model"
    """The same adders, multipliers and memories, in a kernel that is not among them."""
    GUESS = "guess"
    """A rule of thumb."""

    @property
    def rank(self) -> int:
        """The larger, the less is known."""
        return list(Basis).index(self)


@dataclass(frozen=True)
class Setting:
    """Under which conditions costs are asked."""

    family: Family
    period: float
    """ns of a cycle that scheduling may use."""
    multipliers: Multipliers
    coefficients: Coefficients
    known: bool = True
    """Whether the family is that of the device, and not one in its place."""

    def multiplier(self, count: int, a: int, b: int, *, unsigned: bool = False) -> Cost:
        """``count`` multipliers of factors of ``a`` and ``b`` bits.

        ``unsigned``: whether the first has no sign, so that a DSP takes it with a bit more.
        """
        if not count:
            return Cost()
        forced = self.multipliers is not Multipliers.AUTO
        if self.multipliers is Multipliers.DSP or (not forced and a + b >= _AUTO_BITS):
            blocks = count * self.family.dsps(a + unsigned, b)
            low = None if forced or a + b >= _SURE_BITS else 0
            return Cost(dsp=blocks, lut=float(count * self.instance_lut), dsp_low=low)
        fit = self.coefficients.multiplier
        return Cost(lut=count * fit["scale"] * (a * b) ** fit["power"])

    @property
    def is_reported(self) -> bool:
        """Whether reports are of such devices and periods."""
        return self._is_of(REPORTED_FAMILY)

    def measured(self, basis: Basis) -> bool:
        """Whether what a figure rests on was measured on such devices, and at such periods."""
        return self._is_of(BASELINE_FAMILY if basis is Basis.BASELINES else REPORTED_FAMILY)

    def _is_of(self, family: str) -> bool:
        return self.known and self.family.name == family and REPORTED_NS[0] <= self.period <= REPORTED_NS[1]

    @property
    def instance_lut(self) -> int:
        """LUTs of a multiplier beside its DSP: none in reports of 7-series devices, of an older version."""
        return 0 if self.family.name == REPORTED_FAMILY else _INSTANCE

    @property
    def product_cycles(self) -> int:
        """Cycles of a product: in LUTs the tool leaves it one, however long that takes."""
        return 1 if self.multipliers is Multipliers.LUT else ceil(self.family.dsp_ns / self.period)

    @property
    def cast_ns(self) -> float:
        """A comparison, a rounding and a choice."""
        return _CAST_LEVELS * self.family.level_ns

    @property
    def levels_of_cycle(self) -> int:
        """Levels of a tree of adders that fit into a cycle."""
        return max(1, floor(self.period / self.family.level_ns))


@dataclass(frozen=True)
class Cost:
    """Of a kernel call. ``latency``: cycles from what its pipeline takes to what it gives; ``interval``: between
    samples or steps. ``..._low``, ``..._high``: where a figure is less sure than others."""

    dsp: float = 0
    lut: float = 0
    ff: float = 0
    bram: float = 0
    uram: float = 0
    latency: int = 0
    interval: int = 1
    basis: Basis = Basis.REPORTS
    notes: tuple[str, ...] = ()
    dsp_low: float | None = None
    latency_low: int | None = None
    latency_high: int | None = None

    def __add__(self, other: Cost) -> Cost:
        """Both, one behind the other in a pipeline."""
        lows = (self.dsp_low, other.dsp_low)
        return Cost(
            self.dsp + other.dsp,
            self.lut + other.lut,
            self.ff + other.ff,
            self.bram + other.bram,
            self.uram + other.uram,
            self.latency + other.latency,
            max(self.interval, other.interval),
            max(self.basis, other.basis, key=lambda basis: basis.rank),
            (*self.notes, *(note for note in other.notes if note not in self.notes)),
            None if lows == (None, None) else _or(self.dsp_low, self.dsp) + _or(other.dsp_low, other.dsp),
            _both(self, other, "latency_low"),
            _both(self, other, "latency_high"),
        )

    def times(self, copies: float) -> Cost:
        """So many of it side by side."""
        return replace(
            self,
            dsp=self.dsp * copies,
            lut=self.lut * copies,
            ff=self.ff * copies,
            bram=self.bram * copies,
            uram=self.uram * copies,
            dsp_low=None if self.dsp_low is None else self.dsp_low * copies,
        )

    def less_sure(self, basis: Basis, *notes: str) -> Cost:
        """The same, known by ``basis`` at best."""
        return self + Cost(basis=basis, notes=notes)


def _or(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def _both(a: Cost, b: Cost, name: str) -> int | None:
    """The sum of ends of latencies, where one of two has one."""
    ends = (getattr(a, name), getattr(b, name))
    if ends == (None, None):
        return None
    return int(_or(ends[0], a.latency) + _or(ends[1], b.latency))
