"""Which modules of a report compute which layer.

A module of Vitis HLS has the name of its function and the words of its template arguments:
``hlsgen::dense<fc1_config>`` becomes ``dense_fc1_config_s``, and a loop of it that is a module of its own
``dense_fc1_config_Pipeline_Output``. So the name of the config struct is in each. It says the step, and the comment
above the step's call says the layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hlsgen.backends.vitis.reports.csynth import Estimates, Instance, Module
from hlsgen.backends.vitis.reports.figures import Performance
from hlsgen.backends.vitis.reports.hardware import Hardware
from hlsgen.backends.vitis.reports.texts import read_text
from hlsgen.linter.source import Source
from hlsgen.linter.steps import Step, steps_of

_TOP = "the top function of a project"


@dataclass(frozen=True)
class LayerFigures:
    """What one step of the design takes. ``layer``: as the source model names it; several steps may be of one layer.

    ``modules``: those that are it, each as often as it stands there; without any, the tool inlined it, and its figures
    are within those of the top function. Latency and interval are those of the slowest; resources are added up.
    ``vivado``: the same resources after synthesis or implementation, empty where no report of them has modules.
    """

    step: str
    layer: str
    note: str
    modules: tuple[str, ...]
    performance: Performance | None
    resources: Mapping[str, float]
    vivado: Mapping[str, float]


def steps_of_project(folder: Path, top: str) -> tuple[Step, ...]:
    """The steps that the top function of a written project calls; none if there is no such file."""
    file = folder / "firmware" / f"{top}.cpp"
    return steps_of(Source(file.name, read_text(file, _TOP))) if file.is_file() else ()


def layers_of(
    steps: Sequence[Step], estimates: Estimates | None, hardware: Hardware | None
) -> tuple[LayerFigures, ...]:
    """The figures of every step, in the order of the design; empty where no report has modules (Vivado HLS)."""
    if estimates is None or not estimates.modules:
        return ()
    placed = _of_estimates(steps, estimates)
    cells = _of_hardware(steps, hardware) if hardware is not None else {}
    return tuple(
        LayerFigures(
            step.name,
            step.layer,
            step.note,
            tuple(module.name for module in placed.get(step, ())),
            _slowest(placed.get(step, ())),
            _sum(module.resources for module in placed.get(step, ())),
            cells.get(step, {}),
        )
        for step in steps
    )


def step_of_module(module: str, steps: Sequence[Step]) -> Step | None:
    """The step that a module belongs to.

    A call's own function first: ``relu_a_config`` is step ``a``, also beside a step ``relu_a``. Then the longest name
    that stands in the module's, since a step's name may end with another's.
    """
    own = [step for step in steps if re.match(rf"{step.function}_{step.name}_config(?![A-Za-z0-9])", module)]
    inner = [step for step in steps if re.search(rf"(?<![A-Za-z0-9]){step.name}_config(?![A-Za-z0-9])", module)]
    plain = [step for step in steps if step.name == step.function and re.fullmatch(rf"{step.name}(_s|_\d+)?", module)]
    found = own or inner or plain
    return max(found, key=lambda step: len(step.name)) if found else None


def _of_estimates(steps: Sequence[Step], estimates: Estimates) -> dict[Step, list[Module]]:
    modules = {module.name: module for module in estimates.modules}
    found: dict[Step, list[Module]] = {}
    if estimates.instances:
        for step, name in _topmost(estimates.instances, steps):
            if name in modules:
                found.setdefault(step, []).append(modules[name])
        return found
    for module in estimates.modules:  # nobody says who calls whom: the largest of a step holds the others
        owner = step_of_module(module.name, steps)
        if owner is not None:
            found[owner] = [max([*found.get(owner, []), module], key=_size)]
    return found


def _topmost(instances: Iterable[Instance], steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    """The outermost module of a step wherever one stands: its figures hold those of all inside."""
    for instance in instances:
        step = step_of_module(instance.module, steps)
        if step is not None:
            yield step, instance.module
        else:
            yield from _topmost(instance.inner, steps)


def _size(module: Module) -> int:
    return sum(module.resources.values())


def _of_hardware(steps: Sequence[Step], hardware: Hardware) -> dict[Step, dict[str, float]]:
    found: dict[Step, list[Mapping[str, float]]] = {}
    taken: set[str] = set()
    for cell in sorted(hardware.cells, key=lambda cell: cell.path.count("/")):
        step = step_of_module(cell.module, steps)
        if step is None or any(f"{cell.path}/".startswith(f"{path}/") for path in taken):
            continue
        taken.add(cell.path)
        found.setdefault(step, []).append(cell.resources)
    return {step: _sum(counts) for step, counts in found.items()}


def _slowest(modules: Sequence[Module]) -> Performance | None:
    if not modules:
        return None
    known = [module.performance for module in modules]
    return Performance(*(_most(getattr(one, name) for one in known) for name in Performance.__dataclass_fields__))


def _most(values: Iterable[int | None]) -> int | None:
    numbers = list(values)
    return None if None in numbers else max(number for number in numbers if number is not None)


def _sum(counts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for one in counts:
        for name, number in one.items():
            total[name] = total.get(name, 0) + number
    return total
