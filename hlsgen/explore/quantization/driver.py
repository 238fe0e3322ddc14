"""``hlsgen.quantize``: from a float model and some samples to the smallest design that decides alike."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hlsgen import progress
from hlsgen.analysis.labels import Task
from hlsgen.analysis.running import Runner
from hlsgen.config import Config, make_config
from hlsgen.design.bits import Bits
from hlsgen.errors import InputError
from hlsgen.explore.quantization.equalisation import Equalisation
from hlsgen.explore.quantization.equalisation import scales as scales_of
from hlsgen.explore.quantization.goal import Goal, Metric, Score
from hlsgen.explore.quantization.inputs import DEVIATIONS, InputRanges, Inputs, Scaling, placed_inputs
from hlsgen.explore.quantization.material import Material
from hlsgen.explore.quantization.noise import Noise
from hlsgen.explore.quantization.options import Allocation, Factors, Granularity, Method, Minimise, Options
from hlsgen.explore.quantization.parts import Part, divided
from hlsgen.explore.quantization.placement import PERCENTILE, Calibration
from hlsgen.explore.quantization.placement import Asked as Placing
from hlsgen.explore.quantization.plan import Plan, settings_for, with_holds
from hlsgen.explore.quantization.result import Quantized, Row
from hlsgen.explore.quantization.scaling import Asked, fitted_scaling, without_scaling
from hlsgen.explore.quantization.search import Aim, Search, marked
from hlsgen.explore.quantization.simulation import Simulation
from hlsgen.explore.quantization.tensors import NARROW, held_in
from hlsgen.explore.quantization.zero_points import all_offsets
from hlsgen.explore.quantization.zero_points import zero_points as zero_points_of
from hlsgen.pipeline import rewrite
from hlsgen.progress import say
from hlsgen.project import Project, convert

_PLAIN_BITS = 8
"""Of method ``max``, where nothing is said."""
_TRIED_WEIGHTS, _TRIED_RESULTS = 6, 8
"""Bits with which it is seen whether channels are better equalised."""
_SINGLE, _SINGLE_PRODUCTS = 512, 1 << 29
"""Samples by which single tensors are looked at, and their multiplications."""
_WHOLE, _WHOLE_PRODUCTS = 1024, 1 << 32
"""Those by which a whole plan is."""
_FEWEST, _CELLS = 48, 1 << 25
_CLIPPED = 1.005
"""Values are said to be clipped if the largest is so many times the largest of the type."""
_LESS = 1.5
"""How much less loss is tried than what the limits of bits ask for."""
_ROUNDS = 1
"""How often it is measured again what bits are worth, in the plan that was found."""
_CLIPPING = 0.25
"""What part of what may be missed inputs that are clipped may take."""
_LOOKS, _DESIGNS = 10, 5
"""Plans that are simulated, and designs that are measured, to find the budget of loss."""


class TargetMissedWarning(UserWarning):
    """No design that was found reaches the target; the best is returned, and says how far it came."""


def quantize(
    model: Any,
    x: Any,
    y: Any = None,
    target: float = 0.99,
    *,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    metric: Metric = "agreement",
    method: Method = "auto",
    minimise: Minimise = "bits",
    calibration: Placing | None = None,
    percentile: float = PERCENTILE,
    weight_calibration: Calibration | None = None,
    granularity: Granularity = "tensor",
    allocation: Allocation = "lagrangian",
    bias_correction: bool | None = None,
    equalisation: Equalisation | Literal["auto"] | None = None,
    scales: Factors = "free",
    zero_points: bool | None = None,
    weight_bits: int | None = None,
    result_bits: int | None = None,
    input_bits: int | None = None,
    input_ranges: InputRanges | None = None,
    input_deviations: float = DEVIATIONS,
    input_scaling: Asked | None = None,
    most_weight_bits: float = 8.0,
    most_result_bits: float = 10.0,
    task: Task | None = None,
    threshold: float | None = None,
    held_out: float = 0.5,
    seed: int = 0,
    weights: str | Path | None = None,
    example_inputs: Any = None,
    **settings: Any,
) -> Quantized:
    """Find the least bits with which a float model still decides alike, without training: its types from data alone.

    What is found is a configuration that stands alone: ``found.write("quantized.yml")`` and
    ``hlsgen.convert(model, "quantized.yml")`` is the same design, to the bit, without any data. docs/quantize.md says
    what is done and what each option means. What the model's own quantisers or ``config`` fix stays.

    Args:
        model: as for ``convert``, or a project; float, or with quantisers in parts.
        x: some hundred samples at least, as for ``predict``. A part of them is kept to judge by.
        y: labels, for ``metric="accuracy"`` and for the report: class numbers, one-hot rows or wanted outputs.
        target: what is to be met, from 0 to 1: of ``agreement`` the share of equal decisions (of outputs that are
            numbers, the share of their variance that is met), of ``accuracy`` a part of the float model's.
        config: a configuration to begin with, as for ``convert``; other ``settings`` likewise.
        method: ``auto``; or ``max``, the same bits everywhere by the largest values: what others do, to compare.
        minimise: ``bits``, or the estimated ``dsp`` or ``lut``.
        calibration: what types of results hold: ``max``, ``percentile``, ``mse``, ``cross_entropy``.
        percentile: % of the magnitudes that ``percentile`` holds.
        weight_calibration: what types of weights hold: ``max``, ``percentile``, ``mse``.
        granularity: a binary point for the weights of a layer (``tensor``) or of each output (``channel``).
        allocation: how bits are given to tensors: ``lagrangian`` or ``greedy``.
        bias_correction: whether biases take what sums are off by on average.
        equalisation: which channels are held times factors, to be alike: ``none``, ``weights``, ``values``, ``both``,
            or ``auto``, by what rounding costs.
        scales: what such factors are: ``free`` numbers, or ``power_of_two``.
        zero_points: whether values are held less an offset, where their range is not even about zero and rounding
            costs less then.
        weight_bits, result_bits, input_bits: the same width for all of a kind, in place of a search.
        input_ranges: how far the type of each feature of an input reaches: ``max``, all that was met; ``zscore``,
            ``robust``, what is within ``input_deviations`` standard deviations of the mean or the median; ``auto``,
            what loses least, or one type for all features where that is as good.
        input_scaling: for a model that was trained on scaled data, where ``x`` is raw: how it was scaled. Numbers as
            the configuration has them or a fitted pipeline of ``hlsgen.data``; or ``zscore``, ``minmax``, ``robust``
            or a step of ``hlsgen.data``, fitted on the samples to choose by. By name, of several inputs.
        most_weight_bits, most_result_bits: what is not exceeded on average, if the target can be met so.
        task, threshold: what outputs are, as for ``Project.evaluate``.
        held_out: the part of the samples to judge by.
        seed: by which samples are divided.
        weights, example_inputs: as for ``convert``.

    Raises:
        InputError: data or options cannot be. Others as ``convert`` does.

    Warns with TargetMissedWarning where no design reaches the target; the one that comes nearest is returned.
    """
    options = Options(
        target=target,
        metric=metric,
        method=method,
        minimise=minimise,
        calibration=calibration,
        percentile=percentile,
        weight_calibration=weight_calibration,
        granularity=granularity,
        allocation=allocation,
        bias_correction=bias_correction,
        equalisation=equalisation,
        scales=scales,
        zero_points=zero_points,
        weight_bits=weight_bits,
        result_bits=result_bits,
        input_bits=input_bits,
        input_ranges=input_ranges,
        input_deviations=input_deviations,
        most_weight_bits=most_weight_bits,
        most_result_bits=most_result_bits,
        held_out=held_out,
        seed=seed,
    )
    began = time.monotonic()
    with progress.task("quantising"):
        project, said = _read(model, config, weights, example_inputs, settings)
        base = _without_data(project)
        search, judged = divided(base.design, x, y, held_out, seed)
        scaling, notes = fitted_scaling(
            said if input_scaling is None else input_scaling, base.design.inputs, search.inputs
        )
        run = _Run(base, search, judged, options, task, threshold, scaling, notes)
        found = run.found()
        result = run.result(found, time.monotonic() - began)
    if not result.met:
        warnings.warn(
            f"quantize(): the target of {100 * target:g} % is not reached; the best design has "
            f"{100 * result.value:.2f} %; {_cure(result.rows)}",
            TargetMissedWarning,
            stacklevel=2,
        )
    return result


def _cure(rows: Sequence[Row]) -> str:
    """What to do where a target is not met."""
    measured = [(row.loss, row) for row in rows if row.loss is not None]
    if not measured:
        return "give more bits (weight_bits=, result_bits=) or another target"
    _, worst = max(measured, key=lambda each: each[0])
    return f"most is lost in {worst.what} of '{worst.layer}' ({worst.type}): look there, or give another target"


def _unclear(output: str) -> str:
    return (
        f"'{output}' has several numbers, which are no probabilities, and no labels: both the numbers and which is "
        "largest are held against the float model; task='classification' or 'regression' says what counts"
    )


def _read(
    model: Any,
    config: Config | Mapping[str, Any] | str | Path | None,
    weights: str | Path | None,
    example_inputs: Any,
    settings: Mapping[str, Any],
) -> tuple[Project, Asked | None]:
    """A project to begin with, and its ``input_scaling``: how large raw data are, is not known yet."""
    if not isinstance(model, Project):
        plain, said = without_scaling(make_config(config, "quantize()", **settings))
        return convert(model, plain, weights=weights, example_inputs=example_inputs), said
    if config is not None:
        raise InputError("quantize(): a project has its configuration; give what is to be changed as settings")
    for name, value in (("weights", weights), ("example_inputs", example_inputs)):
        if value is not None:
            raise InputError(f"quantize(): {name} is for a model that is converted here; a project has its own")
    return model.with_settings(**settings) if settings else model, model.config.input_scaling


def _without_data(project: Project) -> Project:
    """The model without anything that depends on data: what is found is to stand alone. How large raw data are, is one
    of these."""
    config, _ = without_scaling(project.config)
    own = {} if config.defaults.weight_granularity is not None else {"weight_granularity": "tensor"}
    skipped = tuple(dict.fromkeys((*config.skip_passes, "equalise_channels")))
    plain = make_config(config, "quantize()", calibration=None, calibration_method="max", skip_passes=skipped, **own)
    return Project(project.graph, plain, source=project.source)


@dataclass(frozen=True)
class _Found:
    """A design, and what it reaches on what is held out."""

    project: Project
    plan: Plan
    score: Score
    value: float


class _Run:
    """One quantisation."""

    def __init__(
        self,
        base: Project,
        search: Part,
        judged: Part,
        options: Options,
        task: Task | None,
        threshold: float | None,
        scaling: Scaling,
        notes: list[str],
    ) -> None:
        self._options, self._how, self._notes = options, (task, threshold), notes
        self._search_part, self._judged = search, judged
        self._take_inputs(base, scaling)
        self._hold()
        self._goal = self._goal_of(judged, options.metric)
        self._notes = [*self._notes, *map(_unclear, self._goal.unclear)]
        self._material = Material(self._narrow, search.inputs, self._inputs.ranged)
        self._search = Search(self._material, options)
        self._runs = 0

    def _goal_of(self, part: Part, metric: Metric) -> Goal:
        task, threshold = self._how
        return Goal.of(self._narrow.design, part.inputs, part.y, metric, task, threshold)

    def _take_inputs(self, base: Project, scaling: Scaling) -> None:
        """Choose how far the types of inputs reach; from now on only their widths are open."""
        options = self._options

        def loss(tried: Inputs) -> float:
            self._take(tried)
            few = self._few()
            return self._uniform_loss(tried.project, few, self._goal_of(few, "agreement"))

        def leaves_room(tried: Inputs) -> bool:
            self._take(tried)
            whole = self._whole()
            simulation, goal = Simulation(self._narrow.design, whole.inputs), self._goal_of(whole, options.metric)
            score = goal.score(simulation.outputs(simulation.right))
            return 1.0 - goal.value(score) <= _CLIPPING * (1.0 - options.target)

        how, data = options.ranges_inputs, self._search_part.inputs
        self._take(placed_inputs(base, data, scaling, how, options.input_deviations, loss, leaves_room))
        self._notes = [*self._notes, *self._inputs.notes]

    def _take(self, inputs: Inputs) -> None:
        self._inputs, self._base = inputs, inputs.project
        self._narrow = self._base.with_settings(default_width=NARROW)

    def _hold(self) -> None:
        """Hold values less offsets, and channels times factors, if that is asked for, or is seen to be better."""
        options, design = self._options, self._narrow.design
        if options.equalises == "none" and not options.shifts:
            return
        say("how values are held")
        graph = rewrite(self._narrow.graph, self._narrow.config)
        few = self._few()
        known = Simulation(design, few.inputs).right
        with np.errstate(all="ignore"):  # squares of what no type holds
            noise = Noise(graph, {tensor.name: values for tensor, values in known.items()}, held_in(design))
            offsets = zero_points_of(graph, noise) if options.shifts else {}
            noise = noise.less(all_offsets(graph, offsets))
            factors = scales_of(graph, noise, options.equalises, options.scales == "free")
        said = {name: tuple(offsets[value].tolist()) for name, value in graph.aliases.items() if value in offsets}
        if not factors and not said:
            return
        held = self._base.with_settings(layers=with_holds(self._base.config, factors, said))
        if options.equalises == "auto" and options.zero_points is None:
            goal = self._goal_of(few, "agreement")
            if self._uniform_loss(held, few, goal) >= self._uniform_loss(self._base, few, goal):
                return
        self._base, self._narrow = held, held.with_settings(default_width=NARROW)

    def _uniform_loss(self, base: Project, few: Part, goal: Goal) -> float:
        """What a design loses with the same few bits everywhere."""
        narrow = base.with_settings(default_width=NARROW)
        search = Search(Material(narrow, few.inputs, self._inputs.ranged), self._options)
        simulation = Simulation(narrow.design, few.inputs)
        known, _ = search.simulated(search.uniform(_TRIED_WEIGHTS, _TRIED_RESULTS), simulation)
        return goal.loss(simulation.outputs(known))

    def _few(self) -> Part:
        """The samples by which single tensors are looked at."""
        design = self._narrow.design
        return self._search_part.some(max(_FEWEST, design.samples_within(_SINGLE, _CELLS, _SINGLE_PRODUCTS)))

    def _whole(self) -> Part:
        """The samples by which plans are."""
        design = self._narrow.design
        return self._search_part.some(max(_FEWEST, design.samples_within(_WHOLE, _CELLS, _WHOLE_PRODUCTS)))

    def found(self) -> _Found:
        """The design of least bits that meets the target; else the one that comes nearest."""
        with Runner(self._narrow.design, self._base.name, self._judged.inputs, self._goal.score) as runner:
            found = self._uniform(runner) if self._is_settled else self._searched(runner)
            self._runs = runner.runs
        return found

    @property
    def _is_settled(self) -> bool:
        """Whether nothing is left to search."""
        options = self._options
        return options.is_plain or (options.weight_bits is not None and options.result_bits is not None)

    def _uniform(self, runner: Runner[Score]) -> _Found:
        """One width for all weights, and one for all values."""
        options = self._options
        bits = options.weight_bits or _PLAIN_BITS, options.result_bits or _PLAIN_BITS
        whole = self._whole()
        simulation = Simulation(self._narrow.design, whole.inputs)
        if not options.is_plain:
            self._search.refine(
                self._search.uniform(*bits), simulation, self._goal_of(whole, "agreement"), settled=True
            )
        return self.measured(runner, self._search.simulated(self._search.uniform(*bits), simulation)[1])

    def _searched(self, runner: Runner[Score]) -> _Found:
        design = self._narrow.design
        say("what bits are worth")
        few = self._few()
        by_few, goal_of_few = Simulation(design, few.inputs), self._goal_of(few, "agreement")
        self._search.measure(by_few, goal_of_few)
        whole = self._whole()
        simulation, goal = Simulation(design, whole.inputs), self._goal_of(whole, self._options.metric)

        target = self._options.target

        def missed(budget: float) -> float:
            known, _ = self._search.simulated(self._search.plan(budget), simulation)
            score = goal.score(simulation.outputs(known))
            say(f"{100 * goal.value(score):.2f} % by simulation")
            return goal.missed(score, target)

        self._search.price(self._base)
        say("how much may be lost")
        budget = Aim(_LOOKS).largest(missed, 1.0 - target)
        for _ in range(_ROUNDS):
            self._search.refine(self._search.plan(budget), by_few, goal_of_few, settled=False)
            say("what bits are worth in this plan")
            self._search.measure_around(self._search.plan(budget), by_few, goal_of_few)
            budget = Aim(_LOOKS).largest(missed, 1.0 - target, budget)
        attempts = _Attempts(self, runner, simulation)
        plan = self._search.plan(budget)
        self._search.learn(plan, Bits.of(self._project(plan).design))
        if self._search.limits_hold(plan):
            attempts.around(budget)
        else:
            attempts.within_limits(budget, self._search.price_for_limits())
        return attempts.best()

    def missed(self, found: _Found) -> float:
        """What a design misses, beside the margin for other data."""
        return self._goal.missed(found.score, self._options.target)

    def is_near(self, found: _Found) -> bool:
        """Whether a design meets the target with less of that margin: enough to keep to the limits of bits."""
        return self._goal.nearly(found.score, self._options.target)

    @property
    def allowed(self) -> float:
        """What may be missed."""
        return 1.0 - self._options.target

    def keeps_limits(self, found: _Found) -> bool:
        """Whether a design keeps to the limits of bits."""
        return self._search.limits_hold(found.plan)

    def planned(self, budget: float, simulation: Simulation) -> Plan:
        """The plan for a budget of loss, with its corrections."""
        return self._search.simulated(self._search.plan(budget), simulation)[1]

    def _project(self, plan: Plan) -> Project:
        config = self._base.config
        settings = settings_for(config, plan, self._material.weights, self._material.held)
        clipped = self._material.clipped(plan)
        if clipped and not isinstance(config.input_clipping, float):
            settings["input_clipping"] = config.input_clipping | clipped
        elif clipped and not config.input_clipping:
            settings["input_clipping"] = clipped
        return self._base.with_settings(**settings)

    def measured(self, runner: Runner[Score], plan: Plan) -> _Found:
        project = self._project(plan)
        score = runner.measured(project.design).result()
        return _Found(project, plan, score, self._goal.value(score))

    def result(self, found: _Found, seconds: float) -> Quantized:
        """What is handed to the user."""
        return Quantized(
            project=found.project,
            rows=tuple(self._rows(found)),
            metric=self._options.metric,
            target=self._options.target,
            wanted=self._goal.wanted(self._options.target),
            value=found.value,
            agreement=found.score.agreement,
            accuracy=found.score.accuracy,
            float_accuracy=self._goal.float_accuracy,
            samples=len(self._judged),
            bits=Bits.of(found.project.design),
            numbers=self._goal.is_of_numbers,
            designs=self._runs,
            seconds=seconds,
            notes=(*self._notes, *self._without_effect()),
        )

    def _without_effect(self) -> list[str]:
        """The widths that were asked for where nothing is left to have them."""
        roles = {held.role for held in self._material.held}
        kinds = {
            "weight_bits": ("weights", bool(self._material.weights)),
            "result_bits": ("results", bool(roles - {"input"})),
            "input_bits": ("inputs", "input" in roles),
        }
        return [
            f"{name}={bits} changes nothing: the model's quantisers or the configuration fix all types of {kind}"
            for name, (kind, is_open) in kinds.items()
            if (bits := getattr(self._options, name)) is not None and not is_open
        ]

    def _rows(self, found: _Found) -> list[Row]:
        """In the order of the design: what a layer holds behind its weights."""
        plan, design = found.plan, found.project.design
        order = {op.name: number for number, op in enumerate(design)}
        order |= {tensor.name: order[op.name] for op in design for tensor in op.outputs}
        rows: list[tuple[float, Row]] = []
        by_name = {op.name: op for op in design}
        held_by_name = {tensor.name: tensor.held for tensor in design.tensors}
        for weights in self._material.weights:
            ops = [by_name[name] for name in weights.operations]
            types = [constant.known_type for op in ops for constant in op.layer.constants_of("weight").values()]
            bits = plan.weights[weights.layer]
            done = [f"{bits} bits a channel"] if weights.layer in plan.by_channel else []
            done += [plan.weight_calibrations.get(weights.layer, "max")]
            if weights.layer in plan.corrections:
                done.append("mean corrected")
            loss = self._search.loss_of(marked(weights), bits)
            width, spelled = max(t.width for t in types), ", ".join(dict.fromkeys(map(str, types)))
            row = Row(weights.layer, "weights", width, spelled, ", ".join(done), loss)
            rows.append((order[ops[0].name] - 0.5, row))
        for held in self._material.held:
            fixed = plan.values[held.name]
            what = held.name if held.role == "inner" else held.role
            sample = self._material.samples[held.name]
            done = [self._options.places]
            reach = max(sample.high / float(fixed.max), sample.low / float(fixed.min) if fixed.min else 0.0)
            if held.role == "input":
                done = self._inputs.done(held.name, done[0], found.project.config.clipped_share(held.layer))
            elif reach >= _CLIPPED:
                done.append(f"clipped at 1/{reach:.3g}")
            if (how := held_by_name[held.name]) is not None:
                done.append(f"held {how}")
            if held.above_zero:
                done.append("above zero")
            rows.append(
                (
                    order[held.name],
                    Row(
                        held.layer,
                        what,
                        fixed.width,
                        self._inputs.shown(held.name, fixed) if held.role == "input" else str(fixed.plain()),
                        ", ".join(done),
                        self._search.loss_of(held.name, fixed.width),
                    ),
                )
            )
        return [row for _, row in sorted(rows, key=lambda item: item[0])]


class _Attempts:
    """Designs that are measured on what is held out, and the one to take."""

    def __init__(self, run: _Run, runner: Runner[Score], simulation: Simulation) -> None:
        self._run, self._runner, self._simulation = run, runner, simulation
        self._tried: list[tuple[float, _Found]] = []
        """With their budgets of loss."""

    def at(self, budget: float) -> _Found:
        """The design for a budget of loss, measured."""
        found = self._run.measured(self._runner, self._run.planned(budget, self._simulation))
        say(f"{100 * found.value:.2f} % of what is held out")
        self._tried.append((budget, found))
        return found

    def around(self, budget: float) -> None:
        """Designs with more loss while the target is met, and with less until it is."""
        Aim(_DESIGNS).largest(lambda loss: self._run.missed(self.at(loss)), self._run.allowed, budget)

    def within_limits(self, budget: float, least: float) -> None:
        """The same where limits of bits ask for a loss of ``least`` at least, of which less of the margin is enough."""
        if least <= budget:
            self.around(budget)
            if any(self._run.keeps_limits(found) and self._run.is_near(found) for _, found in self._tried):
                return
        if not self._run.is_near(self.at(least)):
            self.around(min(budget, least / _LESS))

    def best(self) -> _Found:
        """Of those that meet the target the one with most loss, which has least bits: within the limits of bits, where
        less of the margin is enough, if possible. If there is none, the nearest."""
        run = self._run
        ranked = sorted(self._tried, key=lambda each: -each[0])
        surely = [found for _, found in ranked if run.missed(found) <= run.allowed]
        nearly = [found for _, found in ranked if run.is_near(found)]
        inside = [*filter(run.keeps_limits, surely), *filter(run.keeps_limits, nearly)]
        nearest = max((found for _, found in ranked), key=lambda found: found.value)
        return next(iter([*inside, *surely]), nearest)
