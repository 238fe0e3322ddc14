"""The search: what each tensor costs, and the plans of least bits from one budget of loss to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import exp, log

from hlsgen.design.bits import Bits
from hlsgen.explore.quantization.allocation import Curve, greedy, lagrangian
from hlsgen.explore.quantization.correction import Corrector
from hlsgen.explore.quantization.goal import Goal
from hlsgen.explore.quantization.material import Material
from hlsgen.explore.quantization.options import Options
from hlsgen.explore.quantization.placement import around, farther
from hlsgen.explore.quantization.plan import Choices, Plan, settings_for
from hlsgen.explore.quantization.refinement import Refinement
from hlsgen.explore.quantization.sensitivity import loss_curve
from hlsgen.explore.quantization.simulation import Known, Layers, Simulation, Types
from hlsgen.explore.quantization.tensors import Held, Weights
from hlsgen.ir.constant import Floats
from hlsgen.ir.types import FixedType
from hlsgen.progress import say
from hlsgen.project import Project

_FIRST = 1e-3
"""Of losses together: the first that is tried."""
_STRIDE = log(64.0)
"""How far the next one is from it at most."""
_EDGE = 0.2
"""Between two budgets, the next is no nearer to one of them than that part of the way."""
_LITTLE = 1e-5
"""What is missed at least, for its logarithm."""
_LEAST_BUDGET, _MOST_BUDGET = 1e-9, 4.0
_RATIOS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
"""Of what bits of weights cost, in those of results (or the reverse)."""
_CORRECTED, _SMALL = 4.0, 1e-12
"""By how much the loss of a tensor among others differs from that alone at most; a loss that is none."""
_PRICED, _MORE = 10, 4
"""Bits at which, and for how many more, it is seen what they take of a device."""
_FREE = 1e-3
"""What a bit costs at least, as a part of the dearest."""
_OF_INPUTS = 0.25
"""What a bit of inputs costs, in bits of results: they are read once, and counted apart."""


class Search:
    """Plans for a model, from one budget of loss to the next."""

    def __init__(self, material: Material, options: Options) -> None:
        self._material, self._options = material, options
        self._granular = frozenset(w.layer for w in material.weights if options.granularity == "channel")
        self._costs = _Costs(material)
        self._prices: dict[str, float] = {}
        """What a bit of each tensor costs in the resource that is to be least; empty where that is bits."""
        self.losses: dict[str, dict[int, float]] = {}
        """What each tensor costs at each width, by its name; those of weights by :func:`marked`."""
        self._entropy: Callable[[Types], float] | None = None
        self._placed: dict[tuple[str, int], FixedType] = {}
        self._choices = Choices(weights={w.layer: options.places_weights for w in material.weights})
        self._beside = 0.0, 0.0
        self.ratio = 1.0
        """What a bit of a weight costs, in bits of results."""

    def measure(self, simulation: Simulation, goal: Goal) -> None:
        """Find what each tensor costs at each width, all others being real numbers."""
        floor = goal.loss(simulation.outputs(simulation.right))

        def outputs(types: Types, layers: Layers) -> list[Floats]:
            corrector = self._corrector(simulation)
            return simulation.outputs(simulation.changed(simulation.right, types, layers, {}, {}, corrector))

        def lost(types: Types, layers: Layers) -> float:
            return max(goal.loss(outputs(types, layers)) - floor, 0.0)

        self._entropy = lambda types: goal.cross_entropy(outputs(types, {}))

        for held in self._material.held:
            if self._bits_of(held) is None:
                say(f"what bits of {held.name} are worth")
                self.losses[held.name] = loss_curve(
                    lambda width, held=held: lost(dict.fromkeys(held.tensors, self.type_of(held, width)), {})  # type: ignore[misc]
                )
        for weights in self._material.weights if self._options.weight_bits is None else ():
            say(f"what bits of the weights of {weights.layer} are worth")
            self.losses[marked(weights)] = loss_curve(
                lambda width, weights=weights: lost({}, self._layers({weights.layer: width}))  # type: ignore[misc]
            )

    def measure_around(self, plan: Plan, simulation: Simulation, goal: Goal) -> None:
        """Correct what each tensor costs by what a bit less costs in a plan, where all others are rounded, too."""
        types, layers = plan.types(self._material.held), self._layers(plan.weights)
        base = simulation.known(types, layers, self._corrector(simulation))
        loss = goal.loss(simulation.outputs(base))

        def more(own_types: Types, own_layers: Layers) -> float:
            corrector = self._corrector(simulation)
            known = simulation.changed(base, {**types, **own_types}, {**layers, **own_layers}, types, layers, corrector)
            return goal.loss(simulation.outputs(known)) - loss

        for held in self._material.held:
            if held.name in self.losses:
                width = plan.values[held.name].width
                say(f"what bits of {held.name} are worth among others")
                narrower = dict.fromkeys(held.tensors, self.type_of(held, width - 1)) if width > 2 else {}
                self._correct(held.name, width, more(narrower, {}))
        for weights in self._material.weights:
            if marked(weights) in self.losses:
                width = plan.weights[weights.layer]
                say(f"what bits of the weights of {weights.layer} are worth among others")
                fewer = self._layers({weights.layer: width - 1}) if width > 2 else {}
                self._correct(marked(weights), width, more({}, fewer))

    def _correct(self, name: str, width: int, more: float) -> None:
        """Scale a curve such that a bit less than ``width`` costs ``more``."""
        losses = self.losses[name]
        if width - 1 in losses:
            supposed = max(losses[width - 1] - losses[width], _SMALL)
            factor = min(max(more / supposed, 1.0 / _CORRECTED), _CORRECTED)
            self.losses[name] = {bits: loss * factor for bits, loss in losses.items()}

    def plan(self, budget: float) -> Plan:
        """The widths of least cost for a budget of loss."""
        choose = lagrangian if self._options.allocation == "lagrangian" else greedy
        widths = choose(self._curves(), budget)
        values: dict[str, FixedType] = {}
        for held in self._material.held:
            bits = self._bits_of(held)
            values[held.name] = self.type_of(held, widths[held.name] if bits is None else bits)
        weights = {w.layer: self._options.weight_bits or widths[marked(w)] for w in self._material.weights}
        return Plan(weights, values, {}, self._choices.weights, self._granular)

    def uniform(self, weights: int, results: int) -> Plan:
        """One width for all weights, and one for all values; inputs have that, too, unless the options say another."""
        values = {}
        for held in self._material.held:
            bits = self._options.input_bits if held.role == "input" else None
            values[held.name] = self.type_of(held, bits or results)
        bits_of = {w.layer: weights for w in self._material.weights}
        return Plan(bits_of, values, {}, self._choices.weights, self._granular)

    @property
    def limits_hold(self) -> Callable[[Plan], bool]:
        """Whether neither weights nor results of a plan have more bits on average than the options say."""
        return lambda plan: bool(self._prices) or self._within(*self._costs.means(plan))

    def _within(self, weights: float, results: float) -> bool:
        more, many = self._beside
        return weights + more <= self._options.most_weight_bits and results + many <= self._options.most_result_bits

    def learn(self, plan: Plan, bits: Bits) -> None:
        """Learn from a design by how much its mean widths exceed those of its plan: exact values have their own."""
        weights, results = self._costs.means(plan)
        self._beside = bits.weights.larger - weights, bits.results.larger - results

    def price_for_limits(self) -> float:
        """Price weights against results such that the least is lost by a plan that keeps to the limits of the options;
        returns the budget of that plan."""
        best: tuple[float, float] | None = None
        for ratio in _RATIOS:
            for price in (ratio, 1 / ratio):
                self.ratio = price
                budget = self._least_within_limits()
                if best is None or budget < best[0]:
                    best = budget, price
        assert best is not None
        budget, self.ratio = best
        return budget

    def _least_within_limits(self) -> float:
        low, high = _LEAST_BUDGET, _MOST_BUDGET
        while high / low > 1.01:
            middle = (low * high) ** 0.5
            low, high = (low, middle) if self.limits_hold(self.plan(middle)) else (middle, high)
        return high

    def simulated(self, plan: Plan, simulation: Simulation) -> tuple[Known, Plan]:
        """Every value of a design by a plan, and the plan with corrections of means, if such are wanted."""
        corrector = self._corrector(simulation)
        known = simulation.known(plan.types(self._material.held), self._layers(plan.weights), corrector)
        return known, plan if corrector is None else replace(plan, corrections=corrector.found)

    def _corrector(self, simulation: Simulation, choices: Choices | None = None) -> Corrector | None:
        """What shifts means back while something is computed: what is chosen is measured as it will be."""
        if not self._options.corrects:
            return None
        left = (choices or self._choices).uncorrected
        layers = {name: layer for name, layer in self._material.correctable.items() if layer not in left}
        return Corrector(simulation, layers, self._material.correction_factors)

    def type_of(self, held: Held, width: int) -> FixedType:
        """The type of a value in a width.

        By ``cross_entropy``, of the places near that of the least squared error the one with which the outputs are
        nearest to the float model's; where nothing was measured yet, by squared error. Unless asked for otherwise, an
        input is not clipped for less than a bit.
        """
        how = self._options.places
        plain_input = held.role == "input" and self._options.calibration is None and how == "mse"
        if plain_input or held.name in self._material.ranged:
            return self._material.input_type(held, width)
        if how == "mse":
            return farther(self._material.samples[held.name], width, self._choices.raised.get(held.name, 0))
        if how != "cross_entropy":
            return self._material.type_of(held, width, how, self._options.percentile)
        if self._entropy is None:
            return self._material.type_of(held, width, "mse", self._options.percentile)
        if (held.name, width) not in self._placed:
            types = around(self._material.samples[held.name], width)
            costs = [self._entropy(dict.fromkeys(held.tensors, fixed)) for fixed in types]
            self._placed[held.name, width] = types[costs.index(min(costs))]
        return self._placed[held.name, width]

    def refine(self, plan: Plan, simulation: Simulation, goal: Goal, *, settled: bool) -> None:
        """Reconsider in a plan what nobody asked for: how far types reach and, where bits are ``settled``, how weights
        are placed and whose means are corrected; plans from now on have what was found."""
        options = self._options
        if not plan.values:
            return
        found = Refinement(
            self._material,
            simulation,
            goal,
            lambda choices: self._layers(plan.weights, choices),
            lambda choices: self._corrector(simulation, choices),
        )
        self._choices = found.of(
            plan.types(self._material.held),
            self._choices,
            places=options.places == "mse",
            weights=settled and options.weight_calibration is None,
            means=settled and options.corrects and options.bias_correction is None,
        )

    def loss_of(self, name: str, width: int) -> float | None:
        """What a tensor costs by itself; None where its width was not searched."""
        return self.losses[name].get(width) if name in self.losses else None

    def price(self, base: Project) -> None:
        """Find what a bit of each tensor costs in DSPs or LUTs, by estimates of designs with some bits more."""
        if self._options.minimise == "bits":
            return
        plain = self.uniform(_PRICED, _PRICED)
        least = self._estimated(base, plain)
        for held in self._material.held:
            say(f"what bits of {held.name} take")
            values = {**plain.values, held.name: self.type_of(held, _PRICED + _MORE)}
            self._prices[held.name] = (self._estimated(base, replace(plain, values=values)) - least) / _MORE
        for weights in self._material.weights:
            say(f"what bits of the weights of {weights.layer} take")
            bits = {**plain.weights, weights.layer: _PRICED + _MORE}
            self._prices[marked(weights)] = (self._estimated(base, replace(plain, weights=bits)) - least) / _MORE
        free = max(max(self._prices.values()), 1.0) * _FREE
        self._prices = {name: max(price, free) for name, price in self._prices.items()}

    def _estimated(self, base: Project, plan: Plan) -> float:
        settings = settings_for(base.config, plan, self._material.weights, self._material.held)
        found = base.with_settings(**settings).estimate()
        return found.dsp.value if self._options.minimise == "dsp" else found.lut.value

    def _layers(self, bits: Mapping[str, int], choices: Choices | None = None) -> Layers:
        return self._material.layers(bits, self._granular, (choices or self._choices).weights)

    def _curves(self) -> list[Curve]:
        prices = self._prices
        if not prices:
            prices = {held.name: self._costs.of_value(held) for held in self._material.held}
            prices |= {marked(w): self.ratio * self._costs.of_weights(w) for w in self._material.weights}
        return [
            Curve.of(name, losses, {width: width * prices[name] for width in losses})
            for name, losses in self.losses.items()
        ]

    def _bits_of(self, held: Held) -> int | None:
        return self._options.input_bits if held.role == "input" else self._options.result_bits


def marked(weights: Weights) -> str:
    """The name of a curve of weights, which no value has."""
    return f"{weights.layer} (weights)"


class _Costs:
    """What a bit costs: as a part of the mean over tensors and of the mean over elements, one as much as the other."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._weights, self._elements = len(material.weights), sum(w.elements for w in material.weights)
        self._values: dict[bool, tuple[int, int]] = {}
        for of_inputs in (False, True):
            some = [held for held in material.held if (held.role == "input") is of_inputs]
            tensors = sum(len(held.tensors) + len(held.followers) for held in some)
            self._values[of_inputs] = tensors, sum(held.elements + held.following for held in some)

    def of_weights(self, weights: Weights) -> float:
        return (1 / self._weights + weights.elements / self._elements) / 2

    def of_value(self, held: Held) -> float:
        tensors, elements = self._values[held.role == "input"]
        count = len(held.tensors) + len(held.followers)
        cost = (count / tensors + (held.elements + held.following) / elements) / 2
        return cost * _OF_INPUTS if held.role == "input" else cost

    def means(self, plan: Plan) -> tuple[float, float]:
        """The mean widths of weights and of results by a plan: over tensors or over elements, whichever is larger."""
        weights = [(1, w.elements, plan.weights[w.layer]) for w in self._material.weights]
        values = [
            (len(h.tensors) + len(h.followers), h.elements + h.following, plan.values[h.name].width)
            for h in self._material.held
            if h.role != "input"
        ]
        return _larger_mean(weights), _larger_mean(values)


def _larger_mean(found: list[tuple[int, int, int]]) -> float:
    if not found:
        return 0.0
    tensors, elements = sum(count for count, _, _ in found), sum(size for _, size, _ in found)
    by_tensor = sum(count * width for count, _, width in found) / tensors
    return max(by_tensor, sum(size * width for _, size, width in found) / elements)


@dataclass(frozen=True)
class Aim:
    """Looks for the largest budget of loss with which no more is missed than is allowed.

    What is missed grows about like the root of the loss, as errors do: the next budget is where that law, or the line
    between the nearest two, says it is. So it takes few looks.
    """

    tries: int
    fine: float = 1.15
    """How closely the budget is found."""

    def largest(self, missed: Callable[[float], float], allowed: float, first: float = _FIRST) -> float:
        """The largest budget with which ``missed`` is at most ``allowed``; where there is none, the least that is
        tried."""
        place: float | None = log(first)
        wanted = log(max(allowed, _LITTLE))
        met: tuple[float, float] | None = None
        failed: tuple[float, float] | None = None
        for _ in range(self.tries):
            if place is None:
                break
            share = missed(exp(place))
            here = place, log(max(share, _LITTLE))
            met, failed = (here, failed) if share <= allowed else (met, here)
            place = self._next(met, failed, wanted)
        found = met or failed
        assert found is not None
        return exp(found[0])

    def _next(self, met: tuple[float, float] | None, failed: tuple[float, float] | None, wanted: float) -> float | None:
        """The logarithm of the next budget; None where it is known closely enough."""
        fine = log(self.fine)
        if met is not None and failed is not None:
            reach, rise = failed[0] - met[0], failed[1] - met[1]
            part = (wanted - met[1]) / rise if rise > 0 else 0.5
            return None if reach <= fine else met[0] + reach * min(max(part, _EDGE), 1.0 - _EDGE)
        if met is not None:
            step = 2.0 * (wanted - met[1])
            return None if step < fine or met[0] >= log(_MOST_BUDGET) else met[0] + min(step, _STRIDE)
        assert failed is not None
        step = 2.0 * (failed[1] - wanted)
        return None if failed[0] <= log(_LEAST_BUDGET) else failed[0] - min(max(step, fine), _STRIDE)
