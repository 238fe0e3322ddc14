"""The grammar of ``#pragma HLS``: directives, their options and values, and where each may stand.

Facts from AMD's UG1399 (2022.2 to 2025.x) and from the option table of the tool's published front end
(github.com/Xilinx/hls-llvm-project, XlxPragmaOption.td). What is deprecated there is not in the table here: a design
of ours has no reason to write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from enum import Enum

from hlsgen.errors import nearest
from hlsgen.linter.finding import Finding, Severity
from hlsgen.linter.source import Kind, Pragma, Scope, Source, identifiers


class Value(Enum):
    """What an option is given: words are given in place of this enumeration."""

    INTEGER = "an integer constant"
    NUMBER = "a number"
    VARIABLE = "the name of a variable or parameter"
    NAME = "a name"
    NOTHING = "nothing"


class Place(Enum):
    """Where a directive may stand."""

    LOOP_HEAD = "at the head of a loop's body"
    FUNCTION_HEAD = "at the head of a function's body"
    LOOP_OR_FUNCTION_HEAD = "at the head of the body of a loop or of a function"
    INSIDE = "inside a function, behind the declaration of what it names"


Options = Mapping[str, Value | tuple[str, ...]]


@dataclass(frozen=True)
class Directive:
    """``required`` options must be there; values of ``words`` may also stand alone (``complete``)."""

    place: Place
    options: Options = field(default_factory=dict)
    required: tuple[str, ...] = ()
    words: Options = field(default_factory=dict)


_ON_OFF = ("true", "false", "0", "1")
_OFF: Options = {"off": (*_ON_OFF, "")}
_VARIABLE: Options = {"variable": Value.VARIABLE}
_PARTITION: Options = {**_VARIABLE, "factor": Value.INTEGER, "dim": Value.INTEGER, **_OFF}
_PARTITIONS: Options = {"type": ("block", "cyclic", "complete")}
_MODES = tuple(
    "ap_none ap_vld ap_ack ap_hs ap_ovld ap_fifo ap_memory bram axis s_axilite m_axi ap_ctrl_none ap_ctrl_hs "
    "ap_ctrl_chain ap_stable".split()
)
_REGISTER_MODES = ("forward", "reverse", "both", "off")
STORAGE_TYPES = tuple("fifo ram_1p ram_1wnr ram_2p ram_s2p ram_t2p rom_1p rom_2p rom_np".split())
STORAGE_IMPLS = tuple("bram bram_ecc lutram uram uram_ecc srl memory auto".split())
OPERATIONS = tuple(
    "mul add sub fadd fsub fdiv fexp flog fmul frsqrt frecip fsqrt dadd dsub ddiv dexp dlog dmul drsqrt drecip dsqrt "
    "hadd hsub hdiv hmul hsqrt facc fmacc fmadd icmp sdiv udiv srem urem lshr ashr shl".split()
)
OPERATION_IMPLS = tuple("dsp fabric meddsp fulldsp maxdsp primitivedsp auto none all".split())

DIRECTIVES: Mapping[str, Directive] = {
    "AGGREGATE": Directive(Place.INSIDE, _VARIABLE, ("variable",), {"compact": ("bit", "byte", "none", "auto")}),
    "ALIAS": Directive(
        Place.INSIDE, {"ports": Value.VARIABLE, "offset": Value.NAME, "distance": Value.NAME}, ("ports",)
    ),
    "ALLOCATION": Directive(
        Place.INSIDE,
        {"instances": Value.NAME, "limit": Value.INTEGER},
        ("instances", "limit"),
        {"type": ("function", "operation")},
    ),
    "ARRAY_PARTITION": Directive(Place.INSIDE, _PARTITION, ("variable",), _PARTITIONS),
    "ARRAY_RESHAPE": Directive(Place.INSIDE, {**_PARTITION, "object": Value.NOTHING}, ("variable",), _PARTITIONS),
    "BIND_OP": Directive(
        Place.INSIDE,
        {**_VARIABLE, "op": OPERATIONS, "impl": OPERATION_IMPLS, "latency": Value.INTEGER},
        ("variable", "op"),
    ),
    "BIND_STORAGE": Directive(
        Place.INSIDE,
        {**_VARIABLE, "type": STORAGE_TYPES, "impl": STORAGE_IMPLS, "latency": Value.INTEGER},
        ("variable", "type"),
    ),
    "CACHE": Directive(
        Place.INSIDE, {"port": Value.VARIABLE, "lines": Value.INTEGER, "depth": Value.INTEGER}, ("port",)
    ),
    "DATAFLOW": Directive(Place.LOOP_OR_FUNCTION_HEAD, {"disable_start_propagation": Value.NOTHING}),
    "DEPENDENCE": Directive(
        Place.INSIDE,
        {**_VARIABLE, "distance": Value.INTEGER},
        (),
        {
            "class": ("array", "pointer"),
            "type": ("intra", "inter"),
            "direction": ("raw", "war", "waw"),
            "dependent": ("true", "false"),
        },
    ),
    "DISAGGREGATE": Directive(Place.INSIDE, _VARIABLE, ("variable",)),
    "EXPRESSION_BALANCE": Directive(Place.LOOP_OR_FUNCTION_HEAD, _OFF),
    "FUNCTION_INSTANTIATE": Directive(Place.FUNCTION_HEAD, _VARIABLE, ("variable",)),
    "INLINE": Directive(Place.FUNCTION_HEAD, {**_OFF, "recursive": Value.NOTHING}),
    "INTERFACE": Directive(
        Place.FUNCTION_HEAD,
        {
            "port": Value.VARIABLE,
            "name": Value.NAME,
            "bundle": Value.NAME,
            "register": Value.NOTHING,
            "depth": Value.INTEGER,
            "offset": Value.NAME,
            "clock": Value.NAME,
            "latency": Value.INTEGER,
            "interrupt": Value.INTEGER,
            "storage_type": STORAGE_TYPES,
            "storage_impl": ("auto", "bram", "uram"),
            "num_read_outstanding": Value.INTEGER,
            "num_write_outstanding": Value.INTEGER,
            "max_read_burst_length": Value.INTEGER,
            "max_write_burst_length": Value.INTEGER,
            "max_widen_bitwidth": Value.INTEGER,
            "channel": Value.NAME,
            "direct_io": ("true", "false"),
        },
        ("port", "mode"),
        {"mode": _MODES, "register_mode": _REGISTER_MODES},
    ),
    "LATENCY": Directive(Place.INSIDE, {"min": Value.INTEGER, "max": Value.INTEGER}),
    "LOOP_FLATTEN": Directive(Place.LOOP_HEAD, _OFF),
    "LOOP_MERGE": Directive(Place.LOOP_OR_FUNCTION_HEAD, {"force": Value.NOTHING}),
    "LOOP_TRIPCOUNT": Directive(
        Place.LOOP_HEAD, {"min": Value.INTEGER, "max": Value.INTEGER, "avg": Value.INTEGER}, ("max",)
    ),
    "OCCURRENCE": Directive(Place.INSIDE, {"cycle": Value.INTEGER, **_OFF}),
    "PERFORMANCE": Directive(
        Place.LOOP_OR_FUNCTION_HEAD,
        {"target_ti": Value.NUMBER, "target_tl": Value.NUMBER, "unit": ("cycle", "sec")},
    ),
    "PIPELINE": Directive(
        Place.LOOP_OR_FUNCTION_HEAD,
        {"ii": Value.INTEGER, **_OFF, "rewind": ("true", "false", ""), "style": ("stp", "flp", "frp")},
    ),
    "PROTOCOL": Directive(Place.INSIDE, {}, (), {"mode": ("floating", "fixed")}),
    "RESET": Directive(Place.INSIDE, {**_VARIABLE, **_OFF}, ("variable",)),
    "STABLE": Directive(Place.INSIDE, _VARIABLE, ("variable",)),
    "STREAM": Directive(
        Place.INSIDE,
        {**_VARIABLE, "depth": Value.INTEGER, "type": ("fifo", "pipo", "shared", "unsync")},
        ("variable",),
    ),
    "TOP": Directive(Place.FUNCTION_HEAD, {"name": Value.NAME}),
    "UNROLL": Directive(Place.LOOP_HEAD, {"factor": Value.INTEGER, "skip_exit_check": Value.NOTHING, **_OFF}),
}
_COMMON = {"port", "mode", "name"}
_SCALAR = {"register", "depth", "latency", "direct_io"}
_MEMORY = {"depth", "latency", "storage_type"}
_OPTIONS_OF_MODES: Mapping[str, Set[str]] = {
    "m_axi": {
        *("bundle", "depth", "offset", "latency", "num_read_outstanding", "num_write_outstanding", "channel"),
        *("max_read_burst_length", "max_write_burst_length", "max_widen_bitwidth"),
    },
    "axis": {"register", "register_mode", "depth"},
    "s_axilite": {"bundle", "offset", "clock", "storage_impl"},
    "ap_memory": _MEMORY,
    "bram": _MEMORY,
    **dict.fromkeys(("ap_none", "ap_fifo", "ap_ack", "ap_stable"), _SCALAR),
    **dict.fromkeys(("ap_vld", "ap_hs", "ap_ovld"), _SCALAR | {"interrupt"}),
    **dict.fromkeys(("ap_ctrl_none", "ap_ctrl_hs", "ap_ctrl_chain"), frozenset()),
}
"""Which options of INTERFACE a mode takes beside its port and name."""
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_EXPRESSION = re.compile(r"[\w:+\-*/()<>.%]+")
_POSITIVE = {"factor", "ii", "depth", "distance", "limit"}


def check_pragmas(source: Source, constants: Set[str] = frozenset()) -> Iterator[Finding]:
    """Every pragma of a file: its grammar, the names in it, its place. ``constants``: of other files of the project."""
    for line, tool in source.others:
        yield Finding(
            source.path, line, "pragma-tool", f"#pragma {tool}",
            "pragmas of a design are HLS's: write '#pragma HLS ...', or take it out",
        )  # fmt: skip
    for line in source.in_macros:
        yield Finding(
            source.path, line, "pragma-place", "a pragma stands in a macro",
            "write it where it is meant: nobody looks at what a macro becomes", Severity.WARNING,
        )  # fmt: skip
    for pragma in source.pragmas:
        directive = DIRECTIVES.get(pragma.directive)
        if directive is None:
            known = nearest(pragma.directive, DIRECTIVES)
            yield Finding(
                source.path, pragma.line, "pragma-unknown", f"there is no directive '{pragma.directive}'",
                f"the tool ignores it with a warning: take it out, or correct it{known}",
            )  # fmt: skip
            continue
        yield from _grammar(source, pragma, directive)
        yield from _together(source, pragma)
        yield from _names(source, pragma, constants)
        yield from _placement(source, pragma, directive)


def _grammar(source: Source, pragma: Pragma, directive: Directive) -> Iterator[Finding]:
    def finding(found: str, expected: str) -> Finding:
        return Finding(source.path, pragma.line, "pragma-grammar", f"{pragma.directive}: {found}", expected)

    named = {**directive.options, **directive.words}
    alone = {word: name for name, words in directive.words.items() if isinstance(words, tuple) for word in words}
    given: list[str] = []
    for key, value in pragma.options:
        name = key.lower()
        if value is None and name in alone and name not in directive.options:
            given.append(alone[name])
        elif name not in named:
            yield finding(
                f"no option '{key}'", f"take it out; there are {', '.join(sorted(named)) or 'none'}{_near(key, named)}"
            )
        else:
            given.append(name)
            yield from (finding(f"{key}={value}", text) for text in _wrong(name, value, named[name]))
    for name in sorted({name for name in given if given.count(name) > 1}):
        yield finding(f"'{name}' is given twice", "give it once")
    for name in directive.required:
        if name not in given:
            yield finding(f"no '{name}'", f"add {name}=..., without which the pragma says nothing")


def _together(source: Source, pragma: Pragma) -> Iterator[Finding]:
    """Options that do not go with one another."""

    def finding(found: str, expected: str) -> Finding:
        return Finding(source.path, pragma.line, "pragma-grammar", f"{pragma.directive}: {found}", expected)

    if pragma.directive == "INTERFACE":
        mode = next((mode for mode in _OPTIONS_OF_MODES if pragma.has(mode)), None)
        taken = _OPTIONS_OF_MODES[mode] | _COMMON if mode is not None else frozenset()
        for key, value in pragma.options if mode is not None else ():
            if value is not None and key.lower() not in taken:
                yield finding(
                    f"mode {mode} with '{key}'", f"take it out; there are {', '.join(sorted(taken - {'mode'}))}"
                )
    if pragma.directive in ("ARRAY_PARTITION", "ARRAY_RESHAPE") and not pragma.has("off"):
        divided, factor = pragma.has("block", "cyclic"), pragma.option("factor")
        if divided and factor is None:
            yield finding("block or cyclic without a factor", "say into how many arrays: factor=...")
        if not divided and factor is not None:
            yield finding("complete with a factor", "all elements are taken apart: leave the factor out")


def _names(source: Source, pragma: Pragma, constants: Set[str]) -> Iterator[Finding]:
    for name in pragma.variables:
        root = next(identifiers(name), name)
        if root in constants or root == "return" or source.declares(root, pragma.scope, pragma.start):
            continue
        yield Finding(
            source.path, pragma.line, "pragma-grammar", f"{pragma.directive}: '{name}' is declared nowhere before it",
            "name a parameter, a constant, or a variable of this scope above the pragma",
        )  # fmt: skip


def _near(word: str, words: Mapping[str, object]) -> str:
    hint = nearest(word, words)
    return hint if "did you mean" in hint else ""


def _wrong(name: str, value: str | None, kind: Value | tuple[str, ...]) -> Iterator[str]:
    """What is expected in place of a value that an option does not take."""
    if isinstance(kind, tuple):
        if (value or "").lower() not in kind:
            yield f"give one of {', '.join(word for word in kind if word)}"
    elif kind is Value.NOTHING:
        if value is not None:
            yield "give it no value"
    elif not value:
        yield f"give {kind.value}"
    elif kind is Value.INTEGER:
        least = 1 if name in _POSITIVE else 0
        literal = re.fullmatch(r"[+-]?\d+", value)
        if not _EXPRESSION.fullmatch(value) or (literal and int(value) < least):
            yield f"give {kind.value} of at least {least}"
    elif kind is Value.NUMBER and not _NUMBER.fullmatch(value):
        yield f"give {kind.value}"


def _placement(source: Source, pragma: Pragma, directive: Directive) -> Iterator[Finding]:
    kind = pragma.scope.kind
    at_head = pragma.at_head or _only_declarations(source, pragma)
    right = {
        Place.LOOP_HEAD: kind is Kind.LOOP and pragma.at_head,
        Place.FUNCTION_HEAD: kind is Kind.FUNCTION and pragma.at_head,
        Place.LOOP_OR_FUNCTION_HEAD: kind in (Kind.LOOP, Kind.FUNCTION) and at_head,
        Place.INSIDE: pragma.scope.enclosing(Kind.FUNCTION) is not None,
    }[directive.place]
    if not right:
        yield Finding(
            source.path, pragma.line, "pragma-place",
            f"{pragma.directive} stands {_where(pragma.scope, pragma.at_head)}",
            f"move it: it belongs {directive.place.value}",
        )  # fmt: skip
    if pragma.directive == "UNROLL" and _pipelined(pragma.scope):
        yield Finding(
            source.path, pragma.line, "pragma-place", "UNROLL and PIPELINE of one loop",
            "a loop that is unrolled away has no interval: take one of them out", Severity.WARNING,
        )  # fmt: skip


def _only_declarations(source: Source, pragma: Pragma) -> bool:
    """Whether all before a pragma in its scope declares types: ``typedef``, ``static_assert``."""
    before = source.code[pragma.scope.body + 1 : pragma.start]
    statements = [statement.strip() for statement in before.split(";")]
    return all(not s or s.startswith(("typedef", "using", "static_assert", "static const")) for s in statements)


def _pipelined(scope: Scope) -> bool:
    return any(pragma.directive == "PIPELINE" and not pragma.has("off") for pragma in scope.pragmas)


def _where(scope: Scope, at_head: bool) -> str:
    if scope.kind is Kind.FILE:
        return "outside of any function"
    name = f" {scope.name}" if scope.kind is Kind.FUNCTION else ""
    return f"at the head of a {scope.kind.value}{name}" if at_head else f"within a {scope.kind.value}{name}"
