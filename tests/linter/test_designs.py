"""Every design of the examples and of the ladder asks for nothing that no good circuit has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

import hlsgen
from hlsgen.backends.hls.plan import Plan
from hlsgen.backends.hls.texts import firmware_files
from hlsgen.linter.finding import Report
from hlsgen.linter.lint import lint_texts
from hlsgen.linter.products import stated_products
from hlsgen.linter.source import Source
from tests.ladder.harness import ALL, Variant, convert
from tests.ladder.test_settings import every_kind
from tests.ladder.test_synthesizable import shapes_and_tables
from tests.linter.native import the_clang

CONFIGS = Path(__file__).resolve().parents[2] / "configs"

KNOWN = {
    ("division", "hlsgen/matvec.h"): "mnist_qcnn",
    ("multiplexer", "hlsgen/matvec.h"): "mnist_cnn_bn",
    ("division", "hlsgen/conv2d.h"): "arithmetic, latency, io_parallel",
    ("division", "hlsgen/depthwise_conv2d.h"): "arithmetic, latency, io_parallel",
    ("counter-product", "hlsgen/window_geometry.h"): "arithmetic, latency, io_stream",
}
"""What is still to be repaired: rule and file, and a design that shows it. Nothing else may be found, and what is
repaired goes from here."""


def example(name: str, **settings: str) -> Plan:
    project = hlsgen.convert(None, hlsgen.load_config(CONFIGS / f"{name}.yml"), overwrite=True)
    return project.with_settings(**settings).plan if settings else project.plan


def of_the_ladder(model: Callable[[], object], variant: Variant) -> Plan:
    return convert(kept(model), variant, input_precision="fixed<9,4>").plan


@functools.cache
def kept(model: Callable[[], object]) -> object:
    return model()


MODELS = {"arithmetic": every_kind, "shapes": shapes_and_tables}
DESIGNS: dict[str, Callable[[], Plan]] = {
    **{path.stem: functools.partial(example, path.stem) for path in sorted(CONFIGS.glob("*.yml"))},
    "digits_mlp, io_stream": functools.partial(example, "digits_mlp", io_type="io_stream"),
    "iris_mlp, io_stream": functools.partial(example, "iris_mlp", io_type="io_stream"),
    "iris_mlp, resource": functools.partial(example, "iris_mlp", strategy="resource"),
    **{
        f"{name}, {variant}": functools.partial(of_the_ladder, model, variant)
        for name, model in MODELS.items()
        for variant in ALL
    },
}


@functools.cache
def report_on(design: str) -> Report:
    return lint_texts(firmware_files(DESIGNS[design]()), the_clang())


def errors(design: str) -> dict[tuple[str, str], str]:
    """Rule and file -> what is said."""
    return {(f.rule, f.file.removeprefix("firmware/")): str(f) for f in report_on(design).errors}


@pytest.mark.parametrize("design", DESIGNS)
def test_nothing_new_is_found(design: str) -> None:
    assert not {key: text for key, text in errors(design).items() if key not in KNOWN}


@pytest.mark.parametrize("key", KNOWN, ids=": ".join)
def test_what_is_known_is_still_there(key: tuple[str, str]) -> None:
    assert key in errors(KNOWN[key]), f"{key} is repaired: take it out of KNOWN"


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
    found = {(f.rule, f.file.removeprefix("firmware/")): str(f) for f in report.errors}
    assert not {key: text for key, text in found.items() if key not in KNOWN}
