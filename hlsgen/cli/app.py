"""The commands and their options."""

from __future__ import annotations

import codecs
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TextIO
from zipfile import ZipFile

import numpy as np
import typer

import hlsgen
from hlsgen.cli import board, cache, data, diagnose, doctor, estimate, lint, looking, quantize, report, reports, sweep
from hlsgen.cli.export import given_options
from hlsgen.cli.extensions import import_extensions
from hlsgen.cli.options import converted, existing, given, option
from hlsgen.cli.samples import samples_for
from hlsgen.cli.score import score
from hlsgen.cli.show import show_rows, show_score, working
from hlsgen.cli.simulate import simulated
from hlsgen.config import CalibrationMethod, Config, ControlName, Granularity, InterfaceName, IoType, Strategy
from hlsgen.design.array_files import load_inputs
from hlsgen.design.arrays import Array
from hlsgen.errors import ConfigError, OutputDirError, brief, nearest
from hlsgen.exports.base import EXPORTS, checked_options
from hlsgen.files import replacing
from hlsgen.ir.graph import Graph
from hlsgen.ir.typing import Tensor
from hlsgen.logs import to_stderr
from hlsgen.pipeline import stages
from hlsgen.precision.draft import Draft
from hlsgen.strict_yaml import written
from hlsgen.synthesis.timing import SEED

_INTEGER_BITS = 64

app = typer.Typer(
    name="hlsgen",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From a trained Keras, QKeras or ONNX model to a Vitis HLS project and a bit-exact emulator.",
    epilog="Exit status: 0 done, 1 failed, 2 wrong use or configuration.",
)
app.add_typer(cache.app, name="cache")
app.add_typer(data.app, name="data")
app.add_typer(sweep.app, name="sweep")


Model = Annotated[Path, existing("A .keras, .h5, .json or .onnx model, or a .yml configuration that names one.")]
ConfigFile = Annotated[Path | None, option("--config", "-c", text="YAML configuration (see 'hlsgen config').")]
Weights = Annotated[Path | None, option("--weights", text="The .h5 weights that go with a .json model.")]
Calibration = Annotated[Path | None, option("--calibration", text="Representative inputs, .npy (n, *shape).")]
Method = Annotated[
    CalibrationMethod | None,
    option("--calibration-method", text="Hold the largest value of the data, all but 0.01 %, or least squared error."),
]
Width = Annotated[int | None, option("--default-width", text="Bits of inferred weights and results (16).")]
Precision = Annotated[str | None, option("--precision", text="Type of weights, biases, results: 'fixed<16,6>'.")]
InputPrecision = Annotated[str | None, option("--input-precision", text="Type of the inputs: 'ufixed<8,0>'.")]
Io = Annotated[IoType | None, option("--io-type", text="Arrays or streams between layers.")]
Ports = Annotated[
    InterfaceName | None, option("--interface", text="Ports: ap_vld (io_parallel), axis (io_stream), or axi_master.")
]
ControlOption = Annotated[ControlName | None, option("--control", text="How a sample is begun and ended.")]
AxiLite = Annotated[bool | None, option("--axi-lite/--no-axi-lite", text="Control by registers on AXI4-Lite.")]
Tlast = Annotated[bool | None, option("--tlast/--no-tlast", text="AXI streams with TLAST, TKEEP and TSTRB.")]
PortWidth = Annotated[int | None, option("--port-width", text="Bits of the widest word of an AXI port.")]
StrategyOption = Annotated[Strategy | None, option("--strategy", text="Optimise products for this.")]
Reuse = Annotated[
    str | None,
    option(
        "--reuse-factor",
        text="Cycles that share one multiplier; each layer takes the nearest valid. Or 'auto': balanced.",
    ),
]
Part = Annotated[str | None, option("--part", text="Device, as Vitis names it.")]
Clock = Annotated[float | None, option("--clock-period", text="In ns.")]
Uncertainty = Annotated[
    float | None, option("--clock-uncertainty", text="Percent of the clock period that are kept for wires.")
]
Name = Annotated[str | None, option("--project-name", text="Name of the project and its top function.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace files of the same names that are not hlsgen's, or were changed.")
]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"hlsgen {hlsgen.__version__}")
        raise typer.Exit


@app.callback()
def common(
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            help="Log to standard error what takes long, and how long; -vv: everything.",
        ),
    ] = 0,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    extension: Annotated[
        list[str] | None,
        option("--extension", text="A Python module to import first, which registers layers of your own."),
    ] = None,
) -> None:
    """From a trained Keras, QKeras or ONNX model to a Vitis HLS project and a bit-exact emulator."""
    if verbose:
        to_stderr(logging.INFO if verbose == 1 else logging.DEBUG)
    import_extensions(extension or ())


@app.command()
def build(
    config: Annotated[Path, existing("YAML configuration; paths in it are relative to it.")],
    overwrite: Overwrite = False,
    synthesize: Annotated[bool, typer.Option("--synthesize", help="Then run C synthesis with Vitis HLS.")] = False,
    min_agreement: Annotated[
        float | None,
        option("--min-agreement", text="Fail if fewer samples (0 to 1) agree with the stored outputs in top-1."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--lint/--no-lint", help="Look at pragmas, dataflow and limits (see 'hlsgen lint').")
    ] = True,
    cosim: Annotated[bool, typer.Option("--cosim", help="Also simulate the RTL; with --synthesize.")] = False,
    vsynth: Annotated[
        bool, typer.Option("--vsynth", help="Also synthesize the RTL with Vivado; with --synthesize.")
    ] = False,
) -> None:
    """Do everything a configuration asks for.

    Converts the model, writes the HLS project and looks at its text, compiles the emulator, runs the stored test
    vectors and compares: accuracy against labels, agreement with the stored outputs of the source model
    (expected.npy, expected_softmax.npy beside the test inputs).
    """
    further = {"cosim": cosim, "vsynth": vsynth}
    if any(further.values()) and not synthesize:
        raise ConfigError("--cosim and --vsynth are steps of --synthesize; give that too")
    settings = hlsgen.load_config(config)
    with working("converting"):
        project = hlsgen.convert(None, settings, overwrite=overwrite)
    with working("writing"):
        folder = project.write()
    if check:
        lint.lint_of_build(project)
    with working("compiling the emulator"):
        project.compile()
    result = None
    if settings.test_vectors is not None:
        with working("running the test vectors"):
            result = score(project, settings.test_vectors)
    show_score(project, folder, result)
    if synthesize:
        print(project.synthesize(**{step: True for step, wanted in further.items() if wanted}))
    if min_agreement is not None and (result is None or (result.agreement or 0.0) < min_agreement):
        raise typer.Exit(1)


@app.command()
def convert(
    model: Model,
    output: Annotated[Path | None, option("--output", "-o", text="Folder for the project.")] = None,
    config: ConfigFile = None,
    weights: Weights = None,
    calibration: Calibration = None,
    calibration_method: Method = None,
    default_width: Width = None,
    precision: Precision = None,
    input_precision: InputPrecision = None,
    io_type: Io = None,
    interface: Ports = None,
    control: ControlOption = None,
    axi_lite: AxiLite = None,
    tlast: Tlast = None,
    port_width: PortWidth = None,
    strategy: StrategyOption = None,
    reuse_factor: Reuse = None,
    part: Part = None,
    clock_period: Clock = None,
    clock_uncertainty: Uncertainty = None,
    project_name: Name = None,
    overwrite: Overwrite = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not print the summary.")] = False,
    print_after: Annotated[
        list[str] | None, option("--print-after", text="Print the graph after this pass (see 'hlsgen passes').")
    ] = None,
) -> None:
    """Write the HLS project of a model and print its summary."""
    overrides = given(
        calibration_method=calibration_method,
        default_width=default_width,
        precision=precision,
        input_precision=input_precision,
        io_type=io_type,
        interface=interface,
        control=control,
        axi_lite=axi_lite,
        tlast=tlast,
        port_width=port_width,
        strategy=strategy,
        reuse_factor=None if reuse_factor is None else _factor(reuse_factor),
        part=part,
        clock_period=clock_period,
        clock_uncertainty=clock_uncertainty,
        project_name=project_name,
    )
    project = converted(
        model,
        config,
        weights=weights,
        calibration=calibration,
        output_dir=output,
        overwrite=overwrite,
        after_pass=_printer(print_after or []),
        **overrides,
    )
    with working("writing"):
        folder = project.write()
    if not quiet:
        print(project.summary())
    print(f"written to {folder}")


@app.command()
def config(
    model: Annotated[Path, existing("A .keras, .h5, .json or .onnx model.")],
    granularity: Annotated[Granularity, typer.Option("--granularity", "-g", help="How much to spell out.")] = "model",
) -> None:
    """Print a YAML configuration for a model with the settings there are, to edit."""
    with working("reading the model"):
        settings = hlsgen.default_config(model, granularity)
    entries = {key: value for key, value in settings.model_dump(mode="json").items() if value is not None}
    # a configuration is read as UTF-8; what an output of another encoding does not hold is escaped by YAML's rules
    print(written(entries, ascii_only=not _is_utf8(sys.stdout)), end="")


@app.command()
def predict(
    model: Model,
    inputs: Annotated[Path, existing("Input samples, .npy (n, *shape); .npz by name for several inputs.")],
    outputs: Annotated[Path, existing("Where the output goes: .npy, or .npz for several outputs.")],
    raw: Annotated[bool, typer.Option("--raw", help="Write integer mantissas instead of real values.")] = False,
    config: ConfigFile = None,
    weights: Weights = None,
    calibration: Calibration = None,
    calibration_method: Method = None,
    default_width: Width = None,
    precision: Precision = None,
    input_precision: InputPrecision = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")] = False,
) -> None:
    """Run the emulator on stored samples: exactly what the chip will compute."""
    if not overwrite and os.path.lexists(outputs):
        raise OutputDirError(f"{outputs}: exists already; give another name, or --overwrite")
    overrides = given(
        calibration_method=calibration_method,
        default_width=default_width,
        precision=precision,
        input_precision=input_precision,
    )
    project = converted(model, config, weights=weights, calibration=calibration, **overrides)
    if raw:
        _check_storable(project.design.outputs)
    data = load_inputs(inputs, project.design.inputs)
    with working("compiling the emulator"):
        project.compile()
    with working("predicting"):
        result = project.predict(data, raw=raw)
    _save(outputs, result, project.design.output_names)
    print(f"written to {outputs}")


@app.command()
def area(
    model: Model,
    config: ConfigFile = None,
    weights: Weights = None,
    calibration: Calibration = None,
    family: Annotated[
        str | None, option("--family", text="xc7, xcu, xcup or ecp5; by default that of the configured part.")
    ] = None,
    clock_period: Clock = None,
    strategy: StrategyOption = None,
    reuse_factor: Reuse = None,
) -> None:
    """Estimate what a model takes of a device as a circuit of backend verilog, by yosys."""
    project = _circuit(model, config, weights, calibration, clock_period, strategy, reuse_factor)
    with working("synthesizing") as progress:
        found = project.area(family, log=progress)
    print(found)


@app.command()
def timing(
    model: Model,
    config: ConfigFile = None,
    weights: Weights = None,
    calibration: Calibration = None,
    device: Annotated[
        str | None,
        option("--device", text="ecp5-12k, ecp5-25k, ecp5-45k or ecp5-85k; by default the configured part, else 85k."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="From which nextpnr places.")] = SEED,
    keep: Annotated[
        float | None, option("--keep", text="The clock period that is to be kept, in ns; default: --clock-period.")
    ] = None,
    clock_period: Clock = None,
    strategy: StrategyOption = None,
    reuse_factor: Reuse = None,
) -> None:
    """Place and route a model as a circuit of backend verilog, by nextpnr; fail if it does not keep its clock."""
    project = _circuit(model, config, weights, calibration, clock_period, strategy, reuse_factor)
    with working("placing and routing") as progress:
        found = project.timing(device, clock_period=keep, seed=seed, on_failure="ignore", log=progress)
    print(found)
    if not found.met:
        raise typer.Exit(1)


@app.command()
def simulate(
    model: Model,
    inputs: Annotated[
        Path | None, existing("Input samples, .npy (n, *shape) or .npz by name; else the test vectors.")
    ] = None,
    gaps: Annotated[float, typer.Option("--gaps", help="Share of clocks in which no word is offered.")] = 0.0,
    stalls: Annotated[float, typer.Option("--stalls", help="Share of clocks in which no word is taken.")] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="Of gaps and stalls, which come at random.")] = 0,
    trace: Annotated[Path | None, option("--trace", text="Write waveforms: .fst or .vcd.")] = None,
    config: ConfigFile = None,
    weights: Weights = None,
    calibration: Calibration = None,
    calibration_method: Method = None,
    default_width: Width = None,
    precision: Precision = None,
    input_precision: InputPrecision = None,
    strategy: StrategyOption = None,
    reuse_factor: Reuse = None,
    clock_period: Clock = None,
) -> None:
    """Run the circuit of a model clock by clock: its Verilog, in Verilator.

    The backend is verilog, whatever the configuration says. Prints latency, interval, stalls and how full each FIFO
    was, and compares every integer with the emulator. Exit status 1 if one differs.
    """
    overrides = given(
        calibration_method=calibration_method,
        default_width=default_width,
        precision=precision,
        input_precision=input_precision,
        strategy=strategy,
        reuse_factor=None if reuse_factor is None else _factor(reuse_factor),
        clock_period=clock_period,
    )
    project = converted(model, config, weights=weights, calibration=calibration, backend="verilog", **overrides)
    data, _ = samples_for(project, "simulate", "behind the model", inputs)
    if not simulated(project, data, gaps=gaps, stalls=stalls, seed=seed, trace=trace):
        raise typer.Exit(1)
    if trace is not None:
        print(f"waveforms written to {trace}")


@app.command()
def passes() -> None:
    """List the passes between reading a model and writing C++, in the order in which they run."""
    rows = [("pass", "exact", "can be skipped", "what it does")]
    for step in stages(Config()):
        words = (type(step).__doc__ or "").strip().partition("\n\n")[0]
        rows.append((step.pass_name(), _yes(step.exact), _yes(step.optional), " ".join(words.split())))
    show_rows(rows)
    print("exact: outputs do not change by one bit. Skip with 'skip_passes: [name]' in the configuration.")


@app.command()
def export(
    model: Model,
    kind: Annotated[str, existing(f"What to write: {', '.join(EXPORTS)} (see docs/exports.md).")],
    output: Annotated[Path, option("--output", "-o", text="Folder for the files.")],
    option: Annotated[
        list[str] | None, option("--set", text="An option of the kind: 'word_width=32', 'formats=[hex, bin]'.")
    ] = None,
    config: ConfigFile = None,
    weights: Weights = None,
    calibration: Calibration = None,
    calibration_method: Method = None,
    default_width: Width = None,
    precision: Precision = None,
    input_precision: InputPrecision = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a converted model as files for other machines: tables, memory images, test vectors, C, QONNX."""
    options = given_options(option or [])
    checked_options(kind, options)  # what is misspelt is refused before any work
    overrides = given(
        calibration_method=calibration_method,
        default_width=default_width,
        precision=precision,
        input_precision=input_precision,
    )
    project = converted(model, config, weights=weights, calibration=calibration, **overrides)
    with working("exporting"):
        folder = project.export(kind, output, overwrite=overwrite, **options)
    print(f"written to {folder}")


app.command(name="diagnose")(diagnose.diagnose)
app.command(name="doctor")(doctor.doctor)
app.command(name="lint")(lint.lint)
app.command(name="report")(report.report)
app.command(name="profile")(looking.profile)
app.command(name="compare")(looking.compare)
app.command(name="sensitivity")(looking.sensitivity)
app.command(name="quantize")(quantize.quantize)
app.command(name="reports")(reports.reports)
app.command()(estimate.estimate)
app.command(name="bitstream")(board.bitstream)
app.command(name="run")(board.run)


def _printer(wanted: list[str]) -> Callable[[str, Graph | Draft], None] | None:
    """What prints the graph after the passes asked for. Raises ConfigError for one that does not exist."""
    known = [step.pass_name() for step in stages(Config())]
    for name in wanted:
        if name not in known:
            raise ConfigError(f"--print-after: no pass '{name}'{nearest(name, known)}")

    def show(name: str, graph: Graph | Draft) -> None:
        if name in wanted:
            print(f"after {name}\n{graph}\n")

    return show if wanted else None


def _circuit(
    model: Path,
    config: Path | None,
    weights: Path | None,
    calibration: Path | None,
    clock_period: float | None,
    strategy: str | None,
    reuse_factor: str | None,
) -> hlsgen.Project:
    """Convert a model for backend verilog, whatever its configuration is for."""
    factor = None if reuse_factor is None else _factor(reuse_factor)
    overrides = given(clock_period=clock_period, strategy=strategy, reuse_factor=factor)
    return converted(model, config, weights=weights, calibration=calibration, backend="verilog", **overrides)


def _factor(text: str) -> int | str:
    """A reuse factor as a configuration has it."""
    if text != "auto" and not (text.isascii() and text.isdecimal()):
        raise ConfigError(f"--reuse-factor: expected a whole number or 'auto', found {brief(text)}")
    return text if text == "auto" else int(text)


def _check_storable(outputs: Sequence[Tensor]) -> None:
    """Refuse mantissas for which NumPy's files have no integers. Raises ConfigError."""
    for tensor in outputs:
        if tensor.type.width + (not tensor.type.signed) > _INTEGER_BITS:
            raise ConfigError(
                f"--raw: output '{tensor.name}' is {tensor.type}, and files hold integers of up to {_INTEGER_BITS} "
                "bits; leave --raw out, give a narrower type, or call project.predict(x, raw=True) in Python"
            )


def _save(path: Path, result: Any, names: tuple[str, ...]) -> None:
    arrays = result if isinstance(result, list) else [result]
    try:
        with replacing(path) as file:  # a file object: np.save would add .npy to a name without it
            if path.suffix == ".npz" or len(arrays) > 1:
                _write_npz(file, dict(zip(names, arrays, strict=True)))
            else:
                np.save(file, arrays[0])
    except OSError as error:
        reason = error.strerror or error  # NumPy's own has no number
        raise OutputDirError(f"{path}: cannot be written ({reason}); give another name, or make room") from error


def _write_npz(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """Write arrays under any names: to ``np.savez`` they would be keywords, and some of those are its own."""
    with ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _is_utf8(stream: TextIO) -> bool:
    encoding = getattr(stream, "encoding", None) or "utf-8"  # a text in memory has none
    return codecs.lookup(encoding).name == "utf-8"


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"
