"""Each scenario by default types, and by those of the other tool's test; with arrays and with streams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.project import Project
from tests.ladder.harness import same_types
from tests.oracle import processor_independent
from tests.peer.scenario import QKERAS, Floats, Scenario
from tests.peer.table import TABLE
from tests.qkeras_layers.support import restore_old_names

CASES = [(scenario, library) for scenario in TABLE for library in scenario.libraries]
COMPILED = {scenario.source: (scenario, library) for scenario, library in reversed(CASES)}
"""One of each file."""
QUICK = ("stream_multi_clone", "graph")
"""Of those, what is compiled in every run."""


def marked(case: tuple[Scenario, str]) -> Any:
    """In the second library, and where fixed types have tables of many bits, only in the long runs."""
    scenario, library = case
    slow = scenario.slow or library != scenario.libraries[0]
    return pytest.param(*case, marks=pytest.mark.slow if slow else ())


@pytest.fixture(autouse=True)
def _old_names(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.getfixturevalue("library") == QKERAS:
        restore_old_names(monkeypatch)


def fed(x: list[Any]) -> Any:
    return x if len(x) > 1 else x[0]


def outputs(project: Project, x: list[Any], raw: bool = False) -> list[Any]:
    """What the exact reference computes for each output of the model."""
    known, keys = project.evaluate(fed(x), raw=raw), project.trace_keys()
    return [next(known[k] for k, v in keys.items() if v is output) for output in project.design.outputs]


def answers(model: Any, x: list[Any]) -> list[Floats]:
    y = processor_independent(model)(fed(x), training=False)
    return [np.asarray(part, dtype=np.float64) for part in (y if isinstance(y, list | tuple) else [y])]


@pytest.mark.parametrize(("scenario", "library"), map(marked, CASES), ids=str)
def test_as_keras(scenario: Scenario, library: str) -> None:
    model = scenario.model(library)
    x = scenario.inputs(model)
    right = answers(model, x)
    by_default = hlsgen.convert(model, **scenario.settings)
    runs = [(by_default, scenario.missed_by_default)]
    if scenario.precision:
        given = {"precision": scenario.precision, "input_precision": scenario.precision} | dict(scenario.settings)
        runs.append((by_default.with_settings(**given), scenario.missed_as_fixed))
    for project, missed_by in runs:
        for got, wanted in zip(outputs(project, x), right, strict=True):
            assert got.shape == wanted.shape
            missed = missed_by(got, wanted)
            assert missed <= 1, f"{missed_by.__name__}: {missed:.3g} times the tolerance"
        same_types(project, project.with_settings(io_type="io_stream"))


@pytest.mark.parametrize(
    ("scenario", "library"),
    [pytest.param(*case, marks=() if source in QUICK else pytest.mark.slow) for source, case in COMPILED.items()],
    ids=str,
)
def test_emulators(scenario: Scenario, library: str) -> None:
    """With arrays and with streams: the integers of the exact reference."""
    model = scenario.model(library)
    x = [part[:4] for part in scenario.inputs(model)]
    project = hlsgen.convert(model, **scenario.settings)
    right = outputs(project, x, raw=True)
    for io_type in ("io_parallel", "io_stream"):
        found = project.with_settings(io_type=io_type).predict(fed(x), raw=True)
        for got, wanted in zip(found if len(right) > 1 else [found], right, strict=True):
            np.testing.assert_array_equal(got, wanted, err_msg=io_type)
