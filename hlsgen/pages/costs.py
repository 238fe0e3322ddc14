"""What a design is expected to take of a device, and what the vendor's tools said that it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hlsgen.backends.vitis.reports.figures import span
from hlsgen.backends.vitis.reports.layers import LayerFigures
from hlsgen.backends.vitis.reports.report import Report
from hlsgen.estimation.estimate import Estimate
from hlsgen.pages.content import Figure, Panel, Remark, Row, Section, Table, Weight
from hlsgen.pages.findings import Layers

_UNITS = {"BRAM": "BRAM (18 Kbit)", "BRAM_18K": "BRAM (18 Kbit)", "latency": "latency (cycles)"}
_UNITS |= {"interval": "interval (cycles)", "clock": "clock (ns)"}


def estimate_figures(found: Estimate) -> list[Figure]:
    """The resources that are taken, with their share of the device."""
    shares = found.shares
    figures = []
    for name, figure in found.resources.items():
        if figure.value or name in ("DSP", "LUT"):
            share = f", {shares[name]:.1%} of the part" if name in shares else ""
            low_high = "" if figure.low == figure.high else f"{figure.low:,} to {figure.high:,}"
            note = f"estimate{f': {low_high}' if low_high else ''}{share}"
            figures.append(Figure(name.replace("_18K", " (18 Kbit)"), f"{figure.value:,}", note))
    return figures


def estimate_remarks(found: Estimate) -> Iterator[Remark]:
    """A part that is too small: a fault where even the low end of the estimate is more than it has."""
    for name, share in found.shares.items():
        if share <= 1:
            continue
        figure = found.resources[name]
        has = figure.value / share
        layer = found.dominant[name].name
        yield Remark(
            Weight.FAULT if figure.low > has else Weight.WARNING,
            f"The design does not fit {found.part}: {share:.0%} of its {name}",
            f"It is expected to take {figure.value:,} ({figure.low:,} to {figure.high:,}) of {has:,.0f}; most of it in "
            f"{layer}.",
            advice="A larger reuse factor, narrower weights or another part: project.sensitivity says which bits are "
            "not needed.",
        )


def estimate_panel(found: Estimate, layers: Layers) -> Panel:
    """Layer by layer, each figure with the interval in which four of five reports should lie."""
    names = tuple(name.replace("_18K", " (18 Kbit)") for name in found.resources)
    rows = [
        (one.name, one.kernel, *map(str, one.resources.values()), str(one.interval), str(one.latency))
        for one in found.layers
    ]
    rows.append(("total", "", *map(str, found.resources.values()), str(found.interval), str(found.latency)))
    about = (*(_of(one.name, layers) for one in found.layers), None)
    table = Table(
        ("layer", "kernel", *names, "interval", "latency"),
        tuple(rows),
        numeric=(False, False, *(True for _ in names), True, True),
        layers=about,
    )
    fits = {True: "It fits", False: "It does not fit", None: "The part's totals are not known"}[found.fits]
    notes = " ".join(f"{note[:1].upper()}{note[1:]}." for note in found.notes)
    text = (
        f"What Vitis HLS is expected to report for {found.part} at {found.clock_period:g} ns; in brackets, where four "
        f"of five reports should lie. {fits}. {notes}"
    )
    return Panel("cost", "Cost", text.strip(), tables=(table,))


def estimate_sections(found: Estimate, layers: Layers) -> dict[int, list[Section]]:
    """The figures of each layer."""
    sections: dict[int, list[Section]] = {}
    for one in found.layers:
        number = _of(one.name, layers)
        if number is None:
            continue
        rows: list[Row] = [(name, str(figure)) for name, figure in one.resources.items() if figure.value]
        rows += [("interval", f"{one.interval} cycles"), ("latency", f"{one.latency} cycles")]
        rows += [("note", note) for note in one.notes]
        sections.setdefault(number, []).append(Section("Estimated cost", tuple(rows)))
    return sections


def vendor_panel(found: Report, estimate: Estimate | None, layers: Layers) -> Panel:
    """The figures of the whole design beside the estimate, and those of the layers."""
    figures = found.figures()
    expected = _expected(estimate)
    rows = tuple((_UNITS.get(name, name), f"{value:,.6g}", expected.get(name, "")) for name, value in figures.items())
    tables = [Table(("figure", "reported", "estimated"), rows, "The whole design", numeric=(False, True, True))]
    names = list(dict.fromkeys(name for one in found.layers for name in one.resources))
    if found.layers:
        header = ("layer", "step", "latency", "interval", *(_UNITS.get(name, name) for name in names))
        cells = tuple(_layer_row(one, names) for one in found.layers)
        about = tuple(_of(one.layer, layers) for one in found.layers)
        numeric = (False, False, True, True, *(True for _ in names))
        tables.append(Table(header, cells, "Layers, by C synthesis", numeric, about))
    text = f"Read from {found.folder}. " + " ".join(f"Note: {note}." for note in found.notes)
    return Panel("vendor", "Vendor's figures", text.strip(), tables=tuple(tables), code=str(found))


def _layer_row(one: LayerFigures, names: Sequence[str]) -> tuple[str, ...]:
    """Cycles, or that the tool inlined it, and resources."""
    timing = one.performance
    cycles = (
        ("inlined", "")
        if timing is None
        else (span(timing.latency_min, timing.latency_max), span(timing.interval_min, timing.interval_max))
    )
    counts = (f"{one.resources[name]:,.6g}" if name in one.resources else "" for name in names)
    return (one.layer, one.step, *cycles, *counts)


def _expected(estimate: Estimate | None) -> Mapping[str, str]:
    if estimate is None:
        return {}
    found = {name.replace("_18K", ""): str(figure) for name, figure in estimate.resources.items()}
    return found | {"latency": str(estimate.latency), "interval": str(estimate.interval)}


def _of(name: str, layers: Layers) -> int | None:
    number = layers.of_layer(name)
    return layers.of_value(name) if number is None else number
