"""Networks of the size that people build, by default settings: they agree with float Keras, and all executors with
each other."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import hlsgen

SCRIPT = Path(__file__).parents[1] / "example-models" / "networks.py"
NAMES = ("ds_cnn", "mobilenet", "autoencoder", "resnet8", "lstm", "gru", "transformer", "unet", "wavenet")
LARGE = ("mobilenet", "resnet8", "unet", "ds_cnn")
"""Those whose exact reference takes long."""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_networks", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for their module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def networks() -> ModuleType:
    pytest.importorskip("keras")
    return load()


@pytest.fixture(scope="module")
def made(networks: ModuleType) -> Any:
    """Each network's model, inputs and project, made once."""
    known: dict[str, Any] = {}

    def make(name: str) -> Any:
        if name not in known:
            model, x = networks.seeded(name)
            known[name] = (model, x, hlsgen.convert(model))
        return known[name]

    return make


def test_every_network_is_tested(networks: ModuleType) -> None:
    assert set(networks.NETWORKS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_agreement(networks: ModuleType, made: Any, name: str) -> None:
    model, x, project = made(name)
    agreement = networks.NETWORKS[name].agreement(project.predict(x), model.predict(x, verbose=0))
    assert agreement >= 0.99, f"{name}: {agreement:.4f}"


@pytest.mark.parametrize("name", [n if n not in LARGE else pytest.param(n, marks=pytest.mark.slow) for n in NAMES])
def test_executors_agree(made: Any, name: str) -> None:
    """The exact reference, and the emulator with arrays and with streams."""
    model, x, project = made(name)
    x = x[:4]
    output = project.design.outputs[0].name
    wanted = project.evaluate(x, raw=True)[output]
    np.testing.assert_array_equal(project.predict(x, raw=True), wanted)
    streams = hlsgen.convert(model, io_type="io_stream")
    np.testing.assert_array_equal(streams.predict(x, raw=True), wanted)
