"""A search as it is looked at: its trials as plain columns, as a page, as figures, and for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from hlsgen.errors import InputError, brief
from hlsgen.explore.goals import Goal
from hlsgen.explore.space import Axis as Choice
from hlsgen.explore.space import SettingPath, Space
from hlsgen.explore.standalone import relative
from hlsgen.explore.trial import State, Trial, spelled
from hlsgen.pages.content import Figure, Panel, Table
from hlsgen.pages.files import page_path, write_text
from hlsgen.pages.front import front_html
from hlsgen.pages.sweep import MARK, SweepPage, sweep_html
from hlsgen.plots.fronts import draw_fronts
from hlsgen.plots.parallel import draw_parallel
from hlsgen.plots.trials import Axis, Objective, Trials
from hlsgen.strict_yaml import written
from hlsgen.version import VERSION

FigureKind = Literal["front", "parallel"]


class Seen(Protocol):
    """What there is to be looked at of a search; :class:`hlsgen.explore.study.Study` is one."""

    @property
    def name(self) -> str: ...
    @property
    def goals(self) -> tuple[Goal, ...]: ...
    @property
    def space(self) -> Space: ...
    @property
    def trials(self) -> tuple[Trial, ...]: ...
    @property
    def front(self) -> tuple[Trial, ...]: ...
    @property
    def base(self) -> Mapping[str, Any]: ...
    @property
    def samples(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def version(self) -> str: ...
    @property
    def path(self) -> Path | None: ...
    @property
    def called(self) -> str: ...
    @property
    def headline(self) -> str: ...
    def yaml_of(self, trial: Trial, folder: Path) -> str: ...


def write_page(study: Seen, path: str | Path, overwrite: bool) -> Path:
    """Write the page of a search; returns its path.

    Raises InputError for a path that does not end in ``.html``, OutputDirError for a file that is there and is no such
    page, unless ``overwrite``, and for one that cannot be written.
    """
    file = page_path(path, "page()", overwrite, MARK)
    return write_text(file, sweep_html(sweep_page(study, file.absolute().parent)), "page()")


def draw(study: Seen, path: str | Path, kind: FigureKind) -> Path:
    """Draw fronts of all pairs of objectives, or parallel coordinates. Raises InputError for another ``kind``, or where
    no trial was measured; else as :func:`hlsgen.plots.figures.save` does."""
    if kind not in ("front", "parallel"):
        raise InputError(f"plot(): kind is {brief(kind)}, expected 'front' or 'parallel'")
    trials = columns(study)
    if not trials.measured:
        raise InputError(f"plot(): none of {len(trials)} trials was measured on all data; there is nothing to draw")
    return (draw_fronts if kind == "front" else draw_parallel)(trials, study.headline, path)


def notebook(study: Seen, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The front as a picture, and beside it as a table."""
    return front_html(columns(study), title, header, rows)


# -- columns --------------------------------------------------------------------------------------


def columns(study: Seen) -> Trials:
    """The trials of a search as plain numbers."""
    trials = study.trials
    places = {trial.number: place for place, trial in enumerate(trials)}
    return Trials(
        axes=tuple(_axis(axis, trials, study.base) for axis in study.space.axes),
        objectives=tuple(
            Objective(goal.name, tuple(t.values.get(goal.name) for t in trials), goal.higher_is_better, goal.unit)
            for goal in study.goals
        ),
        numbers=tuple(trial.number for trial in trials),
        states=tuple(trial.outcome.state.value for trial in trials),
        reasons=tuple(trial.outcome.reason for trial in trials),
        seconds=tuple(trial.outcome.seconds for trial in trials),
        workers=tuple(trial.outcome.worker for trial in trials),
        front=tuple(places[trial.number] for trial in study.front),
    )


def _axis(axis: Choice, trials: Iterable[Trial], base: Mapping[str, Any]) -> Axis:
    places = tuple(axis.index(trial.point[axis.name]) if axis.name in trial.point else None for trial in trials)
    before = [value for path in axis.paths if (value := _setting(base, path)) is not None]
    return Axis(axis.name, tuple(map(spelled, axis.values)), places, " or ".join(sorted({*map(spelled, before)})))


def _setting(base: Mapping[str, Any], path: SettingPath) -> Any:
    """What a configuration says at a path, or for all below a part of it (``precision: fixed<8,2>``); None: nothing."""
    found: Any = base
    for key in path:
        if not isinstance(found, Mapping):
            return found
        found = found.get(key)
    return None if isinstance(found, Mapping) else found


# -- the page -------------------------------------------------------------------------------------


def sweep_page(study: Seen, folder: Path) -> SweepPage:
    """What the page of a search shows. ``folder``: where it lies, from which configurations name their files."""
    trials = columns(study)
    data = f", {study.samples:,} samples" if study.samples else ""
    return SweepPage(
        title=study.name,
        about=f"{len(trials):,} trials of a space of {study.space.size:,}{data} · seed {study.seed} · {study.called}",
        trials=trials,
        yaml=[study.yaml_of(trial, folder) for trial in study.trials],
        study=study.called if study.path is not None else "",
        figures=tuple(_figures(study, trials)),
        panels=(_settings(study), _base(study, folder)),
        written_by=f"hlsgen {VERSION}",
    )


def _figures(study: Seen, trials: Trials) -> Iterable[Figure]:
    counts = {state: trials.states.count(state.value) for state in State}
    others = ", ".join(f"{count:,} {state.value}" for state, count in counts.items() if count)
    yield Figure("Trials", f"{len(trials):,}", others)
    yield Figure("On the front", f"{len(trials.front):,}", "that none beats")
    for goal, objective in zip(study.goals, trials.objectives, strict=True):
        known = [(objective.values[place], place) for place in trials.measured]
        if known:
            best = objective.best(value for value, _ in known if value is not None)
            first = next(place for value, place in known if value == best)
            yield Figure(f"Best {objective.label}", goal.text(best), f"trial {trials.numbers[first]}")
    workers = len(set(trials.workers))
    yield Figure("Computed for", _spent(sum(trials.seconds)), f"by {workers} worker{'' if workers == 1 else 's'}")


def _spent(seconds: float) -> str:
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def _settings(study: Seen) -> Panel:
    rows = tuple(
        (
            axis.name,
            f"{len(axis):,}",
            ", ".join(map(spelled, axis.values[:_NAMED])) + _more(len(axis)),
            str(len(axis.paths)),
        )
        for axis in study.space.axes
    )
    table = Table(("axis", "values", "which", "settings"), rows, numeric=(False, True, False, True))
    return Panel("space", "Space", f"{study.space.size:,} points.", tables=(table,))


_NAMED = 12
"""Values of an axis that are listed."""


def _more(count: int) -> str:
    return f" and {count - _NAMED} more" if count > _NAMED else ""


def _base(study: Seen, folder: Path) -> Panel:
    text = written(relative(study.base, folder))
    return Panel("configuration", "Configuration before the search", "", code=text, folded=True)
