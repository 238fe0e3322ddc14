"""``hlsgen profile``, ``compare`` and ``sensitivity``: what a design does with data, as a table and as a figure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

import hlsgen
from hlsgen.analysis.labels import Task
from hlsgen.cli.show import working
from hlsgen.config import CalibrationMethod
from hlsgen.design.array_files import load_array, load_inputs
from hlsgen.errors import ConfigError, brief
from hlsgen.project import Project

Model = Annotated[Path, typer.Argument(help="A model, or a .yml configuration that names one.", show_default=False)]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Samples, .npy (n, *shape) or .npz by name; else the test vectors.", show_default=False
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option("--labels", help="Class numbers, one-hot rows or wanted outputs, .npy.", show_default=False),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", "-c", help="YAML configuration.", show_default=False)]
Weights = Annotated[Path | None, typer.Option("--weights", help="The .h5 that goes with a .json.", show_default=False)]
Calibration = Annotated[
    Path | None, typer.Option("--calibration", help="Representative inputs, .npy (n, *shape).", show_default=False)
]
Method = Annotated[
    CalibrationMethod | None,
    typer.Option("--calibration-method", help="How they place binary points.", show_default=False),
]
Width = Annotated[
    int | None, typer.Option("--default-width", help="Bits of inferred weights and results (16).", show_default=False)
]
InputPrecision = Annotated[
    str | None, typer.Option("--input-precision", help="Type of the inputs: 'ufixed<8,0>'.", show_default=False)
]
Plot = Annotated[Path | None, typer.Option("--plot", help="Draw it: .png, .svg or .pdf.", show_default=False)]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write its numbers as a table.", show_default=False)]
TaskOption = Annotated[
    Task | None, typer.Option("--task", help="Where labels and outputs do not say it.", show_default=False)
]
Threshold = Annotated[
    float | None,
    typer.Option("--threshold", help="Above which an output of one value is class 1.", show_default=False),
]


def profile(
    model: Model,
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
    project = _project(model, config, weights, calibration, calibration_method, default_width, input_precision)
    x, _ = _data(project, "profile", data, None)
    with working("profiling"):
        found = project.profile(x)
    print(found)
    _written(found, plot, csv)


def compare(
    model: Model,
    data: Data = None,
    labels: Labels = None,
    outputs: Annotated[
        Path | None,
        typer.Option(
            "--outputs", help="What the source model makes of the data, .npy; else it is run.", show_default=False
        ),
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
    project = _project(model, config, weights, calibration, calibration_method, default_width, input_precision)
    x, y = _data(project, "compare", data, labels)
    source = None if outputs is None else load_array(outputs)
    with working("comparing"):
        found = project.compare(source, x, y, task=task, threshold=threshold)
    print(found)
    _written(found, plot, None)


def sensitivity(
    model: Model,
    data: Data = None,
    labels: Labels = None,
    widths: Annotated[str, typer.Option("--widths", help="Bits: '2-10', '4,6,8'.")] = "2-16",
    layer: Annotated[
        list[str] | None, typer.Option("--layer", help="Only this layer, or these.", show_default=False)
    ] = None,
    loss: Annotated[float, typer.Option("--loss", help="What the suggested widths may lose, one at a time.")] = 0.01,
    output: Annotated[
        str | None, typer.Option("--output", help="Which of several outputs is measured.", show_default=False)
    ] = None,
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
    project = _project(model, config, weights, calibration, calibration_method, default_width, input_precision)
    x, y = _data(project, "sensitivity", data, labels)
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


def _project(
    model: Path,
    config: Path | None,
    weights: Path | None,
    calibration: Path | None,
    calibration_method: str | None,
    default_width: int | None,
    input_precision: str | None,
) -> Project:
    """Convert a model, or the one that a configuration names."""
    source: Path | None = model
    if model.suffix in (".yml", ".yaml"):
        if config is not None:
            raise ConfigError(f"two configurations given: {model} and --config {config}; give one")
        source, config = None, model
    options: dict[str, Any] = {
        "calibration_method": calibration_method,
        "default_width": default_width,
        "input_precision": input_precision,
    }
    given = {name: value for name, value in options.items() if value is not None}
    with working("converting"):
        return hlsgen.convert(source, config, weights=weights, calibration=calibration, **given)


def _data(project: Project, command: str, data: Path | None, labels: Path | None) -> tuple[Any, Any]:
    """Samples and labels: as they are named, or the test vectors of the configuration, both of them."""
    vectors = project.config.test_vectors
    if data is None:
        if vectors is None:
            raise ConfigError(f"{command}: no samples given; name a .npy by --data, or set test_vectors: {{x: ...}}")
        data, labels = vectors.x, vectors.y if labels is None else labels
    x = load_inputs(data, project.design.inputs)
    return x, None if labels is None else load_array(labels)


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
