"""Models of HGQ2 out of files, without HGQ2: its own results, integer for integer, by every executor."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import HlsgenError, ModelError, UnsupportedError
from tests.circuits import check_circuit
from tests.hgq.nets import NETS, STORED
from tests.ladder.harness import executors_agree


def stored(name: str) -> tuple[Path, Any, Any]:
    """A file, inputs, and what HGQ2 makes of them."""
    with np.load(STORED / f"{name}.npz") as arrays:
        return STORED / f"{name}.keras", arrays["x"], arrays["y"]


def result_of(project: hlsgen.Project, x: Any) -> Any:
    (output,) = project.design.outputs
    return next(v for k, v in project.evaluate(x).items() if project.trace_keys()[k] is output)


@pytest.mark.parametrize("name", NETS)
def test_it_computes_what_hgq_does(name: str) -> None:
    path, x, right = stored(name)
    assert len(np.unique(right)) > 5, "a test that could not fail"
    np.testing.assert_array_equal(result_of(hlsgen.convert(path), x), right)


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_every_executor_does(io_type: str) -> None:
    path, x, right = stored("image")
    project = hlsgen.convert(path, io_type=io_type)
    executors_agree(project, x)
    np.testing.assert_array_equal(project.predict(x).reshape(right.shape), right)


@pytest.mark.slow
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("name", NETS)
def test_every_executor_does_for_each(name: str, io_type: str) -> None:
    path, x, right = stored(name)
    project = hlsgen.convert(path, io_type=io_type)
    executors_agree(project, x)
    np.testing.assert_array_equal(project.predict(x).reshape(right.shape), right)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_each_circuit_does(name: str) -> None:
    path, x, _ = stored(name)
    check_circuit(hlsgen.convert(path, backend="verilog"), x[:10], ((0.4, 0.6, 1),))


def test_a_circuit_does() -> None:
    path, x, _ = stored("dense")
    check_circuit(hlsgen.convert(path, backend="verilog"), x, ())


def test_what_only_quantisers_read_is_no_wider_than_they_look() -> None:
    """The input has the bits of the widest element, and one below the finest for rounding."""
    project = hlsgen.convert(stored("dense")[0])
    (port,), each = project.design.inputs, next(op for op in project.design if op.layer.kind == "CastEach")
    assert port.type.frac == each.layer.finest + 1
    assert port.type.integer == each.layer.common.integer
    assert {op.layer.kind for op in project.design} == {"Input", "Convert", "CastEach", "Dense", "Relu"}


def test_results_of_layers_are_exact_until_they_are_quantised() -> None:
    project = hlsgen.convert(stored("residual")[0], default_width=4)
    np.testing.assert_array_equal(result_of(project, stored("residual")[1]), stored("residual")[2])


# -- what is refused -----------------------------------------------------------------------------


def changed(tmp_path: Path, name: str, change: Callable[[dict[str, Any]], None]) -> Path:
    """A stored file with another configuration of its layers."""
    target = tmp_path / "net.keras"
    with zipfile.ZipFile(STORED / f"{name}.keras") as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    config = json.loads(members["config.json"])
    for layer in config["config"]["layers"]:
        change(layer["config"])
    members["config.json"] = json.dumps(config).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    target.write_bytes(packed.getvalue())
    return target


def of_quantizers(**options: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        if config["name"] == "fc1":
            config["iq_conf"]["config"].update(options)

    return change


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"affine": [2.0, 1.0]}, UnsupportedError, r"layer 'fc1' \(hgq>QDense\): iq: option affine="),
        ({"scaler": 0.7}, UnsupportedError, "option scaler=0.7 of a quantiser is not supported; expected a power"),
        ({"round_mode": "UP"}, UnsupportedError, "round_mode 'UP' of a quantiser is not supported"),
        ({"bw_mapper": {"class_name": "Mine"}}, UnsupportedError, "code of your own"),
        ({"q_type": "float"}, HlsgenError, "fc1"),
        ({"q_type": ["kif"]}, HlsgenError, "fc1"),
        ({"q_type": "dummy"}, ModelError, "fc1"),
    ],
)
def test_what_is_not_there_is_refused_by_name(tmp_path: Path, options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        hlsgen.convert(changed(tmp_path, "dense", of_quantizers(**options)))


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config.update({"twist": 1} if config["name"] == "fc2" else {})

    with pytest.raises(UnsupportedError, match=r"layer 'fc2' \(hgq>QDense\): unknown option twist=1"):
        hlsgen.convert(changed(tmp_path, "dense", change))


def test_stochastic_rounding_is_plain_at_inference(tmp_path: Path) -> None:
    _, x, right = stored("dense")
    project = hlsgen.convert(changed(tmp_path, "dense", of_quantizers(round_mode="S_RND")))
    np.testing.assert_array_equal(result_of(project, x), right)


def test_an_activation_without_a_quantiser_is_said(tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config.update({"activation": "tanh"} if config["name"] == "fc1" else {})

    project = hlsgen.convert(changed(tmp_path, "dense", change))
    assert any(note.startswith("fc1: its activation has no quantiser") for note in project.design.notes)
