"""``hlsgen sweep sweep.yml`` searches for designs; ``hlsgen sweep show sweep.db`` and others look at what it found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hlsgen.cli import sweep_looking
from hlsgen.cli.options import existing, given, option
from hlsgen.explore.sweep_file import SweepFile


class _FileFirst(TyperGroup):
    """A group whose command ``run`` need not be said: ``hlsgen sweep sweep.yml``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_FileFirst,
    help="Search the settings of a model for designs that none beats: 'hlsgen sweep sweep.yml'.",
    no_args_is_help=True,
)


@app.command()
def run(
    file: Annotated[Path, existing("YAML: model, space, data, objectives (see docs/sweep.md).")],
    trials: Annotated[int | None, option("--trials", "-n", text="How many trials there are to be in all.")] = None,
    sampler: Annotated[str | None, option("--sampler", text="auto, grid, random, tpe or nsga2.")] = None,
    seed: Annotated[int | None, option("--seed", text="Of all that is random.")] = None,
    storage: Annotated[Path | None, option("--storage", text="The file of the study; goes on if it is there.")] = None,
    workers: Annotated[int | None, option("--workers", text="Processes that compute trials; 0: this one.")] = None,
    scheduler: Annotated[str | None, option("--scheduler", text="Dask computes trials: tcp://host:8786.")] = None,
    timeout: Annotated[float | None, option("--timeout", text="Seconds after which a trial has failed.")] = None,
    prune: Annotated[
        bool | None, option("--prune/--no-prune", text="Leave designs after a part of the data that others beat.")
    ] = None,
) -> None:
    """Search, or go on: the study is kept beside the file. 'run' need not be said."""
    sweep = SweepFile.read(file)
    who = given(workers=workers, scheduler=scheduler, timeout=timeout)
    found = sweep.run(**given(trials=trials, sampler=sampler, seed=seed, storage=storage, prune=prune), **who)
    print(found)
    print(f"\nkept in {found.path}")
    if found.interrupted:
        print("interrupted: the same command goes on")
        raise typer.Exit(1)


app.command()(sweep_looking.show)
app.command()(sweep_looking.best)
app.command()(sweep_looking.page)
