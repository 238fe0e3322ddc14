"""Where one type cannot hold all channels, and they cannot be moved, the layer is named; nowhere else."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from hlsgen.project import Project
from tests.passes.builders import project_of
from tests.passes.float_networks import PRECISIONS, Recipe, data, network
from tests.passes.random_graphs import random_network
from tests.passes.test_equalise_channels import EVEN, STOPS
from tests.passes.unequal_networks import (
    NETWORKS,
    UnequalNet,
    converted,
    deviation,
    float_outputs,
    normal_data,
    unequal,
)


def warned(project: Project) -> list[str]:
    """The layers that are warned of."""
    notes = [note for note in project.design.notes if "of what the model gives" in note or "costs accuracy" in note]
    assert all(note in project.summary() for note in notes)
    return [note.split(": ")[1] for note in notes if note.startswith("warning: ")]


def outputs_of(sizes: Any, **options: Any) -> Any:
    net = UnequalNet(0)
    x = net.relu("relu", net.fc("fc", net.input((6,)), EVEN, EVEN))
    return net.source(net.fc("out", x, EVEN, sizes))


def test_outputs_that_differ():
    source = outputs_of(np.array([1.0, 2e-4, 3.0, 1e-5]))
    project = converted(source)
    assert set(warned(project)) == {"out"}
    (text,) = (note for note in project.design.notes if "keep only" in note)
    assert text.startswith("warning: out: 2 of 4 channels keep only 0 to ")
    assert "since others are far larger; that is estimated to cost " in text


def test_as_many_bits_as_are_said():
    """The largest of the small channel fills its bits, and no more."""
    source = outputs_of(np.array([1.0, 1.0, 1.0, 2.0**-11]))
    project = converted(source, x := normal_data(source, 300, 1))
    raw = project.evaluate(x, raw=True)["out"]
    bits = int(np.abs(raw[:, 3]).max()).bit_length()
    (text,) = (note for note in project.design.notes if "keep only" in note)
    assert f"1 of 4 channels keep only {bits} to {bits} bits" in text


def test_the_cost_is_about_right():
    """Of the layer that loses most, which is said once; measured on calibration data, it is what it is."""
    source, x = unequal("mlp", 1, -2.5, 1.5), normal_data(unequal("mlp", 1), 300, 1)
    for calibration in (None, x):
        project = converted(source, calibration, skip_passes=["equalise_channels"])
        (note,) = (note for note in project.design.notes if "channels" in note and note.startswith("warning: "))
        found = re.search(
            r"to cost (\S+) % of what the model gives|is off by (\S+) % rms on the calibration data", note
        )
        assert found is not None and (found[1] is None) == (calibration is x)
        right = deviation(project, source, x)
        assert right / 3 < float(found[1] or found[2]) / 100 < 3 * right


@pytest.mark.parametrize("small", [1.0, 2e-2])
def test_a_small_output_is_a_remark_while_enough_is_left_of_it(small: float):
    """The model's output is as right as a whole; of each channel alone, it is less."""
    project = converted(outputs_of(np.array([1.0, 2.0**-8 * small, 3.0])))
    (note,) = (note for note in project.design.notes if "keep only" in note)
    assert note.startswith("out: " if small == 1.0 else "warning: out: ")


def test_a_function_that_is_off_is_not_spoken_of():
    """Probabilities that are next to nothing, and what a sigmoid leaves of large negative numbers."""
    for function in ("softmax", "sigmoid", "elu"):
        net = UnequalNet(0)
        x = net.relu("relu", net.fc("fc", net.input((6,)), EVEN, EVEN))
        x = net.fc("out", x, EVEN, np.ones(4))
        net.calls[-1].config["activation"] = function
        net.calls[-1].weights["bias"][:] = [0.0, -15.0, 0.5, -12.0]
        project = converted(net.source("out"))
        assert not [note for note in project.design.notes if "keep only" in note], function


def test_what_costs_nothing_is_not_spoken_of():
    """Hidden channels that lose all their bits, where the large ones make up what the model gives."""
    net = UnequalNet(3)
    x = net.call("Activation", "t", net.fc("fc", net.input((6,)), EVEN, np.logspace(0, -5, 6)), activation="tanh")
    source = net.source(net.fc("out", x, EVEN, np.ones(3)))
    data = normal_data(source, 200, 1)
    for calibration in (None, data):
        project = converted(source, calibration)
        assert deviation(project, source, data) < 0.003 and not warned(project)


@pytest.mark.parametrize("reason", ["tanh", "elu", "ceiling", "switched off", "types for all"])
def test_what_stops_the_pass_is_named(reason: str):
    source, settings = STOPS[reason]
    assert set(warned(converted(source, **settings))) & {"fc", "between"}


@pytest.mark.parametrize("name", NETWORKS)
def test_equalised_networks_need_no_warning(name: str):
    for seed in range(3):
        source = unequal(name, seed)
        assert not warned(converted(source, normal_data(source, 200, seed)))


def wide(granularity: str | None) -> Project:
    """A result of 40 bits, by name, whose columns of weights differ by 1e4."""
    settings: dict[str, Any] = {"precision": {"result": "fixed<40,6,RND,SAT>"}}
    if granularity is not None:
        settings["weight_granularity"] = granularity
    return converted(outputs_of(np.array([1.0, 2e-2, 3.0, 3e-4])), layers={"out": settings})


def test_advice_is_given_where_it_helps():
    (text,) = (note for note in wide("tensor").design.notes if "the weights of" in note and "warning" in note)
    assert text.endswith("or a grid for each channel (weight_granularity: channel)")


def test_a_grid_for_each_channel_is_chosen():
    """Nobody said anything of the weights: as with ``channel``, and as good as that."""
    source = outputs_of(np.array([1.0, 2e-2, 3.0, 3e-4]))
    x = normal_data(source, 200, 1)
    right = float_outputs(source, x)

    def worst(project: Project) -> float:
        error = np.square(project.evaluate(x)["out"] - right).mean(axis=0)
        return float(np.sqrt(error / np.square(right).mean(axis=0)).max())

    chosen, said, one = wide("auto"), wide("channel"), wide("tensor")
    assert wide(None).design.digest == chosen.design.digest == said.design.digest
    assert worst(chosen) < 0.01 < 0.1 < worst(one)
    assert sum("have a grid of their own" in note for note in chosen.design.notes) == 1 and not warned(chosen)
    assert not any("have a grid of their own" in note for p in (said, one) for note in p.design.notes)


ORDINARY = [("mlp", "he", "trained", "normal"), ("cnn", "glorot", "random", "pixels"), ("mlp", "he", "tiny", "sparse")]


@pytest.mark.parametrize("case", ORDINARY, ids="-".join)
@pytest.mark.parametrize("width", [6, 8, 16])
def test_no_alarm_about_ordinary_networks(case: tuple[str, ...], width: int):
    source = network(case[0], Recipe(*case[1:3]), 3, case[3])
    settings = {"input_precision": PRECISIONS[case[3]]} if case[3] in PRECISIONS else {}
    x = {"x": data(case[3], 8, source.inputs[0].shape, 60)}
    assert not warned(project_of(source, None, default_width=width, **settings))
    assert not warned(project_of(source, x, default_width=width, **settings))


def test_no_alarm_about_quantised_networks():
    for seed in range(20):
        assert not warned(project_of(random_network(seed, quantized=True)))
