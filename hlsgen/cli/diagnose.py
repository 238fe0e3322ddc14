"""``hlsgen diagnose``: which layer diverges from the model, why, and what cures it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import hlsgen
from hlsgen.analysis.diagnosis.fragments import fragment_of, merged
from hlsgen.cli.options import ModelOrConfig, model_and_config
from hlsgen.cli.samples import files_for
from hlsgen.cli.show import working
from hlsgen.design.array_files import load_array, load_inputs
from hlsgen.errors import ConfigError, OutputDirError
from hlsgen.files import replacing
from hlsgen.frontends.values import GRAPH
from hlsgen.strict_yaml import parse, written


def diagnose(
    model: ModelOrConfig,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Samples, .npy (n, *shape) or .npz by name; else the test vectors' x."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="The right classes, .npy (n,); else the test vectors' y.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="YAML configuration.")] = None,
    reference: Annotated[
        str | None,
        typer.Option("--reference", help=f"Another model to compare with, or '{GRAPH}': without any framework."),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Repair, and write the configuration.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where --fix writes it; default: over the one that is there."),
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="Print every layer, too.")] = False,
) -> None:
    """Find the first layer that diverges from the model beyond what rounding explains, why, and the cure.

    With --fix, fixes are applied one after the other until nothing is wrong, each is shown with the agreement before
    and after it, and the configuration is written; the former file is kept beside it as FILE.bak. Exit status: 0
    nothing is wrong (with --fix: any more), 1 something is, 2 wrong use or configuration.
    """
    source, file = model_and_config(model, config)
    if fix and file is None and output is None:
        raise ConfigError("--fix: there is no configuration to write to; name a new one with --output")
    if fix and output is not None and output.exists() and not (file is not None and output.samefile(file)):
        raise OutputDirError(f"{output}: exists already; give another name to --output")
    settings = hlsgen.Config() if file is None else hlsgen.load_config(file)
    x, y_file = files_for(settings, data, labels)
    if x is None:
        raise ConfigError("there are no data to look at; give --data samples.npy, or test_vectors in the configuration")
    with working("converting"):
        project = hlsgen.convert(source, settings)
    # an array of other axes is looked into; several are checked before they are unpacked
    samples = load_inputs(x, project.design.inputs) if x.suffix == ".npz" else load_array(x)
    y = None if y_file is None else _labels(y_file, given=labels is not None)
    if not fix:
        with working("diagnosing"):
            found = project.diagnose(samples, reference, y)
        print("nothing is wrong" if found is None else found)
        if table and found is not None and found.layers:
            print(f"\n{found.table}")
        raise typer.Exit(0 if found is None else 1)
    with working("repairing"):
        done = project.repair(samples, reference, y)
    print(done)
    if done.fix is not None:
        _write(file, output or file, done.fix, model)
    raise typer.Exit(0 if done.left is None else 1)


def _labels(file: Path, *, given: bool) -> Any:
    """Labels; of a file that was not given as one of labels, None where it holds something else."""
    y = load_array(file)
    return y if given or (y.dtype.kind in "iub" and y.ndim <= 1) else None


def _write(former: Path | None, path: Path | None, fix: str, model: Path) -> None:
    """Write a configuration with a fix merged into it: comments are lost, so the former file is kept."""
    assert path is not None
    settings: dict[str, Any] = {} if former is None else dict(_mapping(former))
    if "model" not in settings:
        settings["model"] = str(model.resolve())
    if former is not None and former.resolve().parent != path.resolve().parent:
        settings = _with_absolute_paths(settings, former.resolve().parent)
    text = written(merged(settings, fragment_of(fix)))
    try:
        if former is not None and path.exists() and former.samefile(path):
            kept = path.with_name(f"{path.name}.bak")
            with replacing(kept) as file:
                file.write(former.read_bytes())
            print(f"the former configuration is kept as {kept}")
        elif path.exists():
            raise OutputDirError(f"{path}: exists by now; give another name to --output")
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise OutputDirError(f"{path}: cannot be written ({error.strerror or error}); give another name") from error
    print(f"written to {path}")


def _mapping(path: Path) -> Mapping[str, Any]:
    data = parse(path.read_text(encoding="utf-8"), str(path)).data
    return data if isinstance(data, Mapping) else {}


def _with_absolute_paths(settings: dict[str, Any], base: Path) -> dict[str, Any]:
    """Paths of a configuration that is to stand in another folder."""
    found = dict(settings)
    for key in ("model", "weights", "output_dir", "calibration"):
        if isinstance(found.get(key), str):
            found[key] = str(base / found[key])
    if isinstance(found.get("test_vectors"), Mapping):
        found["test_vectors"] = {key: str(base / value) for key, value in found["test_vectors"].items()}
    return found
