"""``hlsgen reports``: what the vendor's tools said about a build, and what another build has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hlsgen.backends.vitis.reports import compare, read_reports


def reports(
    build: Annotated[
        Path,
        typer.Argument(
            help="A folder in which Vitis HLS or Vivado has run, or one of its reports.", show_default=False
        ),
    ],
    other: Annotated[
        Path | None, typer.Argument(help="Another build, to compare the first with.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")] = False,
) -> None:
    """Print what Vitis HLS and Vivado report about a build, or compare two builds figure by figure.

    C synthesis, co-simulation, and what Vivado makes of the RTL; by layer, where the folder is a project of hlsgen's.
    """
    first = read_reports(build)
    found = first if other is None else compare(first, read_reports(other))
    print(json.dumps(found.as_dict(), indent=2) if as_json else found)
