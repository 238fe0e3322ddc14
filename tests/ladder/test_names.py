"""Names that no C++ compiler would take, names that collide, names the templates use themselves."""

from __future__ import annotations

import pytest
import tf_keras
from tf_keras import layers as kl

from tests.ladder.harness import DIAGONAL, dyadic_weights, grid_input, ladder

HOSTILE = [
    "int",
    "../x",
    'a"; system("x',
    "名前",
    "fc1_w",
    "x",
    "y",
    "dut",
    "a b",
    "a_b",
    "a-b",
    "A_B",
    "\\",
    "//",
    "*/",
    "??/",
]
LOCAL = [
    "input",
    "inputs",
    "load",
    "store",
    "c",
    "i",
    "word",
    "result",
    "std",
    "hlsgen",
    "pack",
    "main",
    "run",
    "bind",
    "w",
    "b",
]
MORE = [
    "text",
    "line",
    "out",
    "samples",
    "wrong",
    "hls",
    "relu",
    "dense",
    "traits",
    "cast",
    "select",
    "ap_fixed",
    "NULL",
    "EOF",
    "",
]


def chain(names: list[str], input_name: str = "x0"):
    x = h = tf_keras.Input((3,), name=input_name)
    outputs = []
    for index, name in enumerate(names):
        h = (kl.Dense(2, activation="relu") if index % 2 else kl.Dense(3))(h)
        h.node.layer._name = name  # Keras checks names when it builds, not when it calls
        if index % 4 == 3:
            outputs.append(h)
    model = tf_keras.Model(x, outputs or h)
    dyadic_weights(model, bound=2)
    return model


PARALLEL, STREAM = DIAGONAL


@pytest.mark.parametrize(
    ("names", "project", "vendor"),
    [(HOSTILE, "fc1", [PARALLEL]), (LOCAL, "名前", [PARALLEL, STREAM]), (MORE, "design", [STREAM])],
    ids=["hostile", "local", "more"],
)
def test_names(names, project, vendor):
    """The emulator in both io types; of the test bench that of a stream has all local names that the other one has."""
    model = chain(names, "text" if names is LOCAL else "x0")
    settings = {"input_precision": "fixed<4,3>", "precision": "fixed<9,5>", "project_name": project}
    ladder(model, grid_input((3,), bound=4), vendor=vendor, **settings)


@pytest.mark.parametrize("project", ["x", "string", "math", "relu", "types", "int", 'a"; system("x'])
def test_project_names(project):
    """A project's name is that of a header: the vendor's are read where they are included, and none is hidden."""
    model = chain(["relu", "x", "string"], "types")
    some = [STREAM if project in ("string", "relu") else PARALLEL]
    settings = {"input_precision": "fixed<4,3>", "project_name": project}
    ladder(model, grid_input((3,), bound=4), vendor=some, precompiled=False, **settings)
