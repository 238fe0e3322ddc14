"""Everything that the vendor's tools said about one build, in one structure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from hlsgen.backends.vitis.reports.cosim import Cosimulation
from hlsgen.backends.vitis.reports.csynth import Estimates, Module
from hlsgen.backends.vitis.reports.figures import RESOURCES, Performance, span, table
from hlsgen.backends.vitis.reports.hardware import Hardware
from hlsgen.backends.vitis.reports.layers import LayerFigures
from hlsgen.errors import UnknownNameError, nearest


@dataclass(frozen=True)
class Report:
    """The reports of a build, as far as there are any; print it.

    ``csynth``: the estimates of C synthesis. ``cosim``: what the simulator of the RTL measured. ``synthesis`` and
    ``implementation``: what Vivado made of the RTL. ``layers``: figures by step, empty for what is no project of
    hlsgen's. ``notes`` say what does not fit together.
    """

    folder: str
    csynth: Estimates | None = None
    cosim: Cosimulation | None = None
    synthesis: Hardware | None = None
    implementation: Hardware | None = None
    layers: tuple[LayerFigures, ...] = ()
    notes: tuple[str, ...] = ()

    # -- C synthesis, by the names it has always had ----------------------------------------

    @property
    def _estimates(self) -> Estimates:
        if self.csynth is None:
            raise UnknownNameError(
                f"{self.folder}: no csynth.xml is there; run C synthesis, or ask .synthesis and .cosim"
            )
        return self.csynth

    @property
    def top(self) -> str:
        return self._estimates.top

    @property
    def part(self) -> str:
        return self._estimates.part

    @property
    def version(self) -> str:
        return self._estimates.version

    @property
    def target_clock(self) -> float | None:
        return self._estimates.target_clock

    @property
    def estimated_clock(self) -> float | None:
        return self._estimates.estimated_clock

    @property
    def performance(self) -> Performance:
        return self._estimates.performance

    @property
    def resources(self) -> Mapping[str, int]:
        return self._estimates.resources

    @property
    def available(self) -> Mapping[str, int]:
        return self._estimates.available

    @property
    def modules(self) -> tuple[Module, ...]:
        return self._estimates.modules

    def utilization(self) -> dict[str, float]:
        """Return the share of each resource that C synthesis estimates, 0 to 1 (above 1: it does not fit)."""
        return self._estimates.utilization()

    # -- all of them -----------------------------------------------------------------------

    @property
    def hardware(self) -> Hardware | None:
        """What Vivado says: after place and route if that was done, else after synthesis."""
        return self.implementation or self.synthesis

    def figures(self) -> dict[str, float]:
        """The figures of the whole design by name, each by the report that knows best.

        Keys, as far as known: BRAM (blocks of 18 Kbit), DSP, FF, LUT, URAM, ``latency`` and ``interval`` (cycles, the
        most), ``clock`` (ns). An estimate with the same names can be compared with them
        (:func:`hlsgen.backends.vitis.reports.comparison.against`).
        """
        found: dict[str, float | None] = {}
        if self.csynth is not None:
            timing = self.csynth.performance
            found |= {"latency": timing.latency_max, "interval": timing.interval_max}
            found |= {"clock": self.csynth.estimated_clock, **self.csynth.resources}
        if self.cosim is not None:
            measured = {"latency": self.cosim.performance.latency_max, "interval": self.cosim.performance.interval_max}
            found |= {name: number for name, number in measured.items() if number is not None}
        if self.hardware is not None:
            found |= self.hardware.resources
            found |= {"clock": self.hardware.achieved_clock} if self.hardware.achieved_clock is not None else {}
        return {name: number for name, number in found.items() if number is not None}

    def layer(self, name: str) -> tuple[LayerFigures, ...]:
        """The steps of a layer, named as the source model does. Raises UnknownNameError for a layer there is not."""
        found = tuple(one for one in self.layers if name in (one.layer, one.step))
        if not found:
            raise UnknownNameError(f"no layer '{name}' in the report{nearest(name, [x.layer for x in self.layers])}")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, texts, lists and dictionaries, as JSON takes them."""
        return asdict(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def __str__(self) -> str:
        parts: list[str] = []
        for part in (self.csynth, self.cosim, self.synthesis, self.implementation):
            if part is not None:
                parts.append(str(part))
        rows = [("layer", "step", "latency", "interval", *RESOURCES), *_layer_rows(self.layers)]
        if len(rows) > 1:
            parts.append("\n".join(["layers, by C synthesis", *table(rows, names=2)]))
        elif self.csynth is not None and self.csynth.modules:
            heads = ("module", "latency", "interval", *RESOURCES)
            modules = [(x.name, *_timing(x.performance), *_counts(x.resources)) for x in self.csynth.modules]
            parts.append("\n".join(["modules, by C synthesis", *table([heads, *modules])]))
        parts.extend(f"note: {note}" for note in self.notes)
        return "\n".join(parts)


def _layer_rows(layers: tuple[LayerFigures, ...]) -> Iterator[tuple[str, ...]]:
    for one in layers:
        inlined = ("inlined", "") if one.performance is None else _timing(one.performance)
        yield (one.layer, one.step, *inlined, *_counts(one.resources))


def _timing(performance: Performance) -> tuple[str, str]:
    return (
        span(performance.latency_min, performance.latency_max),
        span(performance.interval_min, performance.interval_max),
    )


def _counts(resources: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(f"{resources[name]}" if name in resources else "" for name in RESOURCES)
