"""``hlsgen sweep best``, ``show`` and ``page``: what a study found, also while it grows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hlsgen.cli.options import existing, option
from hlsgen.errors import ConfigError, InputError, UnknownNameError, brief
from hlsgen.explore.storage import read_study
from hlsgen.explore.study import Study

File = Annotated[Path, existing("The file of a study, also of one that is growing.")]


def best(
    study: File,
    maximum: Annotated[
        list[str] | None, option("--max", text="What an objective may be at most: 'lut=20000', 'latency=100ns'.")
    ] = None,
    minimum: Annotated[
        list[str] | None, option("--min", text="What an objective has to be at least: 'accuracy=0.97'.")
    ] = None,
    by: Annotated[
        str | None, option("--by", text="The objective that decides; else the first that has no limit.")
    ] = None,
    output: Annotated[
        Path | None, option("--output", "-o", text="Write the configuration there, as 'hlsgen build' reads it.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is no such one, too.")] = False,
) -> None:
    """Give the configuration of the best trial within limits.

    Without --output it is printed. Of equally good ones the other objectives decide in their order, then the lower
    number.
    """
    found = read_study(study)
    upper, lower = _limits(found, "--max", maximum), _limits(found, "--min", minimum)
    _check_objective(found, "--by", by)
    trial = found.best(upper, lower, by)
    if output is None:
        print(found.yaml_of(trial), end="")
        return
    file = found.write_yaml(trial, output, overwrite=overwrite)
    print(found.described(trial))
    print(f"written to {file}")


def show(
    study: File,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Also the trials that others beat.")] = False,
    plot: Annotated[Path | None, option("--plot", text="Draw fronts: .png, .svg or .pdf.")] = None,
    parallel: Annotated[Path | None, option("--parallel", text="Draw parallel coordinates.")] = None,
    csv: Annotated[Path | None, option("--csv", text="Write a row for each trial.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is no such table, too.")] = False,
) -> None:
    """Print the trials of a study that none beats; those that are best in the first objective first."""
    found = read_study(study)
    print(found.all_text if everything else found)
    for path, kind in ((plot, "front"), (parallel, "parallel")):
        if path is not None:
            print(f"drawn to {found.plot(path, kind)}")  # type: ignore[arg-type]
    if csv is not None:
        print(f"written to {found.to_csv(csv, overwrite=overwrite)}")


def page(
    study: File,
    output: Annotated[Path | None, option("--output", "-o", text="The page, .html; else named as the study.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is no such page, too.")] = False,
) -> None:
    """Write one page that shows a study: fronts, parallel coordinates, every trial with its configuration."""
    found = read_study(study)
    print(f"written to {found.page(output or study.with_suffix('.html'), overwrite=overwrite)}")


def _limits(study: Study, option_name: str, words: list[str] | None) -> dict[str, str]:
    """Objectives and numbers with units, as ``lut=20000`` says them. Raises ConfigError."""
    found: dict[str, str] = {}
    for word in words or ():
        name, sign, value = (part.strip() for part in word.rpartition("="))
        if not sign:
            raise ConfigError(f"{option_name}: expected an objective and a number, as 'lut=20000', found {brief(word)}")
        _check_objective(study, option_name, name)
        if name in found:
            raise ConfigError(f"{option_name}: {brief(name)} has two limits; give one")
        try:
            study.quantity(name, value)
        except InputError as error:
            raise ConfigError(f"{option_name}: {error}") from error
        found[name] = value
    return found


def _check_objective(study: Study, option_name: str, name: str | None) -> None:
    try:
        if name is not None:
            study.goal(name)
    except UnknownNameError as error:
        raise ConfigError(f"{option_name}: {error}") from error
