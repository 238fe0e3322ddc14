"""The objectives that there are, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hlsgen.errors import brief, nearest
from hlsgen.explore.objectives.base import Objective as AnyObjective
from hlsgen.explore.objectives.bits import BITS, RESULT_BITS, WEIGHT_BITS
from hlsgen.explore.objectives.costs import CLOCKED, ESTIMATED, FMAX, MEASURED, REPORTED
from hlsgen.explore.objectives.custom import Objective
from hlsgen.explore.objectives.outputs import ACCURACY, AGREEMENT, AUC, ERROR
from hlsgen.explore.origin import Origin

_EVERY: tuple[AnyObjective, ...] = (
    ACCURACY,
    AGREEMENT,
    AUC,
    ERROR,
    BITS,
    WEIGHT_BITS,
    RESULT_BITS,
    *ESTIMATED,
    *CLOCKED,
    *MEASURED,
    FMAX,
    *REPORTED,
)
OBJECTIVES: dict[str, AnyObjective] = {objective.goal.name: objective for objective in _EVERY}


def read_objectives(given: Any, origin: Origin) -> tuple[AnyObjective, ...]:
    """Objectives by their names, and those of one's own. Raises ConfigError for names that there are not."""
    entries = [given] if isinstance(given, str | Objective) else given
    if not isinstance(entries, Sequence) or not entries:
        raise origin.refused(f"objectives: expected names, as ['accuracy', 'bits'], found {brief(given)}", "objectives")
    found: list[AnyObjective] = []
    for number, entry in enumerate(entries):
        if isinstance(entry, str) and entry in OBJECTIVES:
            objective = OBJECTIVES[entry]
        elif isinstance(entry, Objective):
            objective = entry
        else:
            advice = nearest(entry, OBJECTIVES) if isinstance(entry, str) else ""
            if callable(entry):
                advice = '; of a function, say what is better: hlsgen.Objective(function, "maximise")'
            raise origin.refused(f"objectives: there is no objective {brief(entry)}{advice}", "objectives", number)
        if any(objective.goal.name == other.goal.name for other in found):
            raise origin.refused(f"objectives: '{objective.goal.name}' stands twice", "objectives", number)
        found.append(objective)
    return tuple(found)
