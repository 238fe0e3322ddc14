"""``hlsgen profile``, ``compare`` and ``sensitivity``: what a design does with data, as a table and as a figure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from hlsgen.analysis.labels import Task
from hlsgen.cli.options import ModelOrConfig, converted, given, option
from hlsgen.cli.samples import samples_for
from hlsgen.cli.show import working
from hlsgen.config import CalibrationMethod
from hlsgen.design.array_files import load_array
from hlsgen.errors import ConfigError, brief

Data = Annotated[
    Path | None, option("--data", text="Samples, .npy (n, *shape) or .npz by name; else the test vectors.")
]
Labels = Annotated[Path | None, option("--labels", text="Class numbers, one-hot rows or wanted outputs, .npy.")]
ConfigFile = Annotated[Path | None, option("--config", "-c", text="YAML configuration.")]
Weights = Annotated[Path | None, option("--weights", text="The .h5 that goes with a .json.")]
Calibration = Annotated[Path | None, option("--calibration", text="Representative inputs, .npy (n, *shape).")]
Method = Annotated[CalibrationMethod | None, option("--calibration-method", text="How they place binary points.")]
Width = Annotated[int | None, option("--default-width", text="Bits of inferred weights and results (16).")]
InputPrecision = Annotated[str | None, option("--input-precision", text="Type of the inputs: 'ufixed<8,0>'.")]
Plot = Annotated[Path | None, option("--plot", text="Draw it: .png, .svg or .pdf.")]
Csv = Annotated[Path | None, option("--csv", text="Write its numbers as a table.")]
TaskOption = Annotated[Task | None, option("--task", text="Where labels and outputs do not say it.")]
Threshold = Annotated[float | None, option("--threshold", text="Above which an output of one value is class 1.")]


def profile(
    model: ModelOrConfig,
    data: Data = None,
    plot: Plot = None,
    csv: Csv = None,
    config: ConfigFile = None,
    weights: Weights = None,
    calibration: Calibration = None,
    calibration_method: Method = None,
    default_width: Width = None,
    input_precision: InputPrecision = None,
) -> None:
    """Show weights and values of every layer against what their types hold."""
    settings = given(
        calibration_method=calibration_method, default_width=default_width, input_precision=input_precision
    )
    project = converted(model, config, weights=weights, calibration=calibration, **settings)
    x, _ = samples_for(project, "profile", "by --data", data)
    with working("profiling"):
        found = project.profile(x)
    print(found)
    _written(found, plot, csv)


def compare(
    model: ModelOrConfig,
    data: Data = None,
    labels: Labels = None,
    outputs: Annotated[
        Path | None, option("--outputs", text="What the source model makes of the data, .npy; else it is run.")
    ] = None,
    task: TaskOption = None,
    threshold: Threshold = None,
    plot: Plot = None,
    config: ConfigFile = None,
    weights: Weights = None,
    calibration: Calibration = None,
    calibration_method: Method = None,
    default_width: Width = None,
    input_precision: InputPrecision = None,
) -> None:
    """Show source model and emulator side by side: agreement, accuracy, AUC, each class, errors."""
    settings = given(
        calibration_method=calibration_method, default_width=default_width, input_precision=input_precision
    )
    project = converted(model, config, weights=weights, calibration=calibration, **settings)
    x, y = samples_for(project, "compare", "by --data", data, labels)
    source = None if outputs is None else load_array(outputs)
    with working("comparing"):
        found = project.compare(source, x, y, task=task, threshold=threshold)
    print(found)
    _written(found, plot, None)


def sensitivity(
    model: ModelOrConfig,
    data: Data = None,
    labels: Labels = None,
    widths: Annotated[str, typer.Option("--widths", help="Bits: '2-10', '4,6,8'.")] = "2-16",
    layer: Annotated[list[str] | None, option("--layer", text="Only this layer, or these.")] = None,
    loss: Annotated[float, typer.Option("--loss", help="What the suggested widths may lose, one at a time.")] = 0.01,
    output: Annotated[str | None, option("--output", text="Which of several outputs is measured.")] = None,
    task: TaskOption = None,
    threshold: Threshold = None,
    plot: Plot = None,
    csv: Csv = None,
    config: ConfigFile = None,
    weights: Weights = None,
    calibration: Calibration = None,
    calibration_method: Method = None,
    default_width: Width = None,
    input_precision: InputPrecision = None,
) -> None:
    """Show accuracy against the width of weights, results and inputs, one tensor at a time."""
    bits = _widths(widths)
    settings = given(
        calibration_method=calibration_method, default_width=default_width, input_precision=input_precision
    )
    project = converted(model, config, weights=weights, calibration=calibration, **settings)
    x, y = samples_for(project, "sensitivity", "by --data", data, labels)
    with working("sweeping widths"):
        found = project.sensitivity(
            x,
            y,
            widths=bits,
            layers=layer or None,
            output=output,
            task=task,
            threshold=threshold,
        )
    print(found)
    suggested = found.suggest(loss)
    print(f"\n{suggested}")
    if suggested.yaml:
        print(f"\n{suggested.yaml}", end="")
    _written(found, plot, csv)


def _widths(text: str) -> list[int]:
    """Widths as '2-10' or '4,6,8-10' say them. Raises ConfigError."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,4})\s*(?:-\s*([0-9]{1,4})\s*)?", part)
        if match is None:
            raise ConfigError(f"--widths: expected bits such as '2-10' or '4,6,8', found {brief(text)}")
        first, last = int(match[1]), int(match[2] or match[1])
        found += range(first, last + 1)
    return found


def _written(found: Any, plot: Path | None, csv: Path | None) -> None:
    if plot is not None:
        print(f"drawn to {found.plot(plot)}")
    if csv is not None:
        print(f"written to {found.to_csv(csv)}")
