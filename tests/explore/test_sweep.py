"""hlsgen.sweep from space to front: what it finds, goes on with, refuses and survives."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.analysis.meaning import meant_outputs
from hlsgen.config import load_config
from hlsgen.errors import ConfigError, InputError, StudyError
from hlsgen.explore import search, storage
from hlsgen.explore.goals import costs, dominates
from hlsgen.explore.objectives.custom import Objective
from hlsgen.explore.storage import read_study
from hlsgen.explore.study import Study
from hlsgen.explore.sweep import sweep
from hlsgen.explore.trial import State
from hlsgen.progress import Step
from hlsgen.project import Project
from tests.explore.models import labels, samples, small_project

SPACE = {
    "layers.fc1.precision.weight": "fixed<3..7:2,2>",
    "layers.fc2.precision.weight": "fixed<3..7:2,2>",
    "layers.relu1.precision.result": "ufixed<4..6:2,2,RND,SAT>",
    "reuse_factor": [1, 2],
}
X, Y = samples(), labels()
NAMES = ["accuracy", "bits"]


@pytest.fixture(scope="module")
def project() -> Project:
    return small_project()


def swept(project: Project, space: Any = SPACE, **options: Any) -> Study:
    options = {"objectives": NAMES, "trials": 36, "workers": 0, **options}
    return sweep(project, space, X, Y, **options)


def told(study: Study) -> list[tuple[int, dict[str, Any], dict[str, float]]]:
    return [(trial.number, dict(trial.point), dict(trial.values)) for trial in study.trials]


def test_every_point_of_a_small_space_is_measured_as_the_project_is(project: Project) -> None:
    study = swept(project)
    assert len(study) == study.space.size == 36 and all(trial.is_done for trial in study.trials)
    for trial in study.trials[::7]:
        again = project.with_settings(
            layers={
                "fc1": {"precision": {"weight": trial.point["layers.fc1.precision.weight"]}},
                "fc2": {"precision": {"weight": trial.point["layers.fc2.precision.weight"]}},
                "relu1": {"precision": {"result": trial.point["layers.relu1.precision.result"]}},
            },
            reuse_factor=trial.point["reuse_factor"],
        )
        found = again.evaluate(X)["relu.2"].argmax(axis=1)
        assert trial.values["accuracy"] == (found == Y).mean()
        constants = [c for op in again.design for name, c in op.layer.constants().items()]
        weights = sum(c.type.width * c.values.size for c in constants)
        results = sum(t.type.width * t.size for op in again.design if not op.is_input for t in op.outputs)
        assert trial.values["bits"] == weights + results


def test_the_front_is_that_of_brute_force(project: Project) -> None:
    study = swept(project)
    every = {trial.number: costs(study.goals, trial.values) for trial in study.trials}
    best = {n for n, c in every.items() if not any(dominates(other, c) for other in every.values())}
    assert {every[trial.number] for trial in study.front} == {every[n] for n in best}
    assert len({every[trial.number] for trial in study.front}) == len(study.front) >= 3


def test_the_model_itself_is_beside_its_designs(project: Project, tmp_path: Path) -> None:
    """A model on data that it was not made for is seen at once."""
    (meant,) = meant_outputs(project.design, {project.design.inputs[0].name: X})
    right = float((meant.argmax(axis=1) == Y).mean())
    study = swept(project, trials=2, storage=tmp_path / "s.db")
    for each in (study, read_study(tmp_path / "s.db")):
        assert each.of_model == {"accuracy": right}
        assert each.headline.endswith(f"that none beats; the model itself: accuracy {right:.4f}")
    without = swept(project, trials=2, objectives=["agreement", "bits"])
    assert without.of_model == {} and without.headline.endswith("that none beats")


def test_the_yaml_of_a_trial_is_its_design(project: Project, tmp_path: Path) -> None:
    study = swept(project, trials=5, sampler="random")
    file = tmp_path / "best.yml"
    for trial in study.trials:
        file.write_text(trial.yaml)
        again = Project(project.graph, load_config(file))
        found = again.evaluate(X)["relu.2"].argmax(axis=1)
        assert trial.values["accuracy"] == (found == Y).mean()


@pytest.mark.parametrize("sampler", ["auto", "random", "tpe", "nsga2", "grid"])
def test_samplers_repeat_nothing_and_themselves(project: Project, sampler: str) -> None:
    if sampler in ("tpe", "nsga2"):
        pytest.importorskip("optuna", reason="the extra search")
    options = {"sampler": sampler, "trials": 36 if sampler == "grid" else 25}
    first, again = swept(project, **options), swept(project, **options)
    assert told(first) == told(again)
    points = [json.dumps(trial.point) for trial in first.trials]
    assert len(points) == len(set(points)) == options["trials"]
    if sampler not in ("grid", "auto"):
        assert told(first) != told(swept(project, **options, seed=1))


def test_a_space_ends_before_the_trials(project: Project) -> None:
    for sampler in ("auto", "random", "tpe"):
        assert len(swept(project, {"reuse_factor": [1, 2, 4]}, trials=10, sampler=sampler)) == 3


def test_a_study_goes_on(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "sweep.db"
    first = swept(project, sampler="random", trials=9, storage=path)
    whole = swept(project, sampler="random", trials=20, storage=path)
    assert told(whole)[:9] == told(first)
    assert [trial.number for trial in whole.trials] == list(range(20))
    assert {str(t[1:]) for t in told(whole)} == {str(t[1:]) for t in told(swept(project, sampler="random", trials=20))}
    assert told(swept(project, trials=3, storage=path)) == told(whole)  # there are more already


@pytest.mark.parametrize("sampler", ["auto", "tpe", "nsga2"])
def test_samplers_learn_of_what_is_there(project: Project, tmp_path: Path, sampler: str) -> None:
    if sampler != "auto":
        pytest.importorskip("optuna", reason="the extra search")
    path = tmp_path / "sweep.db"
    swept(project, sampler=sampler, trials=12, storage=path)
    whole = swept(project, sampler=sampler, trials=24, storage=path)
    points = [json.dumps(trial.point) for trial in whole.trials]
    assert len(set(points)) == 24


def test_what_does_not_go_on(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "sweep.db"
    swept(project, trials=3, sampler="random", storage=path)
    other = Project(small_project().graph, project.config)
    node = next(node for node in other.graph if node.source.name == "fc1")
    assert node is not None
    with pytest.raises(
        StudyError, match=r"sweep\.db: holds a study that does not go on here: the space is another one"
    ):
        swept(project, {"reuse_factor": [1, 2]}, storage=path)
    with pytest.raises(StudyError, match="the objectives are others"):
        swept(project, objectives=["accuracy"], storage=path)
    with pytest.raises(StudyError, match="the configuration is another one"):
        swept(project.with_settings(default_width=12), storage=path)
    with pytest.raises(StudyError, match=r"the data \(x\) are others; the labels \(y\) are others"):
        sweep(project, SPACE, X[:90], Y[:90], objectives=NAMES, workers=0, storage=path)
    assert len(read_study(path)) == 3


def test_a_refused_design_is_a_result(project: Project) -> None:
    study = swept(project, {"backend": ["vitis", "verilog"], "layers.fc1.reuse_factor": [2, 7]}, objectives=["lut"])
    states = [trial.outcome.state for trial in study.trials]
    assert states == [State.DONE, State.REFUSED, State.REFUSED, State.REFUSED]
    refused = [trial for trial in study.trials if trial.outcome.state is State.REFUSED]
    assert "7" in refused[0].outcome.reason and "fc1" in refused[0].outcome.reason
    assert all(trial.outcome.reason and not trial.values for trial in refused)
    assert "refused: " in str(study)
    assert all(trial.is_done for trial in study.front)


def _breaks(project: Any, x: Any, y: Any) -> float:
    if project.config.defaults.reuse_factor == 2:
        raise RuntimeError("no such luck")
    return 1.5 if project.config.defaults.reuse_factor == 1 else float("nan")


def test_an_objective_of_ones_own(project: Project) -> None:
    study = swept(project, {"reuse_factor": [1, 2, 4]}, objectives=[Objective(_breaks, "maximise", "luck"), "bits"])
    assert [trial.outcome.state for trial in study.trials] == [State.DONE, State.FAILED, State.FAILED]
    assert study.trials[0].values["luck"] == 1.5
    assert study.trials[1].outcome.reason == "RuntimeError: no such luck"
    assert "objective 'luck' is nan, expected a finite number" in study.trials[2].outcome.reason
    assert "Objective" in repr(Objective(_breaks, "maximize")) and Objective(_breaks, "maximize").goal.higher_is_better


def test_the_same_design_is_measured_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reuse factors change no bit: nine designs at thirty-six points."""
    from hlsgen.analysis.running import Runner

    runs = []
    inner = Runner._run
    monkeypatch.setattr(Runner, "_run", lambda self, design: runs.append(design.digest) or inner(self, design))
    study = swept(project)
    designs = {tuple(v for k, v in trial.point.items() if k != "reuse_factor") for trial in study.trials}
    assert len(runs) == len(set(runs)) <= len(designs) == 18


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"objectives": ["accuracy"], "y": None},
            "objective 'accuracy' needs labels; give y= .in a file: labels., or take 'agreement'",
        ),
        ({"objectives": ["auc"], "y": None}, "objective 'auc' needs labels"),
        ({"objectives": ["agreement"], "x": None, "y": None}, "objective 'agreement' is of data, and there are none"),
        ({"objectives": ["bits"], "x": None}, "y belongs to samples, and there are none; give x=, or leave y out"),
        ({"task": "regression"}, "objective 'accuracy' is of classes, task is 'regression'; take 'error' or 'agreem"),
        ({"prune": "no"}, "prune is 'no', expected True or False"),
        ({"objectives": ["acuracy"]}, "there is no objective 'acuracy'; did you mean 'accuracy'"),
        ({"objectives": []}, "expected names, as"),
        ({"objectives": ["bits", "bits"]}, "'bits' stands twice"),
        ({"objectives": [_breaks]}, r'of a function, say what is better: hlsgen.Objective\(function, "maximise"\)'),
        ({"objectives": ["area_lut"]}, "objective 'area_lut' is measured of circuits; set backend: verilog"),
        ({"objectives": ["fmax"]}, "objective 'fmax' is measured of circuits"),
        ({"sampler": "bayes"}, "sampler: there is no 'bayes'"),
        ({"sampler": "grid", "trials": 9}, "the space has 36 points, trials are 9; set trials: 36"),
        ({"trials": 0}, "trials is 0, expected a whole number from 1"),
        ({"trials": True}, "trials is True"),
        ({"seed": -1}, "seed is -1"),
        ({"workers": -1}, "workers: -1, expected how many processes"),
        ({"config": {}}, "a project has its configuration"),
    ],
)
def test_what_is_refused_before_anything_runs(
    project: Project, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    given = {"x": X, "y": Y, "objectives": NAMES, "workers": 0, "storage": tmp_path / "a.db", **options}
    with pytest.raises(ConfigError, match=said):
        sweep(project, SPACE, given.pop("x"), given.pop("y"), **given)
    assert not list(tmp_path.iterdir())


def test_data_that_do_not_fit(project: Project) -> None:
    for x, y, said in (
        (X[:, :3], Y, "shape"),
        (X, Y[:9], "y for 'relu.2' has 9 rows, x has 200 samples"),
        (X, Y + 7, "holds no classes, but numbers from 7 to 9; expected class numbers from 0 to 2"),
        (X[:0], Y[:0], "x has no samples"),
        (X * np.nan, Y, "NaN"),
        (X, np.zeros(200, int), None),
    ):
        names = ["auc"] if said is None else NAMES
        with pytest.raises(InputError, match=said or "all labels are of one class"):
            sweep(project, SPACE, x, y, objectives=names, workers=0)
    with pytest.raises(InputError, match=r"sweep\(\): output is 'relu'; did you mean 'relu.2'"):
        sweep(project, SPACE, X, Y, objectives=NAMES, output="relu", workers=0)
    for names in (NAMES, ["bits"]):  # whatever is judged
        with pytest.raises(InputError, match=r"sweep\(\): task is 'regresion'; did you mean 'regression'"):
            sweep(project, SPACE, X, Y, objectives=names, task="regresion", workers=0)
        with pytest.raises(InputError, match=r"sweep\(\): output is 'relu'"):
            sweep(project, SPACE, X, Y, objectives=names, output="relu", workers=0)


def test_an_interrupt_leaves_what_is_there(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "sweep.db"

    def stop(study: Study) -> None:
        if len(study) == 4:
            raise KeyboardInterrupt

    found = swept(project, sampler="random", storage=path, progress=stop)
    assert found.interrupted and len(found) == 4 and "; interrupted" in str(found)
    assert len(swept(project, sampler="random", trials=8, storage=path)) == 8
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.db"]


def test_progress_reads_nothing_again(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each study that it is told of is the file at that moment, though the file is read once alone."""
    path, reading, reads, seen = tmp_path / "sweep.db", storage._study, list[Path | None](), list[Study]()
    swept(project, sampler="random", trials=4, storage=path)

    def counted(database: Any, file: Path | None) -> Study:
        reads.append(file)
        return reading(database, file)

    def look(study: Study) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(storage, "_study", reading)
            assert study == read_study(path)
        seen.append(study)

    monkeypatch.setattr(storage, "_study", counted)
    last = swept(project, sampler="random", trials=12, storage=path, progress=look)
    assert [len(study) for study in seen] == list(range(5, 13)) and seen[-1] == last
    assert reads == [path]


def test_progress_says_what_was_found_so_far(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The front, the best by each objective and what came to nothing, as of the study at that moment."""
    said: list[str] = []

    class Heard(Step):
        def say(self, detail: str) -> None:
            said.append(detail)

    monkeypatch.setattr(search, "task", lambda what, total: Heard())
    space = {"layers.fc1.precision.weight": "fixed<3..7:2,2>", "layers.fc1.reuse_factor": [2, 7]}
    studies: list[Study] = []
    swept(project, space, progress=studies.append)
    assert [len(study) for study in studies] == [1, 2, 3, 4, 5, 6] and len(said) == 6
    for study, line in zip(studies, said, strict=True):
        accuracy, bits = (max(t.values["accuracy"] for t in study.done), min(t.values["bits"] for t in study.done))
        broken = len(study) - len(study.done)
        expected = f"{len(study.front)} that none beats, best accuracy {accuracy:.4f}, best bits {bits:,.0f}, "
        assert line.startswith(expected + (f"{broken} refused or failed, " if broken else ""))
    assert "refused or failed" in said[-1] and said[-1].endswith(" trials/s")


def test_processes_find_the_same(project: Project) -> None:
    here, there = swept(project), swept(project, workers=2)
    assert told(here) == told(there)
    assert len({trial.outcome.worker for trial in there.trials}) == 2


def test_objectives_of_cost(project: Project) -> None:
    names = ["dsp", "lut", "ff", "bram", "uram", "latency", "latency_cycles", "interval", "interval_cycles",
             "weight_bits", "result_bits", "bits", "error", "auc"]  # fmt: skip
    study = swept(project, {"reuse_factor": [1, 4]}, objectives=names)
    for trial, factor in zip(study.trials, (1, 4), strict=True):
        estimate = project.with_settings(reuse_factor=factor).estimate()
        for name in names[:5]:
            assert trial.values[name] == getattr(estimate, name).value
        for name in ("latency", "interval"):
            assert trial.values[f"{name}_cycles"] == getattr(estimate, name).value
            assert trial.values[name] == 5.0 * getattr(estimate, name).value
        assert trial.values["bits"] == trial.values["weight_bits"] + trial.values["result_bits"]
        assert 0 < trial.values["error"] < 0.05 and 0.6 < trial.values["auc"] < 1


def test_regression(project: Project) -> None:
    y = project.evaluate(X)["relu.2"] + 0.001
    found = sweep(project, {"layers.fc1.precision.weight": ["fixed<4,2>", "fixed<12,2>"]}, X, y,
                  objectives=["error", "bits"], workers=0)  # fmt: skip
    errors = [trial.values["error"] for trial in found.trials]
    assert errors[1] < errors[0]
    right = np.sqrt(np.mean(y**2))
    design = project.with_settings(layers={"fc1": {"precision": {"weight": "fixed<4,2>"}}})
    assert errors[0] == pytest.approx(np.sqrt(np.mean((design.evaluate(X)["relu.2"] - y) ** 2)) / right, rel=1e-12)


def test_the_best_within_limits(project: Project) -> None:
    study = swept(project, objectives=["accuracy", "bits", "latency"])
    most = sorted(trial.values["bits"] for trial in study.trials)[10]
    best = study.best(maximum={"bits": most})
    within = [trial for trial in study.trials if trial.values["bits"] <= most]
    assert best in within and best.values["accuracy"] == max(trial.values["accuracy"] for trial in within)
    assert study.best(minimum={"accuracy": "80%"}).values["bits"] == min(
        trial.values["bits"] for trial in study.trials if trial.values["accuracy"] >= 0.8
    )
    assert study.best(by="latency").values["latency"] == min(trial.values["latency"] for trial in study.trials)
    assert study.best(maximum={"latency": "0.5us"}) == study.best(maximum={"latency": "500 ns"})
    with pytest.raises(InputError, match="none of 36 trials is within the limits"):
        study.best(maximum={"bits": 3})
    with pytest.raises(KeyError, match="'bit' is no objective of this study; did you mean 'bits'"):
        study.best(maximum={"bit": 3})
    with pytest.raises(InputError, match="latency: expected a number in ns, found '5 parsec'; also as '100ns', "):
        study.best(maximum={"latency": "5 parsec"})
    with pytest.raises(InputError, match="bits: expected a number in bits, found '3kbits'; also as '20k' or '1.5M'$"):
        study.best(maximum={"bits": "3kbits"})


def test_tables(project: Project) -> None:
    study = swept(project, trials=3, sampler="random")
    assert str(study).startswith("net: 3 trials (3 done) of a space of 36, 200 samples; ")
    pandas = pytest.importorskip("pandas")
    frame = study.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame["trial"]) == [0, 1, 2]
    assert list(frame["accuracy"]) == [trial.values["accuracy"] for trial in study.trials]
    assert "<table>" in study._repr_html_()


def test_all_pairs_of_states_are_written_and_read(tmp_path: Path, project: Project) -> None:
    path = tmp_path / "a.db"
    study = swept(project, {"reuse_factor": [1, 2, 4]}, objectives=[Objective(_breaks, "maximise")], storage=path)
    assert read_study(path).trials == study.trials
    assert list(itertools.chain(t.outcome.reason for t in read_study(path).trials))[1] == "RuntimeError: no such luck"
