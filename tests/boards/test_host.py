"""The host in Python against a model of the card: what it packs, calls, unpacks and says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.project import Project
from tests.boards.card import Card
from tests.boards.model import load
from tests.boards.test_driver import TYPES, data
from tests.passes.builders import Net, project_of
from tests.passes.test_input_features import SIZES, first_layer

pytestmark = pytest.mark.filterwarnings(
    "ignore::hlsgen.project.UnexpectedInputWarning",
    "ignore::hlsgen.project.ClippedInputWarning",
    "ignore::hlsgen.project.InaccurateWarning",
)


def two_ports(folder: Path, **settings: Any) -> Project:
    net = Net(3, "ports")
    net.call("Add", "sum", [net.input((3, 5), "first"), net.input((3, 5), "in")])
    net.call("ReLU", "positive", "sum")
    return project_of(net.source("sum", "positive"), output_dir=folder, **{"board": "u55c", **settings})


def host_of(project: Project, card: Card, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    """The host of a written project with a card."""
    module = load(project.write(), "host")
    xrt = card.module
    monkeypatch.setitem(__import__("sys").modules, "pyxrt", xrt)
    design = module.Design.load()
    assert card.loaded == str(Path(module.__file__).parent / f"{project.name}.hw.xclbin")
    return module, module.Design(xrt, card, card.kernel(card, "uuid", project.name), **options) if options else design


@pytest.mark.parametrize("fixed", TYPES)
def test_equals_predict(fixed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = two_ports(tmp_path, input_precision=fixed)
    card = Card(project)
    _, design = host_of(project, card, monkeypatch)
    x = [data(1, 6, 3, 5), data(2, 6, 3, 5)]
    for found, right in zip(design.predict(x, raw=True), project.predict(x, raw=True), strict=True):
        assert np.array_equal(found, right)
    for found, right in zip(design.predict(x), project.predict(x), strict=True):
        assert found.dtype == right.dtype and np.array_equal(found, right)
    assert design.self_test() == 10
    assert card.calls == [6, 6, 10], "a call a batch"


def test_a_batch_in_several_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at a time, and what a shorter one leaves in a buffer is not looked at."""
    project = two_ports(tmp_path, input_precision="fixed<7,3>")
    card = Card(project)
    most = max(port.words * port.bits // 8 for port in project.plan.ports)
    _, design = host_of(project, card, monkeypatch, bytes_of_call=3 * most)
    x = [data(1, 11, 3, 5), data(2, 11, 3, 5)]
    for found, right in zip(design.predict(x, raw=True), project.predict(x, raw=True), strict=True):
        assert np.array_equal(found, right)
    assert card.calls == [3, 3, 3, 2] and (card.under_way, card.most_under_way) == (0, 2)
    assert [len(y) for y in design.predict([x[0][:0], x[1][:0]])] == [0, 0] and len(card.calls) == 4


def test_a_sample_that_is_larger_than_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = two_ports(tmp_path, input_precision="fixed<7,3>")
    card = Card(project)
    _, design = host_of(project, card, monkeypatch, bytes_of_call=1)
    assert design.self_test() == 10 and card.calls == [1] * 10


def test_exponents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = first_layer("sequence")
    x = np.random.default_rng(1).normal(size=(200, *source.inputs[0].shape)) * SIZES
    calibration = {source.inputs[0].name: x}
    project = project_of(source, calibration, output_dir=tmp_path, board="u200", default_width=12)
    assert project.design.inputs[0].exponents is not None
    _, design = host_of(project, Card(project), monkeypatch)
    assert np.array_equal(design.predict(x[:20], raw=True), project.predict(x[:20], raw=True))
    assert design.self_test() > 0


def test_self_test_finds_one_wrong_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = two_ports(tmp_path, input_precision="fixed<7,3>")
    port = project.plan.ports[2]
    later = 4 * port.words * port.bits + 2 * port.wire.type.width
    module, design = host_of(project, Card(project, flip=(0, later)), monkeypatch)
    with pytest.raises(module.SelfTestError, match="1 elements of .* the first is element 2 of sample 4: found"):
        design.self_test()
    _, design = host_of(project, Card(project, flip=(0, port.bits - 1)), monkeypatch)
    with pytest.raises(ValueError, match="bits above the elements"):
        design.self_test()


@pytest.mark.parametrize(("text", "why"), [("", "holds no sample"), ("1 2\n", "not the 30 numbers of a sample")])
def test_vectors_of_another_project(text: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = two_ports(tmp_path, input_precision="fixed<7,3>")
    module, design = host_of(project, Card(project), monkeypatch)
    (tmp_path / "inputs.dat").write_text(text)
    with pytest.raises(module.SelfTestError, match=why):
        design.self_test(tmp_path)


def test_a_call_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = two_ports(tmp_path, input_precision="fixed<7,3>")
    module, design = host_of(project, Card(project, state="aborted"), monkeypatch)
    with pytest.raises(module.KernelError, match="ports: a call of the kernel ended as aborted"):
        design.self_test()
