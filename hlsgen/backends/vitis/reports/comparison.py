"""Two builds side by side, or a build beside what was expected of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from hlsgen.backends.vitis.reports.figures import RESOURCES, Performance, table
from hlsgen.backends.vitis.reports.hardware import Hardware
from hlsgen.backends.vitis.reports.report import Report

_LAYER = "layer "
"""What the figures of a layer stand under, before its name."""


@dataclass(frozen=True)
class Change:
    """One figure in two builds; None where a build does not have it.

    ``stage``: which report it is from, or the layer; ``what``: DSP, latency, clock ...
    """

    stage: str
    what: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """How much more it is in the second, None if one does not have it."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def ratio(self) -> float | None:
        """The second as a multiple of the first, None if one does not have it or the first is 0."""
        return self.after / self.before if self.before and self.after is not None else None


@dataclass(frozen=True)
class Comparison:
    """All figures of two builds; print it. ``notes`` say in what they are not alike (part, clock, version)."""

    before: str
    after: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()

    def of(self, stage: str) -> dict[str, Change]:
        """The figures of a report or a layer by name."""
        return {change.what: change for change in self.changes if change.stage == stage}

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, texts, lists and dictionaries, as JSON takes them."""
        return asdict(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def __str__(self) -> str:
        lines = [f"before: {self.before}", f"after:  {self.after}", *(f"note: {note}" for note in self.notes)]
        alike = 0
        for stage in dict.fromkeys(change.stage for change in self.changes):
            changes = list(self.of(stage).values())
            if stage.startswith(_LAYER) and all(change.difference == 0 for change in changes):
                alike += 1
                continue
            rows = [("", "before", "after", "difference", "ratio")]
            lines += [stage, *table([*rows, *(_row(change) for change in changes)])]
        return "\n".join([*lines, *([f"the figures of {alike} layers are the same"] if alike else [])])


def compare(before: Report, after: Report) -> Comparison:
    """Two builds, figure by figure: reports first, then layers by their names."""
    return Comparison(before.folder, after.folder, tuple(_changes(before, after)), tuple(_differences(before, after)))


def against(expected: Mapping[str, float], report: Report) -> Comparison:
    """A build beside what was expected of it, by the names of :meth:`Report.figures`; ``before`` is what was expected.

    Only what both know is compared.
    """
    found = report.figures()
    changes = tuple(Change("design", name, number, found[name]) for name, number in expected.items() if name in found)
    return Comparison("expected", report.folder, changes)


def _changes(before: Report, after: Report) -> Iterator[Change]:
    stages = [_stages(one) for one in (before, after)]
    for stage in dict.fromkeys([*stages[0], *stages[1]]):
        first, second = (known.get(stage, {}) for known in stages)
        for what in dict.fromkeys([*first, *second]):
            yield Change(stage, what, first.get(what), second.get(what))


def _stages(report: Report) -> dict[str, dict[str, float]]:
    """Report or layer -> its figures."""
    found: dict[str, dict[str, float]] = {}
    if report.csynth is not None:
        clock = {"clock": report.csynth.estimated_clock}
        found["C synthesis"] = _known({**clock, **_timing(report.csynth.performance), **report.csynth.resources})
    if report.cosim is not None:
        found["co-simulation"] = _known(
            {**_timing(report.cosim.performance), "total cycles": report.cosim.total_cycles}
        )
    for hardware in (report.synthesis, report.implementation):
        if hardware is not None:
            found[f"after {hardware.stage}"] = _known({"clock": hardware.achieved_clock, **_ordered(hardware)})
    for one in report.layers:
        if one.performance is not None:
            name = one.layer if one.layer == one.step else f"{one.layer} ({one.step})"
            found[f"{_LAYER}{name}"] = _known({**_timing(one.performance), **one.resources})
    return found


def _ordered(hardware: Hardware) -> dict[str, float]:
    return {name: hardware.resources[name] for name in RESOURCES if name in hardware.resources}


def _timing(performance: Performance) -> dict[str, int | None]:
    return {"latency": performance.latency_max, "interval": performance.interval_max}


def _known(figures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: number for name, number in figures.items() if number is not None}


def _differences(before: Report, after: Report) -> Iterator[str]:
    pairs = [(before.csynth, after.csynth), (before.synthesis, after.synthesis)]
    pairs += [(before.implementation, after.implementation)]
    said: set[str] = set()
    for first, second in pairs:
        if first is None or second is None:
            continue
        for what, name in (
            ("top function", "top"),
            ("part", "part"),
            ("target clock", "target_clock"),
            ("version", "version"),
        ):
            a, b = getattr(first, name), getattr(second, name)
            if a and b and a != b and what not in said:
                said.add(what)
                yield f"{what} differs: {a} before, {b} after"
    yield from dict.fromkeys([*before.notes, *after.notes])


def _row(change: Change) -> tuple[str, ...]:
    difference = "" if change.difference is None else f"{change.difference:+g}"
    ratio = "" if change.ratio is None else f"{change.ratio:.3g}"
    return (change.what, _cell(change.before), _cell(change.after), difference, ratio)


def _cell(number: float | None) -> str:
    return "-" if number is None else f"{number:g}" if isinstance(number, float) else f"{number}"
