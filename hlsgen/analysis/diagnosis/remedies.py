"""Settings that cure a cause: types that hold what is there, tried from the cheapest on.

None is proposed that was not tried: the design is made anew with it, and measured as the first one was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from hlsgen.analysis.diagnosis.candidates import candidates
from hlsgen.analysis.diagnosis.causes import Cause, cause_of
from hlsgen.analysis.diagnosis.fragments import Fragment, merged, overrides
from hlsgen.analysis.diagnosis.measurement import INPUT, Measurement
from hlsgen.analysis.diagnosis.survey import MOST_INSIDE, MOST_TOGETHER, inside_at, limit_for, survey, suspect
from hlsgen.analysis.subject import Subject
from hlsgen.errors import HlsgenError

_LEFT = 0.25
"""A cure leaves at most so much of what a layer may cost."""
_HELPS = 0.4
"""Where nothing leaves so little: so much of what it cost."""
_NO_WORSE = 1.02
_MOST_FOLLOWERS = 12
"""Layers that are retyped together with an input, since they were placed for data of another size."""

Measure = Callable[[Subject], Measurement]


@dataclass(frozen=True, eq=False)
class Remedy:
    """A fragment that was tried, and what came of it."""

    fragment: Fragment
    project: Subject
    work: Measurement
    cost: float
    """Of the unit, with it."""


def remedy_for(project: Subject, work: Measurement, number: int, cause: Cause, measure: Measure) -> Remedy | None:
    """The cheapest settings that cure a cause; the best of those that help, where none cures; None where none helps.

    ``measure`` measures a project, on fewer samples than ``work``.
    """
    limit = max(limit_for(op, project.config.default_width) for op in work.units[number])
    few = measure(project)
    total, cost, best, first = few.error(few.known), few.cost(number), None, None
    for fragment in _unique(candidates(project, work, number, cause)):
        found = _tried(project, fragment, cause, measure)
        if found is None:
            continue
        first = first or found
        if found.work.error(found.work.known) > max(total, MOST_TOGETHER) * _NO_WORSE:
            continue
        inside = inside_at(found.work, _unit_of(found.work, cause)) or 0.0
        if found.cost <= min(_LEFT * limit, cost / 2) and inside <= MOST_INSIDE / 2:
            return found
        helps = found.cost < _HELPS * cost and inside <= MOST_INSIDE
        if helps and (best is None or found.cost < best.cost):
            best = found
    return _followed(first, measure) if best is None and first is not None and cause.role == INPUT else best


def _tried(project: Subject, fragment: Fragment, cause: Cause, measure: Measure) -> Remedy | None:
    """Make the design anew with a fragment and measure; None where that is no configuration of the model."""
    try:
        other = project.with_settings(**overrides(project.config, fragment))
        work = measure(other)
    except HlsgenError:
        return None
    origins = {source.name for source in cause.op.fused}
    own = {_unit_of(work, cause), *(n for n, unit in enumerate(work.units) if unit[-1].source.name in origins)}
    return Remedy(fragment, other, work, max((work.cost(n) for n in own if n >= 0), default=0.0))


def _followed(found: Remedy, measure: Measure) -> Remedy | None:
    """A wider input and wider results behind it, where those were placed for smaller data; None if that does not do."""
    for _ in range(_MOST_FOLLOWERS):
        survey_now = survey(found.work)
        number = suspect(found.work, survey_now, found.project.config.default_width)
        if number is None or survey_now is None:
            return found
        if found.work.units[number][0].is_input:
            return None
        cause = cause_of(found.work, number, survey_now.costs[number], 0.0)
        behind = remedy_for(found.project, found.work, number, cause, measure)
        if behind is None:
            return None
        found = Remedy(merged(found.fragment, behind.fragment), behind.project, behind.work, found.cost)
    return None


def _unit_of(work: Measurement, cause: Cause) -> int:
    """The unit that computes what the cause was found in; -1 if there is none any more."""
    named = [n for n, unit in enumerate(work.units) if any(op.name == cause.op.name for op in unit)]
    alike = [n for n, unit in enumerate(work.units) if any(op.source.name == cause.op.source.name for op in unit)]
    return (named or alike or [-1])[-1]


def _unique(fragments: Iterable[Fragment]) -> Iterator[Fragment]:
    seen: list[Fragment] = []
    for fragment in fragments:
        if fragment and fragment not in seen:
            seen.append(fragment)
            yield fragment
