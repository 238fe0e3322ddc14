"""Objectives of outputs and of one's own: what they mean, and what breaks them without breaking anything else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.analysis.meaning import meant_outputs
from hlsgen.design.array_files import load_labels
from hlsgen.errors import ConfigError, InputError
from hlsgen.explore.objectives.custom import Objective
from hlsgen.explore.objectives.outputs import judge_of
from hlsgen.explore.study import Study
from hlsgen.explore.sweep import sweep
from hlsgen.explore.trial import State
from tests.explore.models import labels, samples, small_project
from tests.explore.quantization.networks import two_ways

SPACE = {"layers.*.precision.weight": "fixed<3..8,2>"}


def swept(x: Any, y: Any = None, **options: Any) -> Study:
    return sweep(small_project(), SPACE, x, y, **{"trials": 6, "workers": 0, **options})


def test_agreement_of_numbers_is_the_share_of_their_variance() -> None:
    """Sums behind a ReLU are no decisions unless labels or ``task`` say so: which is the largest would tell nothing."""
    x, design = samples(), small_project().design
    meant = meant_outputs(design, {design.inputs[0].name: x})[0]
    found = swept(x)
    for trial in found.trials:
        precision = {"precision": {"weight": trial.point["layers.*.precision.weight"]}}
        found_there = small_project(layers={"fc1": precision, "fc2": precision}).evaluate(x)["relu.2"]
        met = 1 - np.square(found_there - meant).mean() / np.square(meant - meant.mean(axis=0)).mean()
        assert trial.values["agreement"] == pytest.approx(met, rel=1e-12)
    assert len({trial.values["agreement"] for trial in found.trials}) == 6
    decided = [trial.values["agreement"] for trial in swept(x, task="classification").trials]
    assert decided == [trial.values["agreement"] for trial in swept(x, labels()).trials]
    assert all(200 * share == round(200 * share) for share in decided)


def test_numbers_are_never_pruned_by_a_part() -> None:
    design = small_project().design
    for name, task, y, shares in (
        ("agreement", None, None, False),
        ("agreement", "classification", None, True),
        ("agreement", None, labels(), True),
        ("accuracy", None, labels(), True),
        ("error", None, None, False),
    ):
        judge = judge_of((name,), design, {design.inputs[0].name: samples()}, y, None, task, None)
        assert judge.is_of_shares == shares


def test_a_threshold_is_for_one_value() -> None:
    with pytest.raises(InputError, match=r"threshold is for an output of one value; 'relu\.2' has 3"):
        swept(samples(), labels(), threshold=0.5)


def _clears(project: Any, x: Any, y: Any) -> float:
    next(iter(x.values()))[:] = 0
    return 1.0


def _clears_labels(project: Any, x: Any, y: Any) -> float:
    y[:] = 0
    return 1.0


def _drops(project: Any, x: Any, y: Any) -> float:
    x.clear()
    return float(y.sum())


@pytest.mark.parametrize("function", [_clears, _clears_labels, _drops])
def test_an_objective_cannot_change_what_others_are_judged_by(function: Callable[..., float]) -> None:
    """In this process as in others, where data are read-only memory."""
    x, y = samples(), labels()
    found = swept(x, y, objectives=[Objective(function, "maximise", "f"), "accuracy"])
    assert (x == samples()).all() and (y == labels()).all()
    if function is _drops:
        assert found.front and all(trial.values["f"] == y.sum() for trial in found.trials)
        return
    for trial in found.trials:
        assert trial.outcome.state is State.FAILED and "read-only" in trial.outcome.reason


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("3", "'3'"),
        ("much", "'much'"),
        (b"3", "b'3'"),
        (None, "None"),
        (1j, "1j"),
        (10**400, "1000"),
        (np.ones(2), "array([1., 1.])"),
    ],
)
def test_what_is_no_number_fails_by_name(value: Any, said: str) -> None:
    def tells(project: Any, x: Any, y: Any) -> Any:
        return value

    for trial in swept(samples(), objectives=[Objective(tells, "maximise"), "bits"]).trials:
        assert trial.outcome.state is State.FAILED
        assert re.fullmatch(
            f"ValueError: objective 'tells' is {re.escape(said)}.*, expected a number", trial.outcome.reason
        )


@pytest.mark.parametrize("value", [1, True, 1.0, np.float32(1), np.int8(1), np.array(1.0)])
def test_numbers_of_any_kind(value: Any) -> None:
    found = swept(samples(), objectives=[Objective(lambda project, x, y: value, "minimise"), "bits"])
    assert {trial.values["<lambda>"] for trial in found.trials} == {1.0}


@pytest.mark.parametrize("text", [3, b"n", "two\nlines", "\x1b[31mred", "\0", "x" * 101])
def test_names_and_units_are_lines(text: Any) -> None:
    for what in ("name", "unit"):
        with pytest.raises(ConfigError, match=f"{what} is .*, expected a line of up to 100 characters"):
            Objective(_drops, "maximise", **{what: text})


def test_labels_of_the_output_that_is_judged() -> None:
    """An array is of the one that ``output=`` names; several are given by their names, in files too."""
    rng = np.random.default_rng(0)
    project, x = two_ways(), {"a": rng.normal(size=(50, 5)), "b": rng.normal(size=(50, 3))}
    name, meant = "numbers", meant_outputs(project.design, x)[1]
    for y in (meant, {name: meant}, [None, meant]):
        found = sweep(project, {"default_width": [6, 16]}, x, y, objectives=["error"], output=name, workers=0)
        errors = [trial.values["error"] for trial in found.trials]
        assert errors[1] < errors[0] < 0.2
    with pytest.raises(InputError, match="output= says which one is judged"):
        sweep(project, {"default_width": [6]}, x, np.zeros(3), objectives=["bits", "error"], workers=0)


def test_files_of_labels(tmp_path: Path) -> None:
    y = labels()
    np.save(tmp_path / "y.npy", y)
    np.savez(tmp_path / "y.npz", kind=y, energy=y + 0.5)
    assert (load_labels(tmp_path / "y.npy", ["kind"]) == y).all()
    found = load_labels(tmp_path / "y.npz", ["kind", "energy"])
    assert isinstance(found, dict) and (found["kind"] == y).all() and (found["energy"] == y + 0.5).all()
    with pytest.raises(InputError, match=r"y\.npz: the model has no output 'energy'; valid: kind, mass"):
        load_labels(tmp_path / "y.npz", ["kind", "mass"])
