"""``hlsgen lint``, and what ``hlsgen build`` asks of it: can a project become good hardware? Without any HLS tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import hlsgen
from hlsgen.cli.show import show_rows, working
from hlsgen.linter.finding import Multiplications, Report
from hlsgen.linter.lint import FIRMWARE, lint_texts


def lint(
    project: Annotated[Path, typer.Argument(help="The folder of a written project.", show_default=False)],
    clang: Annotated[
        str | None,
        typer.Option("--clang", help="The clang (or zig) to use; else one is looked for.", show_default=False),
    ] = None,
    constants: Annotated[
        bool, typer.Option("--constants", help="Also count the multiplications left with the project's constants.")
    ] = False,
) -> None:
    """Check a written project for what no good circuit has, without any HLS tool.

    The text: every pragma against the tool's grammar and for its place, canonical dataflow, limits. Where a clang is
    there, also what is built: no divider, no floating point, no call of what cannot be built, registers where registers
    are asked for, as many products as stated. Exit status 1 if there are errors.
    """
    with working("looking at the project"):
        report = hlsgen.lint(project, clang, constants=constants)
    for line in (*report.findings, *report.notes):
        print(line)
    _show_multiplications(report)
    print(_counted(report))
    if report.errors:
        raise typer.Exit(1)


def lint_of_build(project: hlsgen.Project) -> None:
    """Look at the text of a project that is being built, and print what is found; leave with status 1 for an error.

    The text alone: it takes some tenths of a second, where a clang would take many.
    """
    files = {name.removeprefix(FIRMWARE): text for name, text in project.files.items() if name.startswith(FIRMWARE)}
    sources = {name: text for name, text in files.items() if name.endswith((".h", ".cpp"))}
    if not sources:  # another backend's
        return
    with working("looking at the project"):
        report = lint_texts(sources, None, syntax=False)
        if report.errors:  # is it wrong, or of a form that only a parser knows?
            report = lint_texts(sources, None)
    for finding in report.findings:
        print(finding)
    if report.findings:
        print(_counted(report))
    if report.errors:
        print("stopped; --no-lint builds nevertheless")
        raise typer.Exit(1)


def _counted(report: Report) -> str:
    warnings = len(report.findings) - len(report.errors)
    return f"{_number(len(report.errors), 'error')}, {_number(warnings, 'warning')}"


def _show_multiplications(report: Report) -> None:
    multiplying = [entry for entry in report.multiplications if entry.count]
    if not multiplying:
        return
    known = ("with its constants",) if multiplying[0].left is not None else ()
    rows = [("kernel", "", "multiplications", "bits of a product", *known)]
    show_rows([*rows, *(_row(entry) for entry in multiplying)])


def _row(entry: Multiplications) -> tuple[str, ...]:
    widths = [width for width, _ in entry.widths]
    bits = str(widths[0]) if len(widths) == 1 else f"{widths[0]} to {widths[-1]}"
    left = () if entry.left is None else (f"{entry.left:,}",)
    return (entry.step, entry.function, f"{entry.count:,}", bits, *left)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
