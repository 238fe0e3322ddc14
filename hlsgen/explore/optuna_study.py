"""A search as a study of Optuna's, for what is made for those: optuna.visualization, optuna-dashboard."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hlsgen.errors import StudyError, brief, said_by
from hlsgen.explore.goals import Goal
from hlsgen.explore.looking import Seen
from hlsgen.explore.sampling.optuna import imported_optuna
from hlsgen.explore.space import Axis
from hlsgen.explore.trial import State, Trial, spelled

_STATES = {State.DONE: "COMPLETE", State.PRUNED: "PRUNED", State.REFUSED: "FAIL", State.FAILED: "FAIL"}


def optuna_study(study: Seen, name: str, storage: Any = None) -> Any:
    """An ``optuna.Study`` with all trials of a search, in memory or in a storage of Optuna's.

    Raises ConfigError without Optuna, StudyError for a storage that cannot be used or has a study of that name.
    """
    optuna = imported_optuna("to_optuna() makes a study of Optuna's")
    directions = ["maximize" if goal.higher_is_better else "minimize" for goal in study.goals]
    axes = [_Choices(axis, optuna.distributions) for axis in study.space.axes]
    trials = [_trial(trial, study.goals, axes, optuna.trial) for trial in study.trials]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)  # of names of metrics
        try:
            made = optuna.create_study(study_name=name, storage=storage, directions=directions)
            made.set_metric_names([goal.name for goal in study.goals])
            made.set_user_attr("hlsgen", {"version": study.version, "seed": study.seed})
            made.add_trials(trials)
        except optuna.exceptions.DuplicatedStudyError as error:
            raise StudyError(
                f"to_optuna(): {brief(storage)} has a study '{name}' already; give another name="
            ) from error
        except Exception as error:  # of Optuna's, and of the library by which it reaches a storage
            raise StudyError(
                f"to_optuna(): {brief(storage)} cannot be used: {said_by(error)}; give a storage of "
                "Optuna's, as sqlite:///optuna.db, or none for one in memory"
            ) from error
    return made


class _Choices:
    """An axis as Optuna knows it: numbers as numbers, all else as words in their order."""

    def __init__(self, axis: Axis, distributions: Any) -> None:
        kinds = {type(value) for value in axis.values}
        self._axis, self.name = axis, axis.name
        self._values: Sequence[Any] = axis.values
        if kinds == {int}:
            self.distribution = distributions.IntDistribution(min(axis.values), max(axis.values))
        elif kinds <= {int, float}:
            self.distribution = distributions.FloatDistribution(min(axis.values), max(axis.values))
        else:
            self._values = _words(axis.values)
            self.distribution = distributions.CategoricalDistribution(self._values)

    def value(self, point: Mapping[str, Any]) -> Any:
        """What Optuna has for the value of a point."""
        return self._values[self._axis.index(point[self.name])]


def _words(values: Sequence[Any]) -> list[str]:
    """Values as readers know them; as JSON where that would be the same word for two (``1`` and ``"1"``)."""
    words = [spelled(value) for value in values]
    return words if len(set(words)) == len(words) else [json.dumps(value) for value in values]


def _trial(trial: Trial, goals: Sequence[Goal], axes: Sequence[_Choices], optuna: Any) -> Any:
    outcome = trial.outcome
    made = optuna.create_trial(
        state=optuna.TrialState[_STATES[outcome.state]],
        values=[trial.values[goal.name] for goal in goals] if trial.is_done else None,
        params={axis.name: axis.value(trial.point) for axis in axes},
        distributions={axis.name: axis.distribution for axis in axes},
        user_attrs={
            "trial": trial.number,
            "state": outcome.state.value,
            "worker": outcome.worker,
            "reason": outcome.reason,
            **({} if trial.is_done else {"values": dict(trial.values)}),
        },
    )
    made.datetime_complete = datetime.now()
    made.datetime_start = made.datetime_complete - timedelta(seconds=outcome.seconds)
    return made
