"""Every design of the examples and of the ladder asks for nothing that no good circuit has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hlsgen
from hlsgen.backends.hls.program import Plan
from hlsgen.backends.hls.texts import firmware_files
from hlsgen.linter.finding import Report
from hlsgen.linter.lint import lint_texts
from hlsgen.linter.products import stated_products
from hlsgen.linter.source import Source
from tests.ladder.harness import ALL, Variant, convert
from tests.ladder.test_recurrent import both_ways
from tests.ladder.test_recurrent import layer as recurrent
from tests.ladder.test_settings import every_kind
from tests.ladder.test_synthesizable import shapes_and_tables
from tests.linter.native import the_clang
from tests.passes.builders import Net, project_of

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def example(name: str, **settings: Any) -> Plan:
    project = hlsgen.convert(None, hlsgen.load_config(CONFIGS / f"{name}.yml"), overwrite=True)
    return project.with_settings(**settings).plan if settings else project.plan


def of_the_ladder(model: Callable[[], object], variant: Variant) -> Plan:
    return convert(kept(model), variant, input_precision="fixed<9,4>").plan


def of_all_pixels(**settings: Any) -> Plan:
    return convert(kept(every_kind), ALL[0], input_precision="fixed<9,4>", **settings).plan


def of_sequences(**settings: Any) -> Plan:
    """A recurrent layer, and one that goes both ways."""
    net = Net(14)
    x = net.input((3, 4))
    first = recurrent(net, "LSTM", "first", x, return_sequences=True)
    both_ways(net, "GRU", "both", first)
    return project_of(net.source("both"), input_precision="fixed<9,4>", default_width=10, **settings).plan


@functools.cache
def kept(model: Callable[[], object]) -> object:
    return model()


MODELS = {"arithmetic": every_kind, "shapes": shapes_and_tables}
DESIGNS: dict[str, Callable[[], Plan]] = {
    **{path.stem: functools.partial(example, path.stem) for path in sorted(CONFIGS.glob("*.yml"))},
    "digits_mlp, io_stream": functools.partial(example, "digits_mlp", io_type="io_stream"),
    "iris_mlp, io_stream": functools.partial(example, "iris_mlp", io_type="io_stream"),
    "iris_mlp, unrolled": functools.partial(example, "iris_mlp", strategy="unrolled", reuse_factor=4),
    "iris_mlp, shared adders": functools.partial(
        example, "iris_mlp", layers={"fc1": {"strategy": "distributed_arithmetic"}}
    ),
    "iris_mlp, resource": functools.partial(example, "iris_mlp", strategy="resource"),
    "iris_mlp, several samples a call": functools.partial(example, "iris_mlp", interface="axi_master", batch=True),
    "residual_cnn, several samples a call": functools.partial(
        example, "residual_cnn", interface="axi_master", batch=True
    ),
    "arithmetic, one pipeline": functools.partial(of_all_pixels, pipeline="flat", interval=3),
    "arithmetic, pixels at once": functools.partial(of_all_pixels, layers={"conv": {"parallelization_factor": 3}}),
    "sequences": of_sequences,
    "sequences, unrolled in time": functools.partial(of_sequences, recurrence="unrolled", interval=2),
    "sequences, resource": functools.partial(of_sequences, io_type="io_stream", strategy="resource", reuse_factor=4),
    **{
        f"{name}, {variant}": functools.partial(of_the_ladder, model, variant)
        for name, model in MODELS.items()
        for variant in ALL
    },
}


@functools.cache
def report_on(design: str) -> Report:
    return lint_texts(firmware_files(DESIGNS[design]()), the_clang())


@pytest.mark.parametrize("design", DESIGNS)
def test_nothing_is_found(design: str) -> None:
    assert not report_on(design).errors


@pytest.mark.parametrize("design", DESIGNS)
def test_products_are_counted(design: str) -> None:
    """In what clang makes of a text are products, of widths as the types have them."""
    counted = report_on(design).multiplications
    assert sum(entry.count for entry in counted) > 0
    assert all(width <= 128 for entry in counted for width, _ in entry.widths)


def test_products_are_those_of_the_layers() -> None:
    """Comparing is more than saying nothing: rows by columns of the matrices, in turns where there are any."""
    stated = {"conv1": 9 * 8, "conv2": 72 * 16, "fc1": 400 * 32 // 16, "logits": 32 * 10}
    sources = {name: Source(name, text) for name, text in firmware_files(DESIGNS["mnist_qcnn"]()).items()}
    assert stated_products(sources, "mnist_qcnn") == stated
    counted = {entry.step: entry for entry in report_on("mnist_qcnn").multiplications}
    assert {step: counted[step].count for step in stated} == stated
    assert counted["conv1"].widths == ((8 + 4, 72),), "pixels by weights"
    assert counted["conv2"].widths == ((4 + 4, 1152),)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist_cnn_bn", "mnist_qcnn", "residual_cnn"])
@pytest.mark.parametrize("strategy", ["latency", "resource"])
def test_convolutions_of_another_strategy(name: str, strategy: str) -> None:
    report = lint_texts(firmware_files(example(name, strategy=strategy)), the_clang())
    assert not report.errors
