"""Whether a written project can become good hardware, as far as that shows without an HLS tool.

Two ways to look: at the text (pragmas against the tool's grammar, canonical dataflow, limits), which needs nothing; and
at the LLVM IR that clang makes of the top function with the pragmas obeyed (no divider, no floating point, no call of
what cannot be built, registers where registers are asked for, as many products as stated), which needs a clang.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from hlsgen.errors import OutputDirError, ToolError, brief
from hlsgen.linter.blame import Blame
from hlsgen.linter.circuit import Circuit
from hlsgen.linter.compile import compile_top
from hlsgen.linter.dataflow import Call, calls_of, check_dataflow, regions_of, top_function
from hlsgen.linter.finding import Finding, Multiplications, Report, Severity, ordered
from hlsgen.linter.grammar import check_pragmas
from hlsgen.linter.limits import MOST_PRODUCTS, check_limits
from hlsgen.linter.multiplexers import registers_of
from hlsgen.linter.obey import Obedience, has_known_constants
from hlsgen.linter.products import stated_products
from hlsgen.linter.source import Source
from hlsgen.linter.syntax import opened_by_clang
from hlsgen.named_files import checked_file, content_of, named_path
from hlsgen.tools import Clang, find_clang

_NO_CLANG = (
    "no clang: only the text was looked at, not what is built of it; pip install 'hlsgen[lint]' brings one, or install "
    "clang 16 or newer and give it by --clang or HLSGEN_CLANG"
)
FIRMWARE = "firmware/"
"""Where the texts of a project lie that are looked at."""
_LARGEST = 1 << 30
"""Bytes of a file: one of the largest weights that are read, as text."""


def lint(folder: str | Path, clang: str | None = None, *, constants: bool = False) -> Report:
    """Check a written project.

    ``clang``: a program; default: one that is found, else the text alone is looked at. ``constants``: also count the
    multiplications that are left when weights and tables are known, which takes as long again.

    Raises OutputDirError for a folder that holds no project, or files in it that cannot be read, ToolError for a clang
    that is none or does not take the text.
    """
    place = named_path(folder, "the folder of a project", OutputDirError)
    program = None if clang is None else str(named_path(clang, "a clang", ToolError))
    return lint_texts(_read(place), find_clang(program), constants=constants)


def lint_texts(
    files: Mapping[str, str], clang: Clang | None, *, constants: bool = False, syntax: bool = True
) -> Report:
    """Check the texts below ``firmware/``: file name -> text.

    ``syntax``: whether libclang, where it is there, says which function or loop a pragma stands in; else the text does,
    as its braces and heads read, which is quicker.
    """
    project = _Project.of(files, syntax)
    findings = list(project.of_text())
    if clang is None:
        return Report(project.placed(findings), (_NO_CLANG,))
    circuit, more = project.circuit(clang)
    findings += [*more, *circuit.findings(registers_of(project.sources)), *project.of_products(circuit)]
    left = project.circuit(clang, opaque=False)[0] if constants else None
    return Report(project.placed(findings), multiplications=tuple(_counts(project, circuit, left)))


def _counts(project: _Project, circuit: Circuit, left: Circuit | None) -> Iterator[Multiplications]:
    for call in project.calls:
        widths = circuit.widths(call.step)
        after = None if left is None else left.multiplied(call.step)
        yield Multiplications(call.step, call.function, widths.total(), tuple(sorted(widths.items())), after)


@dataclass(frozen=True)
class _Project:
    """The sources of a project, by their name below ``firmware/``."""

    sources: Mapping[str, Source]
    top: str

    @classmethod
    def of(cls, files: Mapping[str, str], syntax: bool = False) -> _Project:
        sources = {name: Source(name, text) for name, text in files.items()}
        tops = [name for name in files if name.endswith(".cpp")]
        found = [name for name in tops if top_function(sources[name]) is not None]
        top = PurePosixPath((found or tops)[0]).stem
        for name, opened in opened_by_clang(files, top).items() if syntax else ():
            sources[name] = Source(name, files[name], opened)
        return cls(sources, top)

    @property
    def main(self) -> Source:
        return self.sources[f"{self.top}.cpp"]

    @property
    def calls(self) -> list[Call]:
        return calls_of(self.main)

    def placed(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """All of them with their layers, in the order of the text."""
        blame = Blame(self.sources, self.top)
        named = (blame.named(finding) for finding in findings)
        return ordered(replace(finding, file=f"{FIRMWARE}{finding.file}") for finding in named)

    def of_text(self) -> Iterator[Finding]:
        if top_function(self.main) is None:
            yield Finding(
                f"{self.top}.cpp", 1, "top", f"no function '{self.top}'",
                "the top function has the file's name: rename one of them",
            )  # fmt: skip
        constants = frozenset(name for source in self.sources.values() for name in source.constants)
        for source in self.sources.values():
            yield from check_pragmas(source, constants)
        yield from check_dataflow(self.main, self.sources)
        yield from check_limits(self.main, self.sources)

    def circuit(self, clang: Clang, opaque: bool = True) -> tuple[Circuit, tuple[Finding, ...]]:
        """The circuit with all constants unknown (or as they are), and what clang has to say."""
        top = top_function(self.main)
        flat = top is not None and any(p.directive == "PIPELINE" and not p.has("off") for p in top.pragmas)
        whole = not opaque or has_known_constants(self.sources)
        regions = frozenset(region.function.name for region in regions_of(self.main))
        how = Obedience(frozenset(call.function for call in self.calls), regions - {self.top}, flat, opaque, whole)
        compiled = compile_top(self.sources, self.top, how, clang)
        lines = {call.line: call.step for call in self.calls}
        return Circuit(compiled.module, self.sources, self.top, lines), compiled.findings

    def of_products(self, circuit: Circuit) -> Iterator[Finding]:
        stated = stated_products(self.sources, self.top)
        for call in self.calls:
            count = circuit.widths(call.step).total()
            if call.step in stated and count != stated[call.step]:
                yield Finding(
                    f"{self.top}.cpp", call.line, "products", f"{call.step} multiplies {count} times side by side",
                    f"{stated[call.step]} are stated above it, so its kernel computes something else beside, or not "
                    "all: write the project again, or correct the kernel",
                    steps=(call.step,),
                )  # fmt: skip
            if count > MOST_PRODUCTS:
                yield Finding(
                    f"{self.top}.cpp", call.line, "limit", f"{call.step} multiplies {count:,} times side by side",
                    f"above {MOST_PRODUCTS:,} synthesis takes hours or gives up: give it strategy resource and a "
                    "larger reuse factor",
                    Severity.WARNING, (call.step,),
                )  # fmt: skip


def _read(folder: Path) -> dict[str, str]:
    """The texts of a project's firmware. Raises OutputDirError."""
    firmware = folder / "firmware"
    try:
        found = (folder / "hlsgen.json").is_file() and firmware.is_dir()
        paths = sorted(path for path in firmware.rglob("*") if path.suffix in (".h", ".cpp")) if found else []
    except (OSError, ValueError) as refused:  # of the system, or of a path with a NUL
        raise OutputDirError(f"{brief(str(folder))}: cannot be read ({refused})") from refused
    if not found:
        raise OutputDirError(f"{folder}: no project of hlsgen's; give the folder that 'hlsgen convert' has written")
    if not any(path.suffix == ".cpp" for path in paths):
        raise OutputDirError(f"{firmware}: no top function there; write the project again")
    return {path.relative_to(firmware).as_posix(): _text(path) for path in paths}


def _text(path: Path) -> str:
    """What stands in a file of the firmware. Raises OutputDirError."""
    expected = "a text of the firmware; write the project again, or take the file away"
    content = content_of(checked_file(path, expected, OutputDirError), expected, OutputDirError, _LARGEST)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OutputDirError(
            f"{path}: is no text in UTF-8 ({error.reason} at byte {error.start}); expected {expected}"
        ) from error
