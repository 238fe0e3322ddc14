"""What a design may ask of the tool and of its ports, seen in the top function's text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hlsgen.linter.dataflow import top_function
from hlsgen.linter.finding import Finding
from hlsgen.linter.source import Scope, Source, arguments, identifiers

MOST_REGISTERS = 4096
"""Elements of an array that is partitioned completely: beyond it the tool refuses or runs for hours (UG1399)."""
MOST_AXI_BITS = 4096
"""Bits of a word of an AXI4-Stream port: the tool's widest integer without a macro of its own (AP_INT_MAX_W)."""
MOST_PRODUCTS = 4096
"""Products that one kernel computes side by side: above it the tool gives up unrolling, or takes hours."""

_TYPEDEF = re.compile(r"\btypedef\s+(.+?)\s+(\w+)\s*;", re.DOTALL)
_WIDTH = re.compile(r"ap_u?(?:fixed|int)\s*<\s*(\d+)")
_PACK = re.compile(r"(?:hlsgen::)?pack\s*<\s*(.+)\s*,\s*(\d+)\s*>", re.DOTALL)
_AXIS = re.compile(r"(?:ap_axi[su]|hls::axis)\s*<\s*(.+)", re.DOTALL)
_LOCAL = re.compile(r"(?<=[\w>])[ \t]+(\w+)\s*((?:\[\d+\])+)")


def check_limits(source: Source, sources: Mapping[str, Source]) -> Iterator[Finding]:
    """Registers of arrays in the top function, words of its AXI ports, and factors of partitions and loops anywhere."""
    for other in sources.values():
        yield from _factors(other)
    top = top_function(source)
    if top is None:
        return
    types = {name: kind for other in sources.values() for kind, name in _TYPEDEF.findall(other.code)}
    yield from _registers(source, top)
    parameters = {_name(parameter): parameter for parameter in arguments(top.parameters)}
    for pragma in top.pragmas:
        if pragma.directive != "INTERFACE" or not pragma.has("axis"):
            continue
        for port in pragma.variables:
            bits = _bits(_word_of(parameters.get(port, "")), types)
            if bits is not None and bits > MOST_AXI_BITS:
                yield Finding(
                    source.path, pragma.line, "limit", f"words of port '{port}' have {bits:,} bits",
                    f"an AXI4-Stream port has at most {MOST_AXI_BITS:,}: split the tensor's last axis",
                )  # fmt: skip


def _factors(source: Source) -> Iterator[Finding]:
    most = {"UNROLL": MOST_PRODUCTS, "ARRAY_PARTITION": MOST_REGISTERS, "ARRAY_RESHAPE": MOST_REGISTERS}
    for pragma in source.pragmas:
        factor = pragma.option("factor") or ""
        if factor.isdecimal() and int(factor) > most.get(pragma.directive, int(factor)):
            what = "copies of a loop's body" if pragma.directive == "UNROLL" else "parts of an array"
            yield Finding(
                source.path, pragma.line, "limit", f"{pragma.directive}: {int(factor):,} {what}",
                f"at most {most[pragma.directive]:,} are built in a reasonable time: take a smaller factor",
            )  # fmt: skip


def _registers(source: Source, top: Scope) -> Iterator[Finding]:
    sizes = dict(_LOCAL.findall(source.code[top.body : top.end]))
    sizes |= {_name(p): p[p.index("[") :] for p in arguments(top.parameters) if "[" in p}
    for pragma in top.pragmas:
        if pragma.directive != "ARRAY_PARTITION" or not pragma.has("complete"):
            continue
        for name in pragma.variables:
            elements = 1
            for extent in re.findall(r"\[(\d+)\]", sizes.get(name, "")):
                elements *= int(extent)
            if elements > MOST_REGISTERS:
                yield Finding(
                    source.path, pragma.line, "limit", f"'{name}' is partitioned into {elements:,} elements",
                    f"at most {MOST_REGISTERS:,} become registers: use io_stream",
                )  # fmt: skip


def _word_of(parameter: str) -> str:
    found = re.search(r"hls::stream\s*<(.+)>\s*&", parameter, re.DOTALL)
    return found.group(1).strip() if found else ""


def _bits(kind: str, types: Mapping[str, str]) -> int | None:
    """The data bits of a type of words; None if it is of no kind known here."""
    for _ in range(8):
        if kind not in types:
            break
        kind = types[kind]
    pack = _PACK.fullmatch(kind)
    if pack:
        inner = _bits(pack.group(1).strip(), types)
        return None if inner is None else inner * int(pack.group(2))
    axis = _AXIS.match(kind)
    if axis:
        first = arguments(axis.group(1).removesuffix(">"))[0]
        return int(first) if first.isdigit() else _bits(first, types)
    width = _WIDTH.match(kind)
    return int(width.group(1)) if width else None


def _name(parameter: str) -> str:
    return list(identifiers(parameter.partition("[")[0]))[-1]
