"""``hlsgen quantize``: from a float model and some samples to the smallest design that decides alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import hlsgen
from hlsgen.analysis.labels import Task
from hlsgen.cli.options import ModelOrConfig, given, model_and_config, option
from hlsgen.cli.show import working
from hlsgen.config import make_config
from hlsgen.design.array_files import load_inputs, load_labels
from hlsgen.explore.quantization.equalisation import Equalisation
from hlsgen.explore.quantization.goal import Metric
from hlsgen.explore.quantization.inputs import DEVIATIONS, InputRanges
from hlsgen.explore.quantization.options import Allocation, Factors, Granularity, Method, Minimise
from hlsgen.explore.quantization.placement import Asked, Calibration
from hlsgen.explore.quantization.result import output_path
from hlsgen.explore.quantization.scaling import Method as Scaling
from hlsgen.explore.quantization.scaling import without_scaling

Share = Annotated[float, typer.Option("--target", help="What is to be met, as a share of 1.")]
Bits = int | None


def quantize(
    model: ModelOrConfig,
    data: Annotated[
        Path, typer.Option("--data", help="Samples, .npy (n, *shape) or .npz by name.", show_default=False)
    ],
    labels: Annotated[
        Path | None,
        option("--labels", text="Classes, one-hot rows or wanted outputs, .npy (.npz by output)."),
    ] = None,
    target: Share = 0.99,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the configuration goes, .yml.")] = Path(
        "quantized.yml"
    ),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is no such configuration, too.")
    ] = False,
    config: Annotated[Path | None, option("--config", "-c", text="YAML configuration to begin with.")] = None,
    weights: Annotated[Path | None, option("--weights", text="The .h5 weights that go with a .json model.")] = None,
    metric: Annotated[
        Metric, typer.Option("--metric", help="Equal decisions, or accuracy as a part of the float model's.")
    ] = "agreement",
    method: Annotated[
        Method, typer.Option("--method", help="Search, or the same bits everywhere by the largest values.")
    ] = "auto",
    minimise: Annotated[Minimise, typer.Option("--minimise", help="What is to be least.")] = "bits",
    calibration: Annotated[
        Asked | None, option("--calibration", text="What types of results hold: all, all but a few, least error.")
    ] = None,
    percentile: Annotated[
        float | None, option("--percentile", text="% of the magnitudes that percentile holds.")
    ] = None,
    weight_calibration: Annotated[
        Calibration | None, option("--weight-calibration", text="The same of weights.")
    ] = None,
    granularity: Annotated[
        Granularity, typer.Option("--granularity", help="A binary point for the weights of a layer, or of a channel.")
    ] = "tensor",
    allocation: Annotated[
        Allocation, typer.Option("--allocation", help="How bits are given to tensors.")
    ] = "lagrangian",
    bias_correction: Annotated[
        bool | None, option("--bias-correction/--no-bias-correction", text="Take mean errors from biases.")
    ] = None,
    equalisation: Annotated[
        Equalisation | None, option("--equalisation", text="Hold channels times factors; else as is better.")
    ] = None,
    scales: Annotated[Factors, typer.Option("--scales", help="What such factors are.")] = "free",
    zero_points: Annotated[
        bool | None, option("--zero-points/--no-zero-points", text="Hold values less offsets; else where that pays.")
    ] = None,
    weight_bits: Annotated[Bits, option("--weight-bits", text="Of all weights, in place of a search.")] = None,
    result_bits: Annotated[Bits, option("--result-bits", text="Of all results, in place of a search.")] = None,
    input_bits: Annotated[Bits, option("--input-bits", text="Of all inputs, in place of a search.")] = None,
    most_weight_bits: Annotated[
        float | None, option("--most-weight-bits", text="Not exceeded on average, if the target can be met so.")
    ] = None,
    most_result_bits: Annotated[float | None, option("--most-result-bits", text="The same of results.")] = None,
    input_ranges: Annotated[
        InputRanges | None,
        option("--input-ranges", text="How far the type of each feature reaches."),
    ] = None,
    input_deviations: Annotated[
        float, typer.Option("--input-deviations", help="Of zscore and robust: what is within so many is not clipped.")
    ] = DEVIATIONS,
    input_scaling: Annotated[
        Scaling | None, option("--input-scaling", text="How raw samples were scaled for the model's training.")
    ] = None,
    task: Annotated[Task | None, option("--task", text="What outputs are, where that is not clear.")] = None,
    threshold: Annotated[float | None, option("--threshold", text="Above it a single value is class 1.")] = None,
    held_out: Annotated[float | None, option("--held-out", text="The part of the samples to judge by.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="By which samples are divided.")] = 0,
) -> None:
    """Find the least bits with which a float model still decides alike; writes a configuration that needs no data."""
    output_path(output, overwrite=overwrite)  # before minutes are spent
    source, file = model_and_config(model, config)
    with working("reading the model"):
        plain, said = without_scaling(make_config(file, "quantize"))
        project = hlsgen.convert(source, plain, **given(weights=weights))
    x = load_inputs(data, project.design.inputs)
    settings: dict[str, Any] = given(
        calibration=calibration,
        percentile=percentile,
        weight_calibration=weight_calibration,
        bias_correction=bias_correction,
        equalisation=equalisation,
        zero_points=zero_points,
        weight_bits=weight_bits,
        result_bits=result_bits,
        input_bits=input_bits,
        most_weight_bits=most_weight_bits,
        most_result_bits=most_result_bits,
        held_out=held_out,
        input_ranges=input_ranges,
        input_scaling=said if input_scaling is None else input_scaling,
        task=task,
        threshold=threshold,
    )
    with working("quantising"):
        found = hlsgen.quantize(
            project,
            x,
            None if labels is None else load_labels(labels, project.design.output_names),
            target,
            metric=metric,
            method=method,
            minimise=minimise,
            granularity=granularity,
            allocation=allocation,
            scales=scales,
            input_deviations=input_deviations,
            seed=seed,
            **settings,
        )
    print(found)
    print(f"written to {found.write(output, overwrite=overwrite)}")
    if not found.met:
        raise typer.Exit(1)
