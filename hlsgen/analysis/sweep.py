"""The sweep behind ``project.sensitivity(x, y)``: a design for each tensor and width, converted and measured."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, get_args

from hlsgen.analysis.labels import Task, judged_output
from hlsgen.analysis.measure import Measure
from hlsgen.analysis.narrowing import Kind, Knob, knobs, narrowed, settings_with
from hlsgen.analysis.running import Engine, Runner
from hlsgen.analysis.sensitivity import Point, Sensitivity
from hlsgen.analysis.subject import Subject
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.errors import HlsgenError, InputError, brief, nearest
from hlsgen.ir.types import FixedType
from hlsgen.progress import task as task_of

Progress = Callable[[int, int], None]
"""Called with how many designs are done, and of how many."""
WIDTHS = range(2, 17)
_WIDEST = 64
_TRIES = 4
"""Conversions until the type of weights fits what is fused into them: usually one or two."""


def sensitivity(
    subject: Subject,
    x: Any,
    y: Any = None,
    *,
    widths: Iterable[int] = WIDTHS,
    layers: Collection[str] | None = None,
    kinds: Collection[Kind] | None = None,
    output: str | None = None,
    task: Task | None = None,
    threshold: float | None = None,
    engine: Engine = "auto",
    progress: Progress | None = None,
) -> Sensitivity:
    """Measure a project with one tensor after the other in other widths; see ``Project.sensitivity``."""
    design = subject.design
    bits, wanted = _checked_widths(widths), _chosen(knobs(design), layers, kinds)
    if engine not in get_args(Engine):
        raise InputError(f"sensitivity(): engine is {brief(engine)}{nearest(str(engine), get_args(Engine))}")
    inputs = arrays.checked_inputs(design.inputs, x)
    arrays.refuse_nan(inputs)
    samples = min(len(data) for data in inputs.values())
    if not samples:
        raise InputError("sensitivity(): x has no samples; give some that are like those in use")
    judged = judged_output("sensitivity()", design.output_names, output)
    measure = Measure.of(design, inputs, judged, y, task, threshold)
    with Runner(design, subject.name, inputs, measure, engine) as runner:
        baseline = runner.measured(design)
        points = _swept(subject, runner, [(knob, width) for knob in wanted for width in bits], inputs, progress)
        return Sensitivity(
            metric=measure.metric,
            against=measure.against,
            baseline=baseline.result(),
            samples=samples,
            points=tuple(points),
            present=tuple((knob.layer, knob.kind, str(knob.type)) for knob in wanted),
            designs=runner.runs,
            engine=runner.engine,
            inputs=_input_names(design),
            config=subject.config,
        )


def _swept(
    subject: Subject,
    runner: Runner[float],
    plans: list[tuple[Knob, int]],
    inputs: Mapping[str, Array],
    progress: Progress | None,
) -> list[Point]:
    """Convert one design after the other while others are measured; the points in the order of ``plans``."""
    waiting: list[_Submitted] = []
    points: list[Point] = []
    with task_of("sweeping widths", len(plans)) as step:

        def take(*, wait: bool) -> None:
            """Take what is done, in order; ``wait`` for all that was submitted."""
            while len(points) < len(waiting) and (wait or waiting[len(points)].is_done):
                points.append(waiting[len(points)].point())
                step.reached(len(points))
                if progress is not None:
                    progress(len(points), len(plans))

        for knob, width in plans:
            last = waiting[-1] if waiting else None
            if last is not None and last.knob is knob and knob.keeps(last.width) and knob.keeps(width):
                waiting.append(replace(last, width=width))  # the same type again
            else:
                waiting.append(_submitted(subject, runner, knob, width, inputs))
            take(wait=False)
        take(wait=True)
    return points


@dataclass(frozen=True)
class _Submitted:
    """A point whose value is still to come."""

    knob: Knob
    width: int
    type: FixedType
    value: Future[float] | None
    refused: str = ""

    @property
    def is_done(self) -> bool:
        return self.value is None or self.value.done()

    def point(self) -> Point:
        value = None if self.value is None else self.value.result()
        return Point(self.knob.layer, self.knob.kind, self.width, str(self.type), value, self.refused)


def _submitted(
    subject: Subject,
    runner: Runner[float],
    knob: Knob,
    width: int,
    inputs: Mapping[str, Array],
) -> _Submitted:
    """Convert with a tensor in a width and hand the design to the runner."""
    fixed = narrowed(knob, width, subject.design, subject.config, inputs)
    names = _input_names(subject.design)
    for _ in range(_TRIES):
        settings = settings_with(subject.config, {(knob.layer, knob.kind): str(fixed)}, names)
        try:
            design = subject.with_settings(**settings).design
        except HlsgenError as error:
            return _Submitted(knob, width, fixed, None, str(error))
        again = narrowed(knob, width, design, subject.config, inputs)
        if again == fixed:
            break
        fixed = again  # with a type of its own, a layer may be fused otherwise, and hold other numbers
    return _Submitted(knob, width, fixed, runner.measured(design))


def _input_names(design: Design) -> tuple[str, ...]:
    return tuple(op.source.name for op in design if op.is_input)


def _checked_widths(widths: Iterable[int]) -> list[int]:
    found = list(widths) if isinstance(widths, Iterable) and not isinstance(widths, str) else [widths]
    for width in found:
        if isinstance(width, bool) or not isinstance(width, Integral) or not 1 <= width <= _WIDEST:
            raise InputError(f"sensitivity(): a width is {brief(width)}, expected whole numbers from 1 to {_WIDEST}")
    if not found:
        raise InputError("sensitivity(): no widths given; expected some, as range(2, 17)")
    return sorted({int(width) for width in found})


def _chosen(every: list[Knob], layers: Collection[str] | None, kinds: Collection[Kind] | None) -> list[Knob]:
    """The tensors of the layers and kinds that were asked for. Raises InputError for those that there are not."""
    names = list(dict.fromkeys(knob.layer for knob in every))
    for what, given, known in (("layers", layers, names), ("kinds", kinds, list(get_args(Kind)))):
        if isinstance(given, str):
            raise InputError(f"sensitivity(): {what} is {brief(given)}, expected a list of names")
        for name in given or ():
            if name not in known:
                raise InputError(f"sensitivity(): {what}: nothing of '{name}' can be varied{nearest(str(name), known)}")
    found = [k for k in every if (layers is None or k.layer in layers) and (kinds is None or k.kind in kinds)]
    if not found:
        raise InputError("sensitivity(): these layers have no tensor of these kinds whose width can be chosen")
    return found
