"""``project.diagnose``: the first layer that diverges from the model beyond what rounding explains, and its cure."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hlsgen.analysis.diagnosis.agreement import agreement, top1
from hlsgen.analysis.diagnosis.causes import Cause, cause_of
from hlsgen.analysis.diagnosis.fragments import overrides, text_of
from hlsgen.analysis.diagnosis.inputs import FAR, OtherData, by_labels, checked_labels, other_axes
from hlsgen.analysis.diagnosis.measurement import Measurement
from hlsgen.analysis.diagnosis.names import layer_of, others_of
from hlsgen.analysis.diagnosis.remedies import Remedy, remedy_for
from hlsgen.analysis.diagnosis.result import Agreement, Diagnosis, Kind, LayerDivergence
from hlsgen.analysis.diagnosis.samples import Samples, candidates, choose, fewer, largest, most_samples
from hlsgen.analysis.diagnosis.source import (
    Reference,
    carried,
    compared_with,
    layer_error,
    other_function,
    reference_values,
)
from hlsgen.analysis.diagnosis.survey import Survey, limit_for, outside, survey, suspect
from hlsgen.analysis.diagnosis.unexpected import unexpected_input
from hlsgen.analysis.diagnosis.words import who_chose
from hlsgen.analysis.subject import Subject
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.reference import evaluate
from hlsgen.errors import DesignError, HlsgenError, InputError
from hlsgen.frontends.values import SourceValues
from hlsgen.ir.constant import Floats
from hlsgen.ir.text import percent
from hlsgen.ir.typing import Tensor
from hlsgen.precision.narrow_types import NarrowTypes

_PIXELS = 100.0, 255.5
"""Where the largest of pixels of eight bits lies."""


def diagnose(project: Subject, x: Any, reference: Any = None, y: Any = None) -> Diagnosis | None:
    """See :meth:`hlsgen.project.Project.diagnose`."""
    moved = other_axes(project, x)
    if moved is not None:
        return _of_axes(project, x, moved, reference)
    every = arrays.checked_inputs(project.design.inputs, x)
    arrays.refuse_nan(every)
    _refuse_infinite(every)
    count = len(next(iter(every.values())))
    if not count:
        raise InputError("diagnose(): the data have no samples; give some that are like those in use")
    labels = None if y is None else checked_labels(y, count, project.design.outputs[0].shape[-1])
    some = candidates(project.design, count)
    inputs = {name: data[some] for name, data in every.items()}
    emulated = _emulated(project, inputs)
    answer = reference_values(project, reference, inputs)
    samples = choose(len(some), most_samples(project.design), _sizes(inputs, emulated, answer.values))
    looked_at = samples.of(inputs)
    work = Measurement(project.design, project.graph, looked_at, samples.counts)
    _check_emulator(work, [x[samples.chosen] for x in emulated])
    right = compared_with(work, answer, samples.chosen)
    case = _Case(project, work, looked_at, samples, right)
    if (apart := other_function(work, right, project.graph)) is not None:
        return case.of_other_function(*apart)
    found = case.of_types()
    if labels is not None:
        found = case.of_labels(labels[some][samples.chosen], found)
    return found


def _refuse_infinite(inputs: Mapping[str, Array]) -> None:
    """Raise InputError: what is infinite saturates in the design, and is nothing that a model computes with."""
    for name, data in inputs.items():
        if data.dtype.kind == "f" and not np.isfinite(data).all():
            sample = int(np.argmin(np.isfinite(data.reshape(len(data), -1)).all(axis=1)))
            raise InputError(f"diagnose(): input '{name}' holds an infinity in sample {sample}; leave such samples out")


def _emulated(project: Subject, inputs: Mapping[str, Array]) -> list[Array]:
    """What the emulator makes of data; its warnings are what is looked into here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = project.predict(dict(inputs))
    return found if isinstance(found, list) else [found]


def _sizes(inputs: Mapping[str, Array], emulated: Sequence[Array], values: SourceValues | None) -> list[Floats]:
    """By what samples are chosen: those that are farthest off, those with the largest inputs and outputs."""
    found = [largest(x) for x in inputs.values()]
    for place, output in enumerate(emulated):
        right = None if values is None else values.outputs[place].reshape(len(output), -1)
        flat = output.reshape(len(output), -1)
        found.append(largest(flat - right) if right is not None and right.shape == flat.shape else largest(flat))
    return found


def _check_emulator(work: Measurement, emulated: Sequence[Array]) -> None:
    """Raise DesignError unless the emulator gives to the bit what is measured here."""
    for tensor, found in zip(work.design.outputs, emulated, strict=True):
        exact = arrays.in_model_units(work.known[tensor], tensor)
        if not np.array_equal(np.asarray(found, dtype=np.float64), exact.reshape(found.shape)):
            raise DesignError(
                f"output '{tensor.name}': the emulator and the exact evaluation differ, which is a bug of hlsgen; "
                "please report it with the model"
            )


def _of_axes(project: Subject, x: Any, moved: OtherData, reference: Any) -> Diagnosis:
    """Data with other axes; with the setting for that, agreement is what it is then."""
    after, name = None, "the graph in real numbers"
    fragment = moved.fragment
    if fragment is not None:
        try:
            other = project.with_settings(**overrides(project.config, fragment))
            inputs = arrays.checked_inputs(other.design.inputs, x)
            some = candidates(other.design, len(next(iter(inputs.values()))))
            samples = choose(len(some), most_samples(other.design), [largest(data[some]) for data in inputs.values()])
            chosen = {name: data[some][samples.chosen] for name, data in inputs.items()}
            work = Measurement(other.design, other.graph, chosen, samples.counts)
            answer = reference_values(other, reference, chosen)
            right = compared_with(work, answer, np.arange(len(samples.chosen)))
            after, name = _agreement(work, right, samples), right.name
        except HlsgenError:
            fragment = None
    return Diagnosis(
        layer=moved.input,
        role="input",
        kind=moved.kind,
        cause=moved.cause,
        numbers=moved.numbers,
        fix=None if fragment is None else text_of(fragment),
        advice=moved.advice + ("" if fragment is None else " The fix lets the design take the data as they are."),
        before=None,
        after=after,
        reference=name,
    )


@dataclass(frozen=True, eq=False)
class _Case:
    """A design, measured on some samples, and the reference on them."""

    project: Subject
    work: Measurement
    inputs: Mapping[str, Array]
    samples: Samples
    right: Reference

    def of_other_function(self, layer: str, off: float) -> Diagnosis:
        """The reference computes something else."""
        cause = (
            f"without any types, the graph is {percent(off, 3)} % off {self.right.name} here, in the first layer that "
            "differs: no type is at fault"
        )
        advice = (
            "See that reference= is the model that was converted, with the same weights; if it is, that is a bug of "
            "hlsgen: please report it with the model."
        )
        return Diagnosis(
            layer, "", Kind.OTHER_MODEL, cause, {"error": off}, None, advice,
            _agreement(self.work, self.right, self.samples), None, self.right.name,
        )  # fmt: skip

    def of_types(self) -> Diagnosis | None:
        """What types do, measured against the design in real numbers."""
        project = _unnarrowed(self.project, self.work, self.inputs)
        work = self._measured(project)
        found = survey(work)
        number = suspect(work, found, project.config.default_width)
        if number is None or found is None:
            return None
        limit = max(limit_for(op, project.config.default_width) for op in work.units[number])
        cause = cause_of(work, number, found.costs[number], limit)
        given = unexpected_input(work, cause)
        remedy = None
        if given is not None:
            remedy = remedy_for(project, work, number, cause, self._tried, self._measured, given=given)
        if remedy is None:
            remedy = remedy_for(project, work, number, cause, self._tried, self._measured, found.costs)
        cause = given or cause
        name = layer_of(cause.op, cause.role, project.config, project.graph)
        kind, text, advice = _of_scale(work, cause)
        return Diagnosis(
            layer=name,
            role=cause.role,
            kind=kind,
            cause=text,
            numbers=cause.numbers,
            fix=None if remedy is None else text_of(remedy.fragment),
            advice=" ".join(filter(None, (who_chose(cause, project.config), advice, _of_remedy(remedy)))),
            before=_agreement(work, self.right, self.samples),
            after=None if remedy is None else _agreement(remedy.work, self.right, self.samples),
            reference=self.right.name,
            fused=others_of(cause.op, name),
            layers=self._divergences(work, found),
        )

    def of_labels(self, labels: Array, found: Diagnosis | None) -> Diagnosis | None:
        """Data that the model itself is wrong on, though it is right on others made of them; else what was found."""

        def accuracy(inputs: Mapping[str, Array]) -> float:
            work = Measurement(self.project.design, self.project.graph, inputs, self.samples.counts)
            outputs = work.ideal[work.design.outputs[0]]
            classes = (outputs[:, 0] > 0.5) * 1 if outputs.shape[1:] == (1,) else top1(outputs)
            return 0.0 if classes is None or classes.ndim != 1 else float(np.mean(classes == labels))

        other = by_labels(self.inputs, accuracy)
        if other is None:
            return found
        fix = None if found is None or found.role != "input" else found.fix
        if other.fragment is not None:
            fix = text_of(other.fragment)
        return Diagnosis(
            layer=other.input,
            role="input",
            kind=other.kind,
            cause=other.cause,
            numbers=other.numbers if found is None else {**found.numbers, **other.numbers},
            fix=fix,
            advice=other.advice,
            before=_agreement(self.work, self.right, self.samples),
            after=None if found is None or fix != found.fix else found.after,
            reference=self.right.name,
            layers=() if found is None else found.layers,
        )

    def _tried(self, other: Subject) -> Measurement:
        """The same on fewer samples."""
        few = fewer(Samples(np.arange(len(self.samples.counts)), self.samples.counts))
        return Measurement(other.design, other.graph, few.of(self.inputs), few.counts)

    def _measured(self, other: Subject) -> Measurement:
        return Measurement(other.design, other.graph, self.inputs, self.samples.counts)

    def _divergences(self, work: Measurement, found: Survey) -> tuple[LayerDivergence, ...]:
        named = {tensor: name for name, tensor in carried(work, self.project.graph).items()}
        return tuple(
            self._divergence(work, number, cost, found, named)
            for number, cost in enumerate(found.costs)
        )  # fmt: skip

    def _divergence(
        self, work: Measurement, number: int, cost: float, found: Survey, named: Mapping[Tensor, str]
    ) -> LayerDivergence:
        op = work.units[number][-1]
        tensor = op.outputs[0]
        name = named.get(tensor, op.source.name)
        error = None
        if tensor in named and name in self.right.layers:
            meant = np.asarray(arrays.in_model_units(work.known[tensor], tensor), dtype=np.float64)
            error = layer_error(work, meant, self.right.layers[name])
        if error is None:
            error = work.off(work.known[tensor], work.ideal[tensor])
        shares = [part.share for part in outside(work, number)] if number in found.inside else []
        return LayerDivergence(name, others_of(op, name), str(tensor.type), error, cost, max(shares, default=0.0))


def _are_bytes(work: Measurement, cause: Cause, holds: float) -> bool:
    """Whether data look like pixels of eight bits, where nobody expected such."""
    values = work.ideal[cause.tensor] * cause.tensor.factors
    return _PIXELS[0] < float(values.max()) <= _PIXELS[1] and float(values.min()) >= 0.0 and 2 * holds < _PIXELS[0]


def _of_scale(work: Measurement, cause: Cause) -> tuple[Kind, str, str]:
    """What is said of an input that its type clips by far: its data are on another scale."""
    fixed, needs = cause.tensor.type, float(cause.numbers.get("needs", 0.0))
    holds = float(max(fixed.max, -fixed.min))
    far = cause.kind is Kind.INPUT_CLIPPED and (needs >= FAR * holds or _are_bytes(work, cause, holds))
    if not far and cause.kind is not Kind.NOT_NORMALISED:
        return cause.kind, cause.text, ""
    text = f"{cause.text}; its data reach {needs / holds:.4g} times farther" if far else cause.text
    advice = (
        "Data that reach so far are often not normalised as in training: if so, scale them (x / 255, say); if they are "
        "right, the fix holds them."
    )
    return Kind.NOT_NORMALISED, text, advice


def _of_remedy(remedy: Remedy | None) -> str:
    if remedy is None:
        return "No setting was found that cures it."
    classes = ", ".join(remedy.fragment.get("layer_types", ()))
    if classes:
        return f"The fix is for all layers of class {classes}."
    return "The fix is for all layers." if "defaults" in remedy.fragment else ""


def _unnarrowed(project: Subject, work: Measurement, inputs: Mapping[str, Array]) -> Subject:
    """The project with everything inside of layers as wide as it was inferred: the same results to the bit, and what a
    value is narrowed to since its reader saturates is the reader's doing.

    It itself, where its types are not those of a new conversion (other weights in kept types).
    """
    skipped = project.config.skip_passes
    if NarrowTypes.pass_name() in skipped:
        return project
    wide = project.with_settings(skip_passes=(*skipped, NarrowTypes.pass_name()))
    again = evaluate(wide.design, arrays.mantissas(wide.design.inputs, inputs))
    pairs = list(zip(project.design.outputs, wide.design.outputs, strict=True))
    same = all(a.type == b.type and np.array_equal(work.chip[a], again[b]) for a, b in pairs)
    return wide if same else project


def _agreement(work: Measurement, right: Reference, samples: Samples) -> Agreement:
    found = [arrays.in_model_units(work.known[tensor], tensor) for tensor in work.design.outputs]
    result = agreement(found, right.outputs, samples.counts)
    return replace(result, samples=len(samples.counts))
