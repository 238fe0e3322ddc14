"""Settings that cure a cause: types that hold what is there, tried from the cheapest on.

None is proposed that was not tried: the design is made anew with it, and measured as the first one was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from hlsgen.analysis.diagnosis.candidates import candidates
from hlsgen.analysis.diagnosis.causes import Cause, cause_of
from hlsgen.analysis.diagnosis.fragments import Fragment, merged, overrides
from hlsgen.analysis.diagnosis.measurement import Measurement
from hlsgen.analysis.diagnosis.survey import MOST_INSIDE, MOST_TOGETHER, inside_at, limit_for, survey, suspect
from hlsgen.analysis.subject import Subject
from hlsgen.errors import HlsgenError

_LEFT = 0.25
"""A cure leaves at most so much of what a layer may cost."""
_HELPS = 0.4
"""Where nothing leaves so little: so much of what it cost."""
_NO_WORSE, _BETTER = 1.02, 0.9
"""What outputs may be off by then, of what they were; the latter where most of it came from this layer."""
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


def remedy_for(
    project: Subject,
    work: Measurement,
    number: int,
    cause: Cause,
    measure: Measure,
    confirm: Measure | None = None,
    costs: Sequence[float] = (),
    given: Cause | None = None,
) -> Remedy | None:
    """The cheapest settings that cure a cause; the best of those that help, where none cures; None where none helps.

    ``measure`` measures a project on some samples, ``confirm`` what it finds on all of ``work``; ``costs`` is what
    each unit costs, ``given`` the input that the settings are to be for. Outputs may not get worse: where they do,
    since layers behind were placed for what this one held back, those are retyped too; without ``confirm`` they are
    anyway.
    """
    few, of_layer = measure(project), confirm is None
    trial, full = (_Trial(one, number, project.config.default_width) for one in (few, work))
    best, cured = None, None
    for fragment in _unique(candidates(project, work, number, given or cause, costs)):
        found = _tried(project, fragment, cause, measure)
        if found is None:
            continue
        cures, helps, better = trial.judged(found, cause)
        if confirm is not None and better and (cures or (helps and (best is None or found.cost < best.cost))):
            found = _measured(found, confirm(found.project), cause)
            cures, helps, better = full.judged(found, cause)
            if cures and better:
                return found
            best = found if helps and better and (best is None or found.cost < best.cost) else best
        elif cures and of_layer:
            return found
        elif cures and cured is None:
            cured = found
    if best is None and cured is not None and confirm is not None:
        followed = _followed(cured, measure)
        return None if followed is None else _measured(followed, confirm(followed.project), cause)
    return best


class _Trial:
    """What settings are judged by: what a unit and all of them cost without."""

    def __init__(self, work: Measurement, number: int, width: int) -> None:
        self.limit = max(limit_for(op, width) for op in work.units[number])
        self.total, self.cost = work.error(work.known), work.cost(number)

    def judged(self, found: Remedy, cause: Cause) -> tuple[bool, bool, bool]:
        """Whether settings cure a unit, whether they help it, and whether the outputs are better or no worse."""
        inside = inside_at(found.work, _unit_of(found.work, cause)) or 0.0
        after = found.work.error(found.work.known)
        cures = found.cost <= min(_LEFT * self.limit, self.cost / 2) and inside <= MOST_INSIDE / 2
        own = {"layers"} if not cause.op.is_input else {"layers", "input_precision"}
        if not own & found.fragment.keys():  # it is for other layers, too
            cures &= after <= 2 * _LEFT * self.limit
        helps = found.cost < _HELPS * self.cost and inside <= MOST_INSIDE
        share = _BETTER if self.cost > self.total / 2 else _NO_WORSE
        return cures, helps, after <= max(self.total * share, MOST_TOGETHER)


def _tried(project: Subject, fragment: Fragment, cause: Cause, measure: Measure) -> Remedy | None:
    """Make the design anew with a fragment and measure; None where that is no configuration of the model."""
    try:
        other = project.with_settings(**overrides(project.config, fragment))
        return _measured(Remedy(fragment, other, work := measure(other), 0.0), work, cause)
    except HlsgenError:
        return None


def _measured(found: Remedy, work: Measurement, cause: Cause) -> Remedy:
    """A remedy with what its unit costs in a measurement, and what does that was computed together with it before."""
    origins = {source.name for source in cause.op.fused}
    own = {_unit_of(work, cause), *(n for n, unit in enumerate(work.units) if unit[-1].source.name in origins)}
    return replace(found, work=work, cost=max((work.cost(n) for n in own if n >= 0), default=0.0))


def _followed(found: Remedy, measure: Measure) -> Remedy | None:
    """Wider results behind what was cured, where those were placed for smaller data; None if that does not do."""
    for _ in range(_MOST_FOLLOWERS):
        survey_now = survey(found.work)
        number = suspect(found.work, survey_now, found.project.config.default_width)
        if number is None or survey_now is None:
            return found
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
