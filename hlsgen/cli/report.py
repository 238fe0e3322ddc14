"""``hlsgen report``: one page with all that is known of a design."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hlsgen.cli.options import ModelOrConfig, converted
from hlsgen.cli.samples import files_for
from hlsgen.cli.show import working
from hlsgen.design.array_files import load_array, load_inputs


def report(
    model: ModelOrConfig,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page, .html.")] = Path("report.html"),
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Samples, .npy (n, *shape) or .npz by name; default: the configuration's test vectors.",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Their labels or wanted outputs, .npy.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="YAML configuration.", show_default=False)
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option("--calibration", help="Representative inputs, .npy.", show_default=False)
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="Another model to compare with than the converted one.", show_default=False),
    ] = None,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Also vary the width of every tensor, which takes longer.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is no report, too.")] = False,
) -> None:
    """Write one page that shows what a design is, what is wrong with it, and what it costs."""
    project = converted(model, config, calibration=calibration)
    data, labels = files_for(project.config, data, labels)
    x = None if data is None else load_inputs(data, project.design.inputs)
    y = None if labels is None else load_array(labels)
    with working("looking"):
        file = project.report(output, x, y, reference=reference, sensitivity=sensitivity, overwrite=overwrite or None)
    print(f"written to {file}")
