"""``inner``: types of inner steps by their names."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.errors import ConfigError
from tests.passes.builders import Net, grid, project_of


def network() -> Net:
    net = Net(0)
    net.dense("fc2", net.dense("fc1", net.input((4,)), 4, 5, activation="relu"), 5, 3, activation="tanh")
    return net


def typed(**layers):
    return project_of(network().source("fc2"), layers=layers)


def test_a_step_has_the_type_that_is_said_and_its_layer_follows() -> None:
    project = typed(fc1={"inner": {"fc1_dense": "ufixed<5,3,RND,SAT>"}})
    tensors = {tensor.name: tensor for tensor in project.design.tensors}
    assert str(tensors["fc1_dense"].type) == "ufixed<5,3,RND,SAT>" and str(tensors["fc1"].type) == "ufixed<5,3>"
    x = grid((4,))
    step = project.evaluate(x)
    assert np.array_equal(step["fc1"], np.minimum(step["fc1"], 7.75)) and (step["fc1"] * 4 % 1 == 0).all()


def test_the_emulator_agrees() -> None:
    project = typed(fc1={"inner": {"fc1_dense": "fixed<6,4,RND_CONV,SAT>"}}, fc2={"inner": {"fc2_dense": "fixed<7,3>"}})
    x = grid((4,))
    assert np.array_equal(project.predict(x), project.evaluate(x)["fc2"])


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (
            {"fc1": {"inner": {"fc1_dens": "fixed<5,3>"}}},
            "no inner step 'fc1_dens' with a type of its own; did you mean",
        ),
        ({"fc1": {"inner": {"fc1": "fixed<5,3>"}}}, "no inner step 'fc1'"),
        ({"fc1": {"inner": {"fc2_dense": "fixed<5,3>"}}}, "no inner step 'fc2_dense'"),
        ({"fc1": {"inner": {"fc1_dense": "fixed<x>"}}}, "layers.fc1.inner.fc1_dense"),
    ],
)
def test_a_step_that_there_is_not_is_refused(layers, said) -> None:
    with pytest.raises(ConfigError, match=said):
        typed(**layers)


def test_steps_are_named_below_their_layer() -> None:
    with pytest.raises(ConfigError, match="defaults: inner steps have names in a layer"):
        project_of(network().source("fc2"), defaults={"inner": {"fc1_dense": "fixed<5,3>"}})
    with pytest.raises(ConfigError, match="Dense: inner steps have names in a layer"):
        project_of(network().source("fc2"), layer_types={"Dense": {"inner": {"fc1_dense": "fixed<5,3>"}}})
