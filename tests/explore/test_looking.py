"""A study as columns, table, configurations, page and figures: the same numbers everywhere."""

from __future__ import annotations

import csv
import json
import random
import re
from pathlib import Path

import pytest
import yaml

from hlsgen.config import load_config
from hlsgen.errors import InputError, OutputDirError
from hlsgen.explore.goals import Goal
from hlsgen.explore.looking import columns, sweep_page
from hlsgen.explore.study import Study
from hlsgen.pages.alike import alike, text_at
from hlsgen.plots.trials import Objective, front_of_two
from tests.explore.studies import GOALS, study


@pytest.mark.parametrize("seed", range(20))
def test_the_front_of_two_objectives_is_that_of_brute_force(seed: int) -> None:
    rng = random.Random(seed)
    ups = [rng.random() < 0.5 for _ in range(2)]
    x, y = (
        Objective(name, tuple(float(rng.randrange(12)) for _ in range(60)), up)
        for name, up in zip("xy", ups, strict=True)
    )
    places = rng.sample(range(60), 40)
    points = {k: tuple(-v if up else v for v, up in zip((x.values[k], y.values[k]), ups, strict=True)) for k in places}
    best = {p for p in points.values() if not any(q[0] <= p[0] and q[1] <= p[1] and q != p for q in points.values())}
    found = front_of_two(x, y, places)
    assert {points[k] for k in found} == best and len(found) == len(best)
    assert [x.values[k] for k in found] == sorted(x.values[k] for k in found)
    assert all(k == min(j for j in places if points[j] == points[k]) for k in found)


def test_columns() -> None:
    found = study(60)
    told = columns(found)
    for place, trial in enumerate(found.trials):
        assert [one.values[place] for one in told.objectives] == [trial.values.get(goal.name) for goal in GOALS]
        assert [axis.labels[axis.places[place]] for axis in told.axes] == [
            trial.point["layers.fc1.precision.weight"],
            str(trial.point["defaults.reuse_factor"]),
            ", ".join(trial.point["skip_passes"]) or "none",
        ]
    assert [axis.base for axis in told.axes] == ["fixed<16,6>", "", ""]
    assert [told.numbers[place] for place in told.front] == [trial.number for trial in found.front]
    assert told.measured == tuple(k for k, trial in enumerate(found.trials) if trial.is_done)


def test_a_table_of_all_trials(tmp_path: Path) -> None:
    found = study(60)
    rows = list(csv.DictReader(found.to_csv(tmp_path / "t.csv").open(newline="")))
    front = {trial.number for trial in found.front}
    assert len(rows) == 60
    for row, trial in zip(rows, found.trials, strict=True):
        assert (int(row["trial"]), row["state"], row["reason"]) == (
            trial.number, trial.outcome.state.value, trial.outcome.reason,
        )  # fmt: skip
        assert (row["front"] == "true") == (trial.number in front)
        assert {g.name: float(row[g.name]) for g in GOALS if row[g.name]} == dict(trial.values)
        assert row["defaults.reuse_factor"] == str(trial.point["defaults.reuse_factor"])
        assert (float(row["seconds"]), row["worker"]) == (trial.outcome.seconds, trial.outcome.worker)


def test_columns_that_are_called_alike() -> None:
    goals = (Goal("seconds", False), Goal("skip_passes", True), Goal("front", True))
    found = study(20, goals=goals)
    for row, trial in zip(found.records, found.trials, strict=True):
        assert [row[key] for key in ("objective seconds", "skip_passes", "objective front")] == [
            trial.values.get(goal.name) for goal in goals
        ]
        assert row["setting skip_passes"] == trial.point["skip_passes"] and row["seconds"] == trial.outcome.seconds


def test_a_configuration_stands_alone_where_it_lies(tmp_path: Path) -> None:
    model = tmp_path / "models" / "m.keras"
    base = {"model": str(model), "test_vectors": {"x": str(tmp_path / "x.npy"), "y": None}, "output_dir": str(tmp_path)}
    found = study(5, base=base)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "er")
    for folder in ("deep/er", "link", "."):
        file = found.write_yaml(found.trials[2], tmp_path / folder / "best.yml")
        settings = load_config(file)
        assert settings.model is not None and settings.model.resolve() == model.resolve()
        assert settings.test_vectors is not None and settings.test_vectors.x.resolve() == tmp_path / "x.npy"
        assert str(settings.layers["fc1"].precision.weight.type) == found.trials[2].point["layers.fc1.precision.weight"]
        assert str(tmp_path) not in file.read_text()


def test_what_is_there_stays(tmp_path: Path) -> None:
    found = study(5)
    file = tmp_path / "c.yml"
    file.write_text("model: mine\n")
    with pytest.raises(OutputDirError, match="is there already and is no configuration of a sweep"):
        found.write_yaml(found.trials[0], file)
    assert file.read_text() == "model: mine\n"
    found.write_yaml(found.trials[0], file, overwrite=True)
    found.write_yaml(found.trials[1], file)
    assert file.read_text() == found.yaml_of(found.trials[1], tmp_path)
    with pytest.raises(OutputDirError, match=r"ends in \.txt, expected \.yml"):
        found.write_yaml(found.trials[0], tmp_path / "c.txt")
    with pytest.raises(OutputDirError, match="cannot be written"):
        found.write_yaml(found.trials[0], tmp_path / "nowhere" / "c.yml")


def test_a_model_that_was_handed_over() -> None:
    found = study(2, base={"default_width": 8})
    text = found.yaml_of(found.trials[0])
    assert text.splitlines()[1].startswith("# the model was handed over in Python: name its file")
    assert yaml.safe_load(text) == found.trials[0].config


def test_names_in_a_configuration_stay_names() -> None:
    layer = "a: b\n# </script>'\"{{x}}\u2028\x85"
    found = study(3, layer=layer)
    for trial in found.trials:
        assert yaml.safe_load(found.yaml_of(trial, "/data"))["layers"][layer] == trial.config["layers"][layer]
    assert yaml.safe_load(found.trials[0].yaml) == found.trials[0].config


# -- the page -------------------------------------------------------------------------------------


def data_of(file: Path) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', file.read_text(), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_a_page_has_every_number(tmp_path: Path) -> None:
    found = study(60)
    data = data_of(found.page(tmp_path / "front.html"))
    for k, goal in enumerate(GOALS):
        assert data["objectives"][k]["values"] == [trial.values.get(goal.name) for trial in found.trials]
    assert [data["reasons"][k] for k in data["reason"]] == [trial.outcome.reason for trial in found.trials]
    for place, trial in enumerate(found.trials):
        assert text_at(data["yaml"], place) == found.yaml_of(trial, tmp_path)
    assert {data["numbers"][k] for k in data["front"]} == {trial.number for trial in found.front}


def test_a_page_is_the_same_every_time(tmp_path: Path) -> None:
    first, second = (study(60).page(tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_which_files_a_page_replaces(tmp_path: Path) -> None:
    found, file = study(10), tmp_path / "p.html"
    found.page(file)
    found.page(file)
    file.write_text("<!DOCTYPE html>\n<!-- report of hlsgen -->\n")
    with pytest.raises(OutputDirError, match="is no page of a sweep by hlsgen"):
        found.page(file)
    found.page(file, overwrite=True)
    with pytest.raises(InputError, match=r"ends in \.txt, expected \.html"):
        found.page(tmp_path / "p.txt")


def test_what_became_of_trials_that_were_not_measured() -> None:
    found = study(60)
    page = sweep_page(found, Path("/data"))
    told = columns(found)
    from hlsgen.pages.sweep import reasons

    rows = reasons(told).rows
    wanted: dict[tuple[str, str], list[int]] = {}
    for trial in found.trials:
        if not trial.is_done:
            wanted.setdefault((trial.outcome.state.value, trial.outcome.reason), []).append(trial.number)
    assert {(state, reason): int(count) for state, count, reason, _, _ in rows} == {
        k: len(v) for k, v in wanted.items()
    }
    assert all(number == wanted[state, reason][0] for state, _, reason, _, number in rows)
    assert [int(row[1]) for row in rows] == sorted((len(v) for v in wanted.values()), reverse=True)
    assert page.figures[0].value == "60" and page.figures[1].value == str(len(found.front))


def test_texts_that_are_alike() -> None:
    rng = random.Random(2)
    texts = ["", "a", "a\n", *("\n".join(rng.choice("abc") for _ in range(rng.randrange(1, 6))) for _ in range(200))]
    found = json.loads(json.dumps(alike(texts)))
    assert [text_at(found, k) for k in range(len(texts))] == texts
    many = [f"model: m\nwidth: {k % 5}\nlayers:\n  fc1: x\n" for k in range(1000)]
    assert len(json.dumps(alike(many))) < 20 * len(many)


# -- figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("goals", [1, 2, 4])
def test_figures(tmp_path: Path, goals: int) -> None:
    pytest.importorskip("matplotlib")
    found = study(40, goals=GOALS[:goals])
    for kind in ("front", "parallel"):
        file = found.plot(tmp_path / f"{kind}.png", kind)  # type: ignore[arg-type]
        assert file.read_bytes() == found.plot(tmp_path / "again.png", kind).read_bytes()  # type: ignore[arg-type]
    text = found.plot(tmp_path / "front.svg").read_text()
    assert text.count('<g id="axes_') == max(1, goals * (goals - 1) // 2)
    assert "accuracy, higher is better" in text


def test_figures_of_hostile_names(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = study(40, layer="$x_{$ </svg>")
    for kind in ("front", "parallel"):
        assert found.plot(tmp_path / f"{kind}.svg", kind).stat().st_size > 1000  # type: ignore[arg-type]


def test_figures_that_there_are_not(tmp_path: Path) -> None:
    found = study(5)
    with pytest.raises(InputError, match="kind is 'pairs', expected 'front' or 'parallel'"):
        found.plot(tmp_path / "a.png", "pairs")  # type: ignore[arg-type]
    empty = Study("net", GOALS, found.space, (), 0, "1.0")
    with pytest.raises(InputError, match="none of 0 trials was measured on all data"):
        empty.plot(tmp_path / "a.png")


@pytest.mark.parametrize("goals", [1, 2, 4])
def test_notebooks(goals: int) -> None:
    text = study(40, goals=GOALS[:goals])._repr_html_()
    assert text.startswith('<img alt="') and "data:image/svg+xml;base64," in text and "<table>" in text
    empty = Study("net", GOALS, study(1).space, (), 0, "1.0")
    assert empty._repr_html_().startswith("<table>")


def test_tables_for_terminals() -> None:
    found = study(60)
    lines = found.all_text.splitlines()
    numbers = [int(line.split()[0]) for line in lines[4:]]
    assert sorted(numbers) == list(range(60))
    assert numbers[: len(found.front)] == [trial.number for trial in found.front]
    done = [found.trials[n] for n in numbers[len(found.front) :] if found.trials[n].is_done]
    assert [t.values["accuracy"] for t in done] == sorted((t.values["accuracy"] for t in done), reverse=True)
    assert str(found).splitlines()[0] == lines[0] == found.headline
