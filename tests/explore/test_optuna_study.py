"""A study as one of Optuna's: the same trials, settings, values and front, in memory and in a storage."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hlsgen
from hlsgen.errors import ConfigError, StudyError
from hlsgen.explore.space import Space
from hlsgen.explore.study import Study
from hlsgen.explore.trial import State
from tests.explore.studies import GOALS, axis, stored, study


@pytest.fixture
def optuna() -> Any:
    return pytest.importorskip("optuna", reason="the extra search")


def check(made: Any, found: Study) -> None:
    """That Optuna's study holds what ours does."""
    assert [direction.name for direction in made.directions] == ["MAXIMIZE", "MINIMIZE", "MINIMIZE", "MINIMIZE"]
    assert made.metric_names == [goal.name for goal in GOALS]
    assert len(made.trials) == len(found.trials) > 100
    for theirs, ours in zip(made.trials, found.trials, strict=True):
        assert theirs.user_attrs["trial"] == ours.number and theirs.user_attrs["reason"] == ours.outcome.reason
        assert theirs.params == {**ours.point, "skip_passes": ", ".join(ours.point["skip_passes"]) or "none"}
        assert theirs.duration.total_seconds() == pytest.approx(ours.outcome.seconds, abs=1e-5)
        if ours.is_done:
            assert theirs.state.name == "COMPLETE" and theirs.values == [*ours.values.values()]
        else:
            assert theirs.state.name == ("PRUNED" if ours.outcome.state is State.PRUNED else "FAIL")
            assert theirs.user_attrs["values"] == ours.values
    assert {trial.outcome.state for trial in found.trials} == set(State)
    assert {tuple(trial.values) for trial in made.best_trials} == {tuple(t.values.values()) for t in found.front}


def test_in_memory(optuna: Any) -> None:
    found = study(120)
    made = found.to_optuna()
    check(made, found)
    assert made.study_name == "net" and made.user_attrs["hlsgen"] == {"version": "1.0", "seed": 0}
    reuse = made.trials[0].distributions["defaults.reuse_factor"]
    assert reuse == optuna.distributions.IntDistribution(1, 4), "numbers stay numbers"


def test_of_a_file_in_a_storage(optuna: Any, tmp_path: Path) -> None:
    found = hlsgen.read_study(stored(study(120), tmp_path / "sweep.db"))
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    check(found.to_optuna(url), found)
    check(optuna.load_study(study_name="net", storage=url), found)
    with pytest.raises(StudyError, match=r"has a study 'net' already; give another name="):
        found.to_optuna(url)
    check(found.to_optuna(url, name="again"), found)
    with pytest.raises(StudyError, match=r"to_optuna\(\): 'nowhere://' cannot be used: .*; give a storage of Optuna's"):
        found.to_optuna("nowhere://")


@pytest.mark.filterwarnings("ignore:optuna.visualization.matplotlib:Warning")  # that it is experimental
def test_what_is_made_for_optuna_takes_it(optuna: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra plots")
    from optuna.visualization import matplotlib as pictures

    made = study(60, goals=GOALS[:2]).to_optuna()
    axes = pictures.plot_pareto_front(made)
    assert axes.get_xlabel() == "accuracy" and axes.get_ylabel() == "bits"
    pictures.plot_parallel_coordinate(made, target=lambda trial: trial.values[1], target_name="bits")


def test_values_that_look_alike(optuna: Any) -> None:
    odd = axis("odd", ("a",), [1, "1", True, "true", 1.5, None], ordered=False)
    numbers = axis("numbers", ("b",), [1, 0.5, 2])
    made = study(2)
    points = [{"odd": value, "numbers": number} for value in odd.values for number in numbers.values]
    trials = tuple(replace(made.trials[0], number=i, point=point) for i, point in enumerate(points))
    found = replace(made, space=Space((odd, numbers)), trials=trials).to_optuna()
    assert len({tuple(trial.params.items()) for trial in found.trials}) == len(points)
    assert [trial.params["numbers"] for trial in found.trials[:3]] == [1, 0.5, 2]
    assert [trial.params["odd"] for trial in found.trials[::3]] == ["1", '"1"', "true", '"true"', "1.5", "null"]


def test_without_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"to_optuna\(\) makes a study of Optuna's, and Optuna is not installed; pip"):
        study(3).to_optuna()
