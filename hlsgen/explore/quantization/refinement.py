"""What is reconsidered in a plan beside its bits, one thing after the other: where outputs lose less so, it stays.

By themselves, the least squared error, or a mean put right, are worth what they seem. Among others that are rounded,
too, a few large values may be worth more, and errors that make up for each other are better left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from hlsgen.explore.quantization.correction import Corrector
from hlsgen.explore.quantization.goal import Goal
from hlsgen.explore.quantization.material import Material
from hlsgen.explore.quantization.placement import farther
from hlsgen.explore.quantization.plan import Choices
from hlsgen.explore.quantization.simulation import Known, Layers, Simulation, Types
from hlsgen.explore.quantization.tensors import Held
from hlsgen.progress import say

_RAISED = 0.95
"""What a type that reaches farther has to leave of the loss."""
_BETTER = 0.98
"""What another choice has to leave of it: less is chance."""


@dataclass(frozen=True)
class _Tried:
    """A plan with some choices, computed."""

    choices: Choices
    types: Types
    layers: Layers
    known: Known
    loss: float
    alike: float
    """The part of decisions that is expected to stay; of numbers what of their variance is met."""


class Refinement:
    """Reconsiders the choices of a plan."""

    def __init__(
        self,
        material: Material,
        simulation: Simulation,
        goal: Goal,
        layers_of: Callable[[Choices], Layers],
        corrector_of: Callable[[Choices], Corrector | None],
    ) -> None:
        """``layers_of``: the plan's rounded layers with some choices; ``corrector_of``: what corrects means then."""
        self._material, self._simulation, self._goal = material, simulation, goal
        self._layers_of, self._corrector_of = layers_of, corrector_of

    def of(self, types: Types, choices: Choices, *, places: bool, weights: bool, means: bool) -> Choices:
        """The choices that are better than those given; ``places``, ``weights``, ``means``: which are open."""
        layers = self._layers_of(choices)
        known = self._simulation.known(types, layers, self._corrector_of(choices))
        best = _Tried(choices, types, layers, known, *self._worth(known))
        for held in self._material.held if places else ():
            if held.role != "input":
                say(f"how far {held.name} reaches")
                best = self._raised(best, held)
        for weight in self._material.weights if weights else ():
            if best.choices.weights.get(weight.layer, "max") != "max":
                best = self._with_largest(best, weight.layer)
        for name, layer in self._material.correctable.items() if means else ():
            if layer not in best.choices.uncorrected:
                best = self._uncorrected(best, name, layer)
        return best.choices

    def _raised(self, best: _Tried, held: Held) -> _Tried:
        """With a type that reaches farther, bit by bit."""
        width = best.types[held.name].width
        while True:
            bits = best.choices.raised.get(held.name, 0) + 1
            wider = farther(self._material.samples[held.name], width, bits)
            if wider == best.types[held.name]:
                return best
            choices = replace(best.choices, raised={**best.choices.raised, held.name: bits})
            found = self._better(best, choices, {**best.types, **dict.fromkeys(held.tensors, wider)}, _RAISED)
            if found is best:
                return best
            best = found

    def _with_largest(self, best: _Tried, layer: str) -> _Tried:
        """With a type of a layer's weights that holds the largest."""
        say(f"how far the weights of {layer} reach")
        choices = replace(best.choices, weights={**best.choices.weights, layer: "max"})
        return self._better(best, choices, best.types, _BETTER)

    def _uncorrected(self, best: _Tried, operation: str, layer: str) -> _Tried:
        """With the mean of a layer left as it is."""
        say(f"what the mean of {layer} is worth")
        choices = replace(best.choices, uncorrected=best.choices.uncorrected | {layer})
        return self._better(best, choices, best.types, _BETTER, (operation,))

    def _better(
        self, best: _Tried, choices: Choices, types: Types, least: float, again: Collection[str] = ()
    ) -> _Tried:
        layers = self._layers_of(choices)
        known = self._simulation.changed(
            best.known, types, layers, best.types, best.layers, self._corrector_of(choices), again
        )
        loss, alike = self._worth(known)
        is_better = loss <= least * best.loss and alike >= best.alike
        return _Tried(choices, types, layers, known, loss, alike) if is_better else best

    def _worth(self, known: Known) -> tuple[float, float]:
        outputs = self._simulation.outputs(known)
        return self._goal.loss(outputs), self._goal.score(outputs).expected
