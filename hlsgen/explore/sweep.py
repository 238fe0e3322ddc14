"""``hlsgen.sweep``: what is searched for, checked as a whole before anything runs; then the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.analysis.labels import Task, check_task, judged_output
from hlsgen.analysis.running import CHEAP_CELLS, CHEAP_PRODUCTS, cheaper
from hlsgen.config import Config
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, InputError, brief
from hlsgen.explore import fingerprint
from hlsgen.explore.crew import MakeWorkers, crew
from hlsgen.explore.objectives.base import Objective
from hlsgen.explore.objectives.outputs import Judge, judge_of
from hlsgen.explore.objectives.table import read_objectives
from hlsgen.explore.origin import Origin
from hlsgen.explore.pruning import Part
from hlsgen.explore.sampling.choose import MOST_TRIALS, check_sampler, make_sampler
from hlsgen.explore.search import Search
from hlsgen.explore.space import Space
from hlsgen.explore.spaces import read_space
from hlsgen.explore.storage import Storage
from hlsgen.explore.study import Study
from hlsgen.explore.work import DesignWork
from hlsgen.project import Inputs, Project, convert
from hlsgen.version import VERSION

_LEAST_PART, _PARTS = 64, 4
"""Samples of the part that is looked at first; and of how many such parts all data are at least."""
_CHEAPER = 8
"""The part takes the reference so much less than what it does sooner than a compiler."""


def sweep(
    model: Any,
    space: Mapping[Any, Any],
    x: Inputs | None = None,
    y: Any = None,
    *,
    objectives: Sequence[Any] | str = ("agreement", "bits"),
    trials: int = 100,
    sampler: str = "auto",
    seed: int = 0,
    storage: str | Path | None = None,
    workers: int | MakeWorkers | None = None,
    dask: Any = None,
    scheduler: str | None = None,
    timeout: float | None = None,
    prune: bool = True,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    output: str | None = None,
    task: Task | None = None,
    threshold: float | None = None,
    progress: Callable[[Study], None] | None = None,
    origin: Origin | None = None,
    **settings: Any,
) -> Study:
    """Search the configurations of a model for those that no other one beats (docs/sweep.md).

    Args:
        model: as for :func:`hlsgen.convert`, or a project. It is read once.
        space: paths of settings and what they may be: ``{"layers.fc1.precision.weight": "fixed<4..8,1>"}``.
        x: samples, as for predict; for objectives of outputs.
        y: class numbers (samples,), one-hot rows, or numbers in the shape of the output.
        objectives: names of :data:`hlsgen.explore.objectives.table.OBJECTIVES`, and :class:`hlsgen.Objective`.
        trials: how many there are to be in all; fewer, where the space has no more points.
        sampler: "auto", "grid", "random", "tpe" or "nsga2" (Optuna's).
        seed: of all that is random.
        storage: a file for the study, which goes on if it is there; None: in memory alone.
        workers: how many processes of this machine compute trials, 0 for this one alone; None: one for each processor.
        dask: in their place Dask's: the address of a scheduler, a ``distributed.Client`` or cluster, or one that is to
            be started: ``{"cluster": "SLURMCluster", "workers": 8, "queue": "short", ...}`` (docs/clusters.md).
        scheduler: the same, an address alone: ``"tcp://host:8786"``.
        timeout: seconds after which a trial has failed; None: none does.
        prune: leave designs after a part of the data that cannot be on the front.
        config, settings: as for ``convert``: what the points change.
        output, task, threshold: which output is judged, and how, as for ``sensitivity``.
        progress: called with the study after each trial.
        origin: where all this was written, for messages.

    Raises ConfigError for a space, objectives or a sampler that cannot be, InputError for data and labels that do not
    fit, StudyError for a storage that cannot be used or is of another study, WorkersError where nobody
    computes trials any more (the study is kept).
    """
    at = origin or Origin("sweep()")
    chosen = read_objectives(objectives, at)
    if not isinstance(prune, bool):
        raise ConfigError(f"sweep(): prune is {brief(prune)}, expected True or False")
    count, start = _whole("trials", trials, 1, MOST_TRIALS), _whole("seed", seed, 0, 2**63 - 1)
    name, hired = check_sampler(sampler, at), crew(workers, at, dask=dask, scheduler=scheduler, timeout=timeout)
    project, base = _project(model, config, settings)
    points = read_space(space, project.graph, base, at)
    how = make_sampler(name, points, len(chosen), count, start)
    work = _work(project, base, chosen, x, y, (output, task, threshold))
    work.space = points
    work.part = _part(project.design, work, start) if prune else None
    judged = [output, task, threshold]
    with Storage(storage) as stored:
        search = Search(work, stored, how, count, start, _facts(project, work, start, name, judged))
        with hired(work) as pool:
            return search.run(pool, progress)


def _project(model: Any, config: Any, settings: Mapping[str, Any]) -> tuple[Project, dict[str, Any]]:
    """The model as it is converted without a point, and its configuration as YAML holds it."""
    if isinstance(model, Project):
        if config is not None:
            raise ConfigError("sweep(): a project has its configuration; give settings as keywords, or a model")
        project = model.with_settings(**settings) if settings else model
    else:
        project = convert(model, config, **settings)
    base = project.config.model_dump(mode="json", exclude_unset=True)
    if isinstance(project.source, str | Path):
        base["model"] = project.source
    if isinstance(settings.get("calibration"), str | Path):
        base["calibration"] = settings["calibration"]
    for key in ("model", "weights", "calibration"):
        if base.get(key) is not None:
            base[key] = str(Path(base[key]).absolute())
    return project, base


def _work(
    project: Project, base: Mapping[str, Any], chosen: tuple[Objective, ...], x: Any, y: Any, judged: tuple[Any, ...]
) -> DesignWork:
    """All that trials have in common, checked. Raises ConfigError for objectives that there cannot be."""
    output, task, _ = judged
    check_task("sweep()", task)
    if output is not None:
        judged_output("sweep()", project.design.output_names, output)
    for objective in chosen:
        objective.check(project.config)
    names = tuple(objective.goal.name for objective in chosen if objective.of_outputs)
    inputs: dict[str, Array] = {}
    if x is not None:
        inputs = {name: _locked(np.ascontiguousarray(data)) for name, data in _checked(project, x).items()}
    elif names:
        raise ConfigError(f"sweep(): objective '{names[0]}' is of data, and there are none; give x= (in a file: data)")
    elif y is not None:
        raise ConfigError("sweep(): y belongs to samples, and there are none; give x=, or leave y out")
    judge: Judge | None = None
    if names:
        judge = judge_of(names, project.design, inputs, y, *judged)
    return DesignWork(project.graph, base, Space(()), chosen, project.calibration, inputs, _locked(y), judge)


def _locked(given: Any) -> Any:
    """Data that an objective of somebody's own cannot write to, in this process as in others: the caller's arrays stay
    as they are, and so does what the next trial is judged by."""
    if isinstance(given, np.ndarray):
        given = given.view()
        given.flags.writeable = False
    elif isinstance(given, dict):
        return {key: _locked(value) for key, value in given.items()}
    elif isinstance(given, list):
        return [_locked(value) for value in given]
    return given


def _checked(project: Project, x: Any) -> dict[str, Array]:
    inputs = arrays.checked_inputs(project.design.inputs, x)
    arrays.refuse_nan(inputs)
    if not min(len(data) for data in inputs.values()):
        raise InputError("sweep(): x has no samples; give some that are like those in use")
    return inputs


def _part(design: Design, work: DesignWork, seed: int) -> Part | None:
    """What designs are run on first: where all data take a compiler, and the shares of a part say how far off they are.

    As many samples as the NumPy reference is sooner done with than anybody with all.
    """
    samples = min((len(data) for data in work.inputs.values()), default=0)
    if work.judge is None or not work.judge.is_of_shares or cheaper(design, samples) == "reference":
        return None
    count = design.samples_within(samples // _PARTS, CHEAP_CELLS // _CHEAPER, CHEAP_PRODUCTS // _CHEAPER)
    return Part.drawn(count, samples, seed) if count >= _LEAST_PART else None


def _facts(project: Project, work: DesignWork, seed: int, sampler: str, judged: list[Any]) -> dict[str, Any]:
    """What the study notes: by what it knows that it goes on with the same, and what it is."""
    return {
        "name": project.name,
        "goals": [[o.goal.name, o.goal.higher_is_better, o.goal.unit] for o in work.objectives],
        "space": work.space.as_json(),
        "config": dict(work.base),
        "model": fingerprint.of_graph(work.graph),
        "data": fingerprint.of_arrays(work.inputs or None),
        "labels": fingerprint.of_arrays(work.y),
        "calibration": fingerprint.of_arrays(work.calibration),
        "judged": judged,
        "samples": min((len(data) for data in work.inputs.values()), default=0),
        "seed": seed,
        "sampler": sampler,
        "version": VERSION,
        "of_model": dict(work.judge.of_model) if work.judge is not None else {},
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) <= most:
        raise ConfigError(f"sweep(): {name} is {brief(value)}, expected a whole number from {least} to {most:,}")
    return int(value)
