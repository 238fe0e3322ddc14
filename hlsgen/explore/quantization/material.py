"""What is known before anything is chosen: a model's tensors, what data show of each, its weights in every width."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError
from hlsgen.explore.quantization.correction import correctable
from hlsgen.explore.quantization.placement import Calibration, Sample, clipped_share, place, place_input, typed
from hlsgen.explore.quantization.plan import Plan, settings_for
from hlsgen.explore.quantization.simulation import Simulation, sampled
from hlsgen.explore.quantization.tensors import Held, Weights, held_in, weights_of
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.graph import Graph
from hlsgen.ir.layer import Layer
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.passes.apply_config import ApplyConfig
from hlsgen.pipeline import rewrite
from hlsgen.precision.draft import Draft
from hlsgen.project import Project

_T = TypeVar("_T")
_CELLS = 1 << 25
"""Values that are held at once."""
_PRODUCTS = 1 << 30
"""Multiplications of one look at the samples by which losses are measured."""
_FEWEST, _MOST = 48, 512


class Material:
    """A model, its data, and what follows from both."""

    def __init__(self, base: Project, inputs: Mapping[str, Array], ranged: Container[str] = ()) -> None:
        """``base``: with narrow types and none of them placed by data, so that its tensors are those that need a type;
        ``inputs``: as users give them, by name; ``ranged``: those of whose types ``base`` says all but the width."""
        self.base, self._inputs, self.ranged = base, inputs, ranged
        self.weights: list[Weights]
        self.held: list[Held]
        self.weights = weights_of(self.base.design)
        self.held = self._typable(held_in(self.base.design, ranged))
        self._rounded: dict[tuple[int, bool, Calibration], dict[str, Layer]] = {}

    @property
    def design(self) -> Design:
        return self.base.design

    @cached_property
    def samples(self) -> dict[str, Sample]:
        """What data show of every held value, by its name."""
        right = Simulation(self.design, self._some(_MOST)).right
        by_name = {tensor.name: values for tensor, values in right.items()}
        every = self._held_inputs
        found: dict[str, Sample] = {}
        for held in self.held:
            together = np.concatenate([by_name[name].reshape(-1) for name in held.tensors])
            sample = sampled(together)
            found[held.name] = sample.above_zero() if held.above_zero else sample
            if held.role == "input":
                found[held.name] = sample.reaching(every[held.name])
        return found

    @cached_property
    def _held_inputs(self) -> dict[str, Array]:
        return arrays.as_held(self.design.inputs, self._inputs)

    def clipped(self, plan: Plan) -> dict[str, float]:
        """What part of the values of inputs lies outside of their types, by name, to two digits; without those of which
        none does."""
        found: dict[str, float] = {}
        for held in self.held:
            if held.role == "input" and held.name in plan.values:
                share = clipped_share(self._held_inputs[held.name], plan.values[held.name])
                if share:
                    found[held.layer] = float(f"{share:.2g}")
        return found

    @cached_property
    def correction_factors(self) -> dict[str, Floats]:
        """By what a correction of one shifts the sums of an operation, a number a channel, by its name: more or less
        than one where a BatchNormalization is fused into it, or where its channels are held times something."""
        layers = self.correctable
        plain = {op.name: _bias(op) for op in self.design if op.name in layers}
        return {op.name: _bias(op) - plain[op.name] for op in self._with_ones(layers.values()) if op.name in layers}

    @cached_property
    def correctable(self) -> dict[str, str]:
        """The operations whose bias may be corrected, and their layers: those that the configuration does not correct,
        and that keep the design's operations (a scale with a shift does not go through all that one without does)."""
        said = self.base.config.layers
        found = {
            name: layer
            for name, layer in correctable(self.design).items()
            if layer not in said or said[layer].bias_correction is None
        }
        return _fitting(found, lambda some: self._stays(lambda: self._with_ones(some.values())))

    def _typable(self, held: list[Held]) -> list[Held]:
        """Those for which the configuration can say a type: steps that are there when it is applied, and results with
        which the design keeps its operations (a scale does not go through what has a type)."""
        steps = _addressed(self.base)
        types = {tensor.name: tensor.type for tensor in self.design.tensors}
        found = {h.name: h for h in held if h.role != "inner" or steps.issuperset(h.tensors)}

        def typed_design(some: Mapping[str, Held]) -> Design:
            plan = Plan(values={name: _typed_like(types[name]) for name, h in some.items() if h.role != "input"})
            return self.base.with_settings(**settings_for(self.base.config, plan, (), some.values())).design

        return list(_fitting(found, lambda some: self._stays(lambda: typed_design(some))).values())

    def _stays(self, made: Callable[[], Design]) -> bool:
        """Whether another design has the same operations; where it has not, its configuration may not even fit it."""
        try:
            return _operations(made()) == _operations(self.design)
        except ConfigError:
            return False

    def _with_ones(self, layers: Iterable[str]) -> Design:
        """The design with a correction of one for each channel of some layers."""
        plan = Plan(corrections=dict.fromkeys(layers, (1.0,)))
        return self.base.with_settings(**settings_for(self.base.config, plan, (), ())).design

    def _some(self, most: int) -> dict[str, Array]:
        count = max(self.design.samples_within(most, _CELLS, _PRODUCTS), _FEWEST)
        return {name: data[:count] for name, data in self._inputs.items()}

    def type_of(self, held: Held, width: int, how: Calibration, percentile: float) -> FixedType:
        """The type of a value in a width, by data."""
        return place(self.samples[held.name], width, how, percentile)

    def input_type(self, held: Held, width: int) -> FixedType:
        """The type of an input in a width, which clips nothing that is not worth it; or reaches as far as was said."""
        if held.name in self.ranged:
            stated = next(port.type for port in self.design.inputs if port.name == held.name)
            return typed(width, stated.integer, stated.signed)
        return place_input(self.samples[held.name], width)

    def layers(
        self, bits: Mapping[str, int], by_channel: frozenset[str], how: Mapping[str, Calibration]
    ) -> dict[str, Layer]:
        """Operations with their weights rounded to so many bits a layer, placed as ``how`` says."""
        found: dict[str, Layer] = {}
        for weights in self.weights:
            if weights.layer in bits:
                own = how.get(weights.layer, "max")
                rounded = self._in_width(bits[weights.layer], weights.layer in by_channel, own)
                found.update({name: rounded[name] for name in weights.operations})
        return found

    def _in_width(self, bits: int, by_channel: bool, how: Calibration) -> dict[str, Layer]:
        """Every operation with weights as a conversion makes them of so many bits."""
        key = bits, by_channel, how
        if key not in self._rounded:
            granularity = "channel" if by_channel else "tensor"
            design = self.base.with_settings(
                width={"weight": bits}, weight_granularity=granularity, weight_calibration=how
            ).design
            self._rounded[key] = {op.name: _with_weights(op) for op in design if op.layer.constants_of("weight")}
        return self._rounded[key]


def _addressed(base: Project) -> set[str]:
    """The steps for which a configuration can say a type: those that are there when it is applied, not what passes make
    of them (as a part of a scale that goes through a join on one side alone)."""
    found: set[str] = set()

    def noted(stage: str, left: Graph | Draft) -> None:
        if stage == ApplyConfig.pass_name():
            assert isinstance(left, Graph)
            found.update(node.name for node in left)

    rewrite(base.graph, base.config, after=noted)
    return found


def _fitting(found: dict[str, _T], fit: Callable[[dict[str, _T]], bool]) -> dict[str, _T]:
    """All, if they fit together; else those that fit alone, if these fit together; else none."""
    if fit(found):
        return found
    alone = {name: one for name, one in found.items() if fit({name: one})}
    return alone if fit(alone) else {}


def _typed_like(fixed: FixedType) -> FixedType:
    return typed(fixed.width, fixed.integer, fixed.signed)


def _operations(design: Design) -> list[tuple[str, str, tuple[str, ...]]]:
    """The operations of a design: names, kinds, and what they read."""
    return [(op.name, op.layer.kind, tuple(tensor.name for tensor in op.inputs)) for op in design]


def _bias(op: Op) -> Floats:
    return op.layer.constants()["bias"].values


def _with_weights(op: Op) -> Layer:
    """A layer with its weights as they were rounded, and all other constants as real numbers."""
    rounded = op.layer.constants_of("weight")
    changes = {
        name: Constant.of(constant.effective if name in rounded else constant.values)
        for name, constant in op.layer.constants().items()
        if not constant.given
    }
    return replace(op.layer, **changes)
