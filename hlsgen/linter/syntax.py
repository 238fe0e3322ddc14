"""What opens at each brace, by libclang: the function or loop that a pragma stands in, whatever its text looks like.

The reader of text (``source.py``) knows the forms that docs/kernels.md allows. Of lambdas, loops behind a macro,
braces in the head of a loop or behind a constructor's colon it knows nothing; clang's own parser does. Its bindings are
the package libclang (``pip install 'hlsgen[lint]'``); where they are missing, or clang does not take the text, scopes
are as the text reads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hlsgen.linter.compile import lint_headers
from hlsgen.linter.source import Kind, Opened

_FLAGS = ("--target=spir64-unknown-unknown", "-nostdinc", "-nostdinc++", "-std=c++14", "-D__SYNTHESIS__", "-w")
_WIDE_INTEGERS = ("-Xclang", "-fexperimental-max-bitint-width=65536")
_FUNCTIONS = "FUNCTION_DECL CXX_METHOD FUNCTION_TEMPLATE CONSTRUCTOR DESTRUCTOR CONVERSION_FUNCTION LAMBDA_EXPR".split()
_LOOPS = ("FOR_STMT", "WHILE_STMT", "DO_STMT", "CXX_FOR_RANGE_STMT")
_OUTSIDE = ("TRANSLATION_UNIT", "NAMESPACE")
_BRANCHES = ("IF_STMT", "SWITCH_STMT")


def opened_by_clang(files: Mapping[str, str], top: str) -> dict[str, dict[int, Opened]]:
    """File -> offset of a brace -> what opens there; empty without libclang, or for a text that it does not take."""
    try:
        from clang import cindex
    except ImportError:
        return {}
    with tempfile.TemporaryDirectory(prefix="hlsgen_lint_") as name:
        folder = Path(name).resolve()
        for file, text in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        headers = (f"-I{lint_headers()}", "-include", "registers.h", f"-I{folder}")
        try:
            unit = cindex.Index.create().parse(str(folder / f"{top}.cpp"), [*_FLAGS, *_WIDE_INTEGERS, *headers])
        except (cindex.TranslationUnitLoadError, cindex.LibclangError):
            return {}
        if any(problem.severity >= cindex.Diagnostic.Error for problem in unit.diagnostics):
            return {}
        return _opened(unit, folder, files)


def _opened(unit: Any, folder: Path, files: Mapping[str, str]) -> dict[str, dict[int, Opened]]:
    found: dict[str, dict[int, Opened]] = {file: {} for file in files}
    places = {str(folder / file): file for file in files}
    for cursor in unit.cursor.get_children():
        named = cursor.location.file
        file = None if named is None else places.get(named.name)
        if file is not None and cursor.kind.name != "VAR_DECL":
            for brace, start, kind in _braces(cursor):
                found[file][brace] = Opened(kind, start)
    return {file: _in_letters(files[file], braces) for file, braces in found.items()}


def _braces(cursor: Any) -> Iterator[tuple[int, int, Kind]]:
    """Offsets in bytes of the braces below a cursor, of the head before each, and what opens there."""
    kind = {**dict.fromkeys(_FUNCTIONS, Kind.FUNCTION), **dict.fromkeys(_LOOPS, Kind.LOOP)}.get(cursor.kind.name)
    kind = Kind.BRANCH if cursor.kind.name in _BRANCHES else kind
    constants = cursor.kind.name in _OUTSIDE
    for child in cursor.get_children():
        if constants and child.kind.name == "VAR_DECL":  # weights, a million of them: no pragma stands there
            continue
        brace = child.extent.start.offset
        if child.kind.name == "COMPOUND_STMT":
            of = kind or Kind.BLOCK
            yield brace, brace if of is Kind.BLOCK else cursor.extent.start.offset, of
        elif child.kind.name == "INIT_LIST_EXPR":
            yield brace, brace, Kind.VALUES
        yield from _braces(child)


def _in_letters(text: str, braces: Mapping[int, Opened]) -> dict[int, Opened]:
    """The same with offsets in letters, as Python counts, where there are some of several bytes."""
    if text.isascii():
        return dict(braces)
    content = text.encode("utf-8")

    def letters(offset: int) -> int:
        return len(content[:offset].decode("utf-8", "replace"))

    return {letters(brace): Opened(one.kind, letters(one.start)) for brace, one in braces.items()}
