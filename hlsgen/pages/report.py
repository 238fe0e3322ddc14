"""One page of all that is known of a design: what is asked of whom, and where it is shown."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hlsgen.analysis.comparison import compare
from hlsgen.analysis.diagnosis.diagnose import diagnose
from hlsgen.analysis.diagnosis.source import ReferenceWarning
from hlsgen.analysis.overflow import OverflowReport
from hlsgen.analysis.precision import PrecisionReport
from hlsgen.analysis.profile import profile
from hlsgen.analysis.subject import Subject
from hlsgen.analysis.sweep import sensitivity
from hlsgen.backends.hls.design_schedule import DesignSchedule
from hlsgen.backends.hls.program import Plan
from hlsgen.backends.vitis.reports.folder import read_reports
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.bits import Bits
from hlsgen.design.design import Design
from hlsgen.errors import InputError, ModelError, ToolError
from hlsgen.estimation.estimate import Estimate
from hlsgen.estimation.project import estimate_of
from hlsgen.linter.lint import lint_texts
from hlsgen.pages.comparisons import comparison_figures, comparison_panel
from hlsgen.pages.content import Drawn, Figure, Page, Panel, Remark, Table, Weight
from hlsgen.pages.costs import estimate_figures, estimate_panel, estimate_remarks, estimate_sections, vendor_panel
from hlsgen.pages.diagnoses import diagnosis_panel, diagnosis_remark
from hlsgen.pages.distributions import profile_columns, profile_sections
from hlsgen.pages.findings import (
    Layers,
    data_remarks,
    in_order,
    lint_remarks,
    loss_remarks,
    note_remarks,
    overflow_remarks,
)
from hlsgen.pages.graph import layer_picture, page_rules
from hlsgen.pages.layers import Program, Sections, layer_table, layer_views
from hlsgen.pages.sensitivities import sensitivity_panel
from hlsgen.strict_yaml import written
from hlsgen.version import VERSION

_FIRMWARE = "firmware/"
_WITHOUT_DATA = " Not looked at, as no data were given: what values do, and whether the model is met."
_MISFIT = " Not looked at, as the data do not fit: what values do, and whether the model is met."
_OF_GRAPH = "graph"
"""The reference that needs no framework: the model's graph in real numbers."""


class Reported(Subject, Protocol):
    """A subject that also knows what is built of it; :class:`hlsgen.project.Project` is one."""

    @property
    def plan(self) -> Plan:
        """Its kernel calls."""

    @property
    def schedule(self) -> DesignSchedule:
        """Their clocks."""

    @property
    def precision(self) -> PrecisionReport:
        """Its types, and why."""

    @property
    def files(self) -> Mapping[str, str]:
        """Its texts by path."""


@dataclass
class Gathered:
    """What is found for a page, part by part; of figures and panels the later ones stand behind."""

    figures: list[Figure] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    sections: list[Sections] = field(default_factory=list)
    columns: list[tuple[str, Mapping[int, str]]] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)


@dataclass(frozen=True)
class Data:
    """Samples by the name of the input, labels, and the model to compare with (None: what it was read from)."""

    inputs: Mapping[str, Array]
    labels: Any
    reference: Any

    @property
    def samples(self) -> int:
        return min(len(data) for data in self.inputs.values())


def report_page(
    subject: Reported, x: Any = None, y: Any = None, *, reference: Any = None, with_sensitivity: bool = False
) -> Page:
    """What there is to show of a project.

    ``x``: (samples, *shape) as for predict; ``y``: labels or wanted outputs of those samples; ``reference``: as for
    diagnose and compare. Without ``x`` the page has what the design alone tells. Raises InputError for data that do not
    fit, ModelError for a reference that cannot be run.
    """
    layers, found = Layers(subject.design), Gathered()
    program = None if subject.config.backend == "verilog" else Program(subject.plan, subject.schedule)
    data = None
    if _has_data(x, y, reference, with_sensitivity):
        _add_diagnosis(found, subject, x, y, reference, layers)
        data = _fitting(found, subject, x, y, reference)
    if data is not None:
        _add_comparison(found, subject, data)
        _add_overflows(found, subject, data, layers)
        _add_profile(found, subject, data, layers)
        if with_sensitivity:
            found.panels.append(sensitivity_panel(sensitivity(subject, data.inputs, data.labels), layers))
    _add_facts(found, subject)
    if program is not None:
        _add_program(found, subject, program, layers)
    found.remarks += loss_remarks(subject.precision, layers)
    found.remarks += note_remarks(subject.design.notes, layers, subject.design.aliases)
    found.checked.append("fixed types against what is proved to reach them")
    missing = "" if data is not None else _WITHOUT_DATA if x is None else _MISFIT
    return _page(subject, program, found, missing)


def _has_data(x: Any, y: Any, reference: Any, with_sensitivity: bool) -> bool:
    """Raises InputError for what needs samples without any."""
    given = {"y": y is not None, "reference": reference is not None, "sensitivity": with_sensitivity}
    asked = [name for name, is_given in given.items() if is_given]
    if x is None and asked:
        raise InputError(f"report(): {', '.join(asked)} without x; give the samples, too")
    return x is not None


def _fitting(found: Gathered, subject: Reported, x: Any, y: Any, reference: Any) -> Data | None:
    """The samples, if they fit the model; else why not, which a diagnosis has told the cause of."""
    try:
        inputs = arrays.checked_inputs(subject.design.inputs, x)
    except InputError as error:
        found.remarks.append(Remark(Weight.WARNING, "The data do not fit, and nothing was run on them", str(error)))
        return None
    return Data(inputs, y, reference)


def _page(subject: Reported, program: Program | None, found: Gathered, missing: str) -> Page:
    """``missing``: what was not looked at."""
    design, config = subject.design, subject.config
    remarks = in_order(found.remarks)
    marks: dict[int, Weight] = {}
    about: dict[int, list[int]] = {}
    for number, remark in enumerate(remarks):
        if remark.layer is not None:
            about.setdefault(remark.layer, []).append(number)
            if remark.weight is not Weight.NOTE:
                marks.setdefault(remark.layer, remark.weight)
    picture = layer_picture(design, marks, buttons=True)
    device = config.part if config.board is None else f"{config.board} ({config.part})"
    return Page(
        title=subject.name,
        about=f"{_source(subject)} · backend {config.backend}, {config.io_type} · {device}, {config.clock_period:g} ns",
        figures=tuple(found.figures),
        remarks=remarks,
        checked=f"Looked at: {'; '.join(found.checked)}.{missing}",
        graph=Drawn(picture.shapes, picture.width, picture.height, page_rules()),
        layers=layer_views(design, subject.precision, program, found.sections, about),
        table=layer_table(design, found.columns),
        panels=(*found.panels, _configuration(subject)),
        written_by=f"hlsgen {VERSION}",
    )


def _source(subject: Reported) -> str:
    """What the model was read from: the name of its file, or of its class."""
    source = subject.source
    if isinstance(source, str | Path):
        return f"model {Path(source).name}"
    return f"model {subject.design.name} ({type(source).__name__})" if source is not None else subject.design.name


# -- what the design alone tells -----------------------------------------------------------------


def _add_facts(found: Gathered, subject: Reported) -> None:
    design = subject.design
    constants = Bits.of(design).constants
    found.figures += [
        Figure("Operations", f"{len(design)}", f"of {len(set(_sources(design)))} layers of the model"),
        Figure("Multiplications", f"{design.products:,}", "a sample"),
        Figure("Constants", f"{constants.bits:,} bits", f"{constants.elements:,} numbers"),
        Figure("Bits of values", _widths(design), "least to largest width of a result"),
    ]


def _sources(design: Design) -> Iterator[str]:
    return (source.name for op in design if not op.is_input for source in op.origins)


def _widths(design: Design) -> str:
    widths = sorted({tensor.type.width for tensor in design.tensors})
    return f"{widths[0]} to {widths[-1]}" if len(widths) > 1 else f"{widths[0]}"


def _configuration(subject: Reported) -> Panel:
    entries = {k: v for k, v in subject.config.model_dump(mode="json", exclude_unset=True).items() if v is not None}
    text = written(entries)
    said = "" if text else "Nothing is set: all is as it is by default."
    return Panel("configuration", "Configuration", said, code=text, folded=bool(text))


# -- what the program tells: clocks, cost, static checks -----------------------------------------


def _add_program(found: Gathered, subject: Reported, program: Program, layers: Layers) -> None:
    schedule = program.schedule
    by = "" if schedule.bottleneck is None else f"set by {schedule.bottleneck.name}"
    seconds = _seconds(schedule.latency * subject.config.clock_period)
    found.figures += [
        Figure("Interval", f"{schedule.interval:,} cycle{'' if schedule.interval == 1 else 's'}", by),
        Figure("Latency", f"~{schedule.latency:,} cycles", f"{seconds}, by the schedule"),
    ]
    estimate = estimate_of(program.plan, subject.design, subject.config)
    found.figures += estimate_figures(estimate)
    found.remarks += estimate_remarks(estimate)
    found.sections.append(estimate_sections(estimate, layers))
    found.panels.append(estimate_panel(estimate, layers))
    _add_vendor(found, subject, estimate, layers)
    found.panels.append(_schedule(schedule))
    found.remarks += lint_remarks(lint_texts(_firmware(subject.files), None, syntax=False), layers)
    found.checked.append("whether the estimate fits the part; the text of the project, by hlsgen lint")


def _schedule(schedule: DesignSchedule) -> Panel:
    header = ("call", "kernel", "steps", "interval", "cycles", "depth", "multipliers")
    rows = tuple(
        (c.name, c.kernel, f"{c.steps:,}", f"{c.interval:,}", f"{c.cycles:,}", f"~{c.depth}", f"{c.multipliers:,}")
        for c in schedule.calls
    )
    text = (
        f"{schedule.form.value.capitalize()}. Cycles are exact as long as words come and are taken in time; depths are "
        "estimates."
    )
    numeric = (False, False, True, True, True, True, True)
    return Panel("schedule", "Schedule", text, tables=(Table(header, rows, numeric=numeric),))


def _add_vendor(found: Gathered, subject: Reported, estimate: Estimate, layers: Layers) -> None:
    """The figures of the vendor's tools, if they ran in the project's folder; a report that is none is said."""
    folder = Path(subject.config.output_dir or f"{subject.name}_hls")
    if not folder.is_dir():
        return
    try:
        found.panels.append(vendor_panel(read_reports(folder), estimate, layers))
    except ToolError as error:
        if "no report of" not in str(error):
            found.remarks.append(Remark(Weight.WARNING, "The vendor's reports cannot be read", str(error)))


def _firmware(files: Mapping[str, str]) -> dict[str, str]:
    """The texts that are checked, as they are named there."""
    return {name.removeprefix(_FIRMWARE): text for name, text in files.items() if name.startswith(_FIRMWARE)}


def _seconds(nanoseconds: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


# -- what data tell ------------------------------------------------------------------------------


def _add_diagnosis(found: Gathered, subject: Reported, x: Any, y: Any, reference: Any, layers: Layers) -> None:
    """The first layer that diverges, against the source model, or its graph where that cannot be run.

    Raises InputError for data that do not fit, unless it is known why.
    """
    title = "The source model was not run"
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", ReferenceWarning)
            diagnosis = diagnose(subject, x, reference, y)
        texts = dict.fromkeys(str(warning.message) for warning in said)
        found.remarks += [Remark(Weight.NOTE, title, text) for text in texts]
    except ModelError as error:
        if reference is not None:
            raise
        found.remarks.append(Remark(Weight.NOTE, title, str(error)))
        diagnosis = diagnose(subject, x, _OF_GRAPH, y)
    found.checked.append("every layer against what the model means (diagnosis)")
    if diagnosis is not None:
        found.remarks.append(diagnosis_remark(diagnosis, layers))
        if diagnosis.layers:
            found.panels.append(diagnosis_panel(diagnosis, layers))


def _add_comparison(found: Gathered, subject: Reported, data: Data) -> None:
    """Outputs of the source model and of the emulator; what the emulator warns of is said further down."""
    reference = None if isinstance(data.reference, str) and data.reference == _OF_GRAPH else data.reference
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        comparison = compare(subject, reference, data.inputs, data.labels)
    found.figures += comparison_figures(comparison)
    found.panels.append(comparison_panel(comparison))


def _add_overflows(found: Gathered, subject: Reported, data: Data, layers: Layers) -> None:
    """Run the emulator on all data, and count what does not fit; what it warns of is said on the page."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        subject.predict(data.inputs, count_overflows=True)
    report = subject.overflows
    assert isinstance(report, OverflowReport)
    found.remarks += data_remarks(dict.fromkeys(str(warning.message) for warning in said))
    found.remarks += overflow_remarks(report, subject.design, layers)
    found.checked.append(f"every cast on {data.samples:,} samples, by the emulator")
    found.figures.append(_overflowed(report))


def _overflowed(report: OverflowReport) -> Figure:
    total = sum(entry.total for entry in report.entries)
    if not total:
        return Figure("Overflows", "none", "no cast can overflow")
    return Figure("Overflows", f"{report.total:,}", f"of {total:,} values that were cast")


def _add_profile(found: Gathered, subject: Reported, data: Data, layers: Layers) -> None:
    """How weights and values lie against their types."""
    measured = profile(subject, data.inputs)
    found.sections.append(profile_sections(measured, layers))
    found.columns += profile_columns(measured, layers)
