"""A project's text for clang, which obeys the pragmas that change what is built: UNROLL, PIPELINE, INLINE.

No line is added or taken away, so that what clang says of a line is true of the project's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass

from hlsgen.linter.limits import MOST_REGISTERS
from hlsgen.linter.source import Kind, Pragma, Scope, Source, without_template

_CONSTANT = re.compile(
    r"\bstatic const (?P<type>[^;={}()]+?) (?P<name>\w+)\[(?P<size>[^\]]+)\](?P<more>(?:\[[^\]]+\])*) = "
)


_ANY_CONSTANT = re.compile(r"\bstatic const [^;={}()]+ = ")


@dataclass(frozen=True)
class Obedience:
    """``processes``: the functions that regions with DATAFLOW call; each stays one. ``regions``: the functions that are
    such themselves, below the top function, of which they become a part.

    ``flat``: the top function is one pipeline, so that no loop of a process is left. ``opaque``: values of constant
    arrays are hidden, so that no product of one folds away. ``whole``: all is one function, where every constant that
    is not hidden is known.
    """

    processes: Set[str]
    regions: Set[str]
    flat: bool
    opaque: bool
    whole: bool


_PARTITION = re.compile(
    r"^#pragma HLS ARRAY_PARTITION variable=(?P<name>\w+) (?:type=)?complete(?: dim=(?P<dim>\d+))?[ \t]*$", re.MULTILINE
)


def has_known_constants(sources: Mapping[str, Source]) -> bool:
    """Whether some constants are no arrays of words: structures that say how something is built, and are not hidden."""
    return any(
        not _CONSTANT.match(found.group())
        for name, source in sources.items()
        if "weights" in name
        for found in _ANY_CONSTANT.finditer(source.code)
    )


def obeyed(sources: Mapping[str, Source], how: Obedience) -> dict[str, str]:
    """The texts with attributes and loop pragmas of clang in front of what HLS's pragmas are about."""
    texts = {}
    for name, source in sources.items():
        edits = [*_functions(source, how), *_loops(source, how)]
        text = _edited(source.text, edits)
        if source.path.startswith("hlsgen/"):
            text = _PARTITION.sub(_counted, text)
        texts[name] = _CONSTANT.sub(_hidden, text) if how.opaque and "weights" in name else text
    return texts


def _counted(found: re.Match[str]) -> str:
    """A statement that clang warns of where an array has more elements than become registers."""
    dim = int(found["dim"] or 1)
    return f"(void)hlsgen_lint::registers<{MOST_REGISTERS}, {dim}, decltype({found['name']})>::fits();"


def _hidden(found: re.Match[str]) -> str:
    kind, name, shape = found["type"], found["name"], f"[{found['size']}]{found['more']}"
    return f"extern const {kind} {name}{shape}; static const {kind} {name}_hidden{shape} = "


def _functions(source: Source, how: Obedience) -> list[tuple[int, str]]:
    edits = []
    for scope in source.functions():
        if not scope.name:  # a lambda, which clang inlines where it is called
            continue
        place = scope.start + len(scope.head) - len(without_template(scope.head))
        edits.append((place, f"__attribute__(({_inlining(scope, how)})) "))
    return edits


def _inlining(scope: Scope, how: Obedience) -> str:
    """The tool inlines a small function by itself, whether it is asked to or not."""
    inline = _pragma(scope, "INLINE")
    if how.whole or scope.name in how.regions:
        return "always_inline"
    if inline is not None:
        return "noinline" if inline.has("off") else "always_inline"
    return "noinline" if scope.name in how.processes else "always_inline"


def _loops(source: Source, how: Obedience) -> list[tuple[int, str]]:
    edits = []
    for scope in source.scopes:
        wish = _unrolling(scope, how) if scope.kind is Kind.LOOP else None
        if wish is not None:
            edits.append((scope.start, f'_Pragma("clang loop {wish}") '))
    return edits


def _unrolling(scope: Scope, how: Obedience) -> str | None:
    """How a loop is unrolled: by its own pragma, or completely since a pipeline encloses it."""
    unroll = _pragma(scope, "UNROLL")
    if unroll is not None and not unroll.has("off"):
        factor = unroll.option("factor")
        return f"unroll_count({factor})" if factor else "unroll(full)"
    parent = scope.parent
    while parent is not None and parent.kind is not Kind.FILE:
        pipeline = _pragma(parent, "PIPELINE")
        if pipeline is not None and not pipeline.has("off"):
            return "unroll(full)"
        parent = parent.parent
    return "unroll(full)" if how.flat else None


def _pragma(scope: Scope, directive: str) -> Pragma | None:
    return next((pragma for pragma in scope.pragmas if pragma.directive == directive), None)


def _edited(text: str, edits: list[tuple[int, str]]) -> str:
    """The text with words put in at offsets."""
    parts, last = [], 0
    for place, words in sorted(edits):
        parts += [text[last:place], words]
        last = place
    return "".join([*parts, text[last:]])
