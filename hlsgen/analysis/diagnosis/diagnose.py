"""``project.diagnose``: the first layer that diverges from the model beyond what rounding explains, and its cure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hlsgen.analysis.diagnosis.agreement import agreement
from hlsgen.analysis.diagnosis.causes import cause_of
from hlsgen.analysis.diagnosis.fragments import text_of
from hlsgen.analysis.diagnosis.measurement import Measurement
from hlsgen.analysis.diagnosis.remedies import remedy_for
from hlsgen.analysis.diagnosis.result import Agreement, Diagnosis, LayerDivergence
from hlsgen.analysis.diagnosis.samples import Samples, choose, largest, most_samples
from hlsgen.analysis.diagnosis.survey import Survey, limit_for, outside, survey, suspect
from hlsgen.analysis.diagnosis.words import who_chose
from hlsgen.analysis.subject import Subject
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.errors import InputError


def diagnose(project: Subject, x: Any, reference: Any = None, y: Any = None) -> Diagnosis | None:
    """See :meth:`hlsgen.project.Project.diagnose`."""
    design = project.design
    inputs = arrays.checked_inputs(design.inputs, x)
    arrays.refuse_nan(inputs)
    count = len(next(iter(inputs.values())))
    if not count:
        raise InputError("diagnose(): the data have no samples; give some that are like those in use")
    samples = choose(count, most_samples(design), [largest(data) for data in inputs.values()])
    return _of_types(project, samples.of(inputs), samples)


def _of_types(project: Subject, inputs: Mapping[str, Array], samples: Samples) -> Diagnosis | None:
    """What types do: the reference is the design itself in real numbers."""

    def measure(other: Subject) -> Measurement:
        return Measurement(other.design, other.graph, inputs, samples.counts)

    work = measure(project)
    found = survey(work)
    number = suspect(work, found, project.config.default_width)
    if number is None:
        return None
    limit = max(limit_for(op, project.config.default_width) for op in work.units[number])
    cause = cause_of(work, number, found.costs[number], limit)
    remedy = remedy_for(project, work, number, cause, measure)
    right = [work.ideal[tensor] for tensor in work.design.outputs]
    return Diagnosis(
        layer=cause.op.source.name,
        role=cause.role,
        kind=cause.kind,
        cause=cause.text,
        numbers=cause.numbers,
        fix=None if remedy is None else text_of(remedy.fragment),
        advice=who_chose(cause, project.config),
        before=_agreement(work, right, samples),
        after=None if remedy is None else _agreement(remedy.work, right, samples),
        reference="the graph in real numbers",
        fused=tuple(source.name for source in cause.op.origins if source.name != cause.op.source.name),
        layers=_divergences(work, found),
    )


def _agreement(work: Measurement, right: Sequence[Array], samples: Samples) -> Agreement:
    return agreement([work.known[tensor] for tensor in work.design.outputs], right, samples.counts)


def _divergences(work: Measurement, found: Survey) -> tuple[LayerDivergence, ...]:
    rows = []
    for number, (unit, cost) in enumerate(zip(work.units, found.costs, strict=True)):
        op = unit[-1]
        tensor = op.outputs[0]
        shares = [part.share for part in outside(work, number)] if number in found.inside else []
        fused = tuple(source.name for source in op.origins if source.name != op.source.name)
        error = work.off(work.known[tensor], work.ideal[tensor])
        rows.append(LayerDivergence(op.source.name, fused, str(tensor.type), error, cost, max(shares, default=0.0)))
    return tuple(rows)
