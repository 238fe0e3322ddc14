"""``hlsgen data``: look at a file of samples, and split it into arrays that other commands take."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import typer

from hlsgen.cli.options import existing, option
from hlsgen.data import Clip, Data, MinMax, Pipeline, Robust, ZScore, load
from hlsgen.data.loading import Missing
from hlsgen.data.saved import write_folder
from hlsgen.errors import ConfigError, OutputDirError, brief

app = typer.Typer(help="Look at files of samples, split and scale them (see docs/data.md).", no_args_is_help=True)

Scale = Literal["zscore", "minmax", "robust"]
_SCALES = {"zscore": ZScore, "minmax": MinMax, "robust": Robust}

File = Annotated[Path, existing("Samples: .npy, .npz, .csv, .tsv, .parquet or .h5.")]
Features = Annotated[
    list[str] | None, option("--x", text="A column of features, or these; of .npz and .h5 the array of samples.")
]
Labels = Annotated[str | None, option("--y", text="The column of labels; with .npy, the file of labels.")]
Gaps = Annotated[Missing, typer.Option("--missing", help="What becomes of rows with missing values.")]
Separator = Annotated[str | None, option("--separator", text="Of a CSV file.")]


@app.command()
def show(
    file: File,
    x: Features = None,
    y: Labels = None,
    missing: Gaps = "refuse",
    separator: Separator = None,
    plot: Annotated[Path | None, option("--plot", text="Draw it: .png, .svg or .pdf.")] = None,
) -> None:
    """Print how each feature is distributed, and the classes."""
    data = _loaded(file, x, y, missing, separator)
    found = data.histogram()
    print("\n".join([str(found), *data.notes]))
    if plot is not None:
        print(f"drawn to {found.plot(plot)}")


@app.command()
def split(
    file: File,
    output: Annotated[Path, existing("Folder for pipeline.yml, train_x.npy, train_y.npy, ...")],
    part: Annotated[list[str], option("--part", text="A part and its share: train=0.6; give several.")],
    seed: Annotated[int, typer.Option("--seed", help="Which rows go where.")] = 0,
    stratify: Annotated[bool, typer.Option("--stratify", help="Share out each class by itself.")] = False,
    scale: Annotated[Scale | None, option("--scale", text="Scale by what the part train is like.")] = None,
    clip: Annotated[str | None, option("--clip", text="Then clip: '-8:8'.")] = None,
    x: Features = None,
    y: Labels = None,
    missing: Gaps = "refuse",
    separator: Separator = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that no split wrote, too.")] = False,
) -> None:
    """Split samples by a seed, scale them, and write each part as .npy.

    The scaling is fitted on the part train alone, and kept in pipeline.yml.
    """
    data = _loaded(file, x, y, missing, separator)
    parts = data.split(seed=seed, stratify=stratify, **_shares(part))
    steps = [_SCALES[scale]()] if scale is not None else []
    pipeline = Pipeline(*steps, *([] if clip is None else [_clip(clip)]))
    if pipeline.steps and "train" not in parts:
        raise ConfigError("--scale and --clip are fitted on the part train, which is not there; give --part train=0.6")
    fitted = pipeline.fit(parts["train"] if pipeline.steps else data)
    arrays = {f"{name}_x": fitted(found).x if pipeline.steps else found.x for name, found in parts.items()}
    arrays |= {f"{name}_y": found.y for name, found in parts.items() if found.y is not None}
    _no_other_parts(output, arrays)
    folder = write_folder(fitted, output, arrays, overwrite=overwrite)
    print("\n".join([str(parts), *data.notes, *fitted.notes, f"written to {folder}"]))


def _loaded(file: Path, x: list[str] | None, y: str | None, missing: Missing, separator: str | None) -> Data:
    return load(file, x[0] if x and len(x) == 1 else x or None, y, missing=missing, separator=separator)


def _no_other_parts(folder: Path, arrays: Collection[str]) -> None:
    """Raises OutputDirError where parts of another split would stay beside these: rows of it may be in both."""
    other = sorted(p.name for end in "xy" for p in folder.glob(f"*_{end}.npy") if p.stem not in arrays)
    if other:
        raise OutputDirError(
            f"{folder}: holds {', '.join(other)} of another split, of other rows or scaled otherwise; "
            "remove what is there, or name another folder"
        )


def _shares(parts: list[str]) -> dict[str, float]:
    """Names and shares as ``train=0.6`` says them. Raises ConfigError."""
    found: dict[str, float] = {}
    for text in parts:
        name, _, share = text.partition("=")
        if not name.isidentifier() or name in found:
            raise ConfigError(f"--part: found {brief(text)}, expected a name of its own and a share: train=0.6")
        found[name] = _number("--part", share, text)
    return found


def _clip(text: str) -> Clip:
    low, _, high = text.partition(":")
    return Clip(_number("--clip", low, text), _number("--clip", high, text))


def _number(option_name: str, word: str, text: str) -> float:
    try:
        return float(word)
    except ValueError as error:
        example = "train=0.6" if option_name == "--part" else "-8:8"
        raise ConfigError(f"{option_name}: found {brief(text)}, expected such as '{example}'") from error
