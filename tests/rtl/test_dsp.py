"""The setting dsp: an attribute of all modules of a layer, refused where nothing would read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ConfigError
from hlsgen.project import Project
from tests.passes.builders import Net, grid, project_of


def two_layers(**settings: Any) -> Project:
    net = Net(seed=4, name="two")
    x = net.dense("fc1", net.input((4,), "x"), 4, 4)
    x = net.call("Activation", "tanh", x, activation="tanh")
    net.dense("fc2", x, 4, 2)
    settings = {"backend": "verilog", "input_precision": "fixed<6,3>", **settings}
    return project_of(net.source("fc2"), strategy="resource", reuse_factor=4, **settings)


def attributed(project: Project) -> dict[str, str]:
    """What each module with the attribute says."""
    texts = "\n".join(project.circuit.modules.values())
    return {module: value for value, module in re.findall(r'^\(\* use_dsp = "(\w+)" \*\)\nmodule (\w+)', texts, re.M)}


def test_a_layer():
    project = two_layers(layers={"fc1": {"dsp": "no"}, "tanh": {"dsp": "yes"}})
    assert attributed(project) == {
        "two_fc1": "no",
        "two_fc1__weights": "no",
        "two_tanh": "yes",
        "two_tanh__element": "yes",
        "two_tanh__element__word0": "yes",
    }
    assert attributed(two_layers()) == {}


def test_no_bit_depends_on_it():
    x = grid((4,), samples=10, frac=3, bound=31)
    project = two_layers(dsp="yes")
    np.testing.assert_array_equal(project.simulate(x).result, two_layers().evaluate(x, raw=True)["fc2"])
    assert str(project.circuit) == str(two_layers().circuit)


@pytest.mark.parametrize(("spelt", "meant"), [(True, "yes"), (False, "no"), ("yes", "yes"), ("no", "no")])
def test_a_boolean_is_as_good(spelt, meant):
    assert set(attributed(two_layers(dsp=spelt)).values()) == {meant}


def test_in_yaml(tmp_path: Path):
    """A plain yes is a text to some, a boolean to others."""
    file = tmp_path / "config.yml"
    file.write_text("defaults: {dsp: yes}\n")
    with pytest.raises(ConfigError, match="'yes' is text to some YAML programs, true or false to others; put it into"):
        hlsgen.load_config(file)
    file.write_text('defaults: {dsp: "yes"}\nlayers: {fc: {dsp: false}}\n')
    config = hlsgen.load_config(file)
    assert (config.defaults.dsp, config.layers["fc"].dsp) == ("yes", "no")


def test_refused_elsewhere():
    with pytest.raises(ConfigError, match=r"layer 'fc2' \(Dense\): dsp: no is for backend verilog"):
        two_layers(backend="vitis", layers={"fc2": {"dsp": "no"}})
    with pytest.raises(ConfigError, match="dsp: Input should be 'auto', 'yes' or 'no', found 'maybe'"):
        two_layers(dsp="maybe")
