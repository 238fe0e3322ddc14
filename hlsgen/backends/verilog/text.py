"""The texts of modules: templates of hls_templates/verilog, filled strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

import jinja2

from hlsgen.backends.hls.naming import comment
from hlsgen.backends.verilog.logic import Rom, Signal
from hlsgen.ir.op import Op
from hlsgen.templates import environment

_LINE = 110


@cache
def _environment() -> jinja2.Environment:
    return environment("verilog")


def render(template: str, **context: object) -> str:
    """Fill a template of hls_templates/verilog."""
    return _environment().get_template(template).render(**context)


def rom_texts(roms: Iterable[Rom]) -> dict[str, str]:
    """A module for each table."""
    return {rom.name: render("rom.v.j2", rom=rom) for rom in roms}


def joined(signals: Sequence[Signal], width: int) -> list[str]:
    """The elements of a word, the last one first as Verilog joins them; each of ``width`` bits, in lines."""
    return _in_lines([_sized(signal, width) for signal in reversed(signals)])


def picked(word: str, width: int, places: Sequence[int]) -> list[str]:
    """Elements of a word of ``width`` bits each, in other places, in lines to be joined; the word itself if all are
    in theirs."""
    if list(places) == list(range(len(places))):
        return [word]
    return _in_lines([f"{word}[{(place + 1) * width - 1}:{place * width}]" for place in reversed(places)])


def _in_lines(parts: Sequence[str]) -> list[str]:
    lines = [""]
    for place, part in enumerate(parts):
        piece = part + (", " if place < len(parts) - 1 else "")
        if len(lines[-1]) + len(piece) > _LINE:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _sized(signal: Signal, width: int) -> str:
    """A signal as an element of a word: its two's complement of exactly ``width`` bits."""
    if signal.is_constant:
        return f"{width}'d{signal.low & ((1 << width) - 1)}"
    missing = width - signal.width
    if not missing:
        return signal.text
    filled = f"{signal.text}[{signal.width - 1}]" if signal.is_signed else "1'b0"
    return f"{{{{{missing}{{{filled}}}}}, {signal.text}}}"


def counter_bits(count: int) -> int:
    """The bits of a counter below ``count``, one at least."""
    return max((count - 1).bit_length(), 1)


def title(op: Op) -> str:
    """Which layer it is, in a line of a comment."""
    what = f"{op.layer.kind} {op.layer.describe()}".rstrip()
    return f"{comment(op.source.name)} ({comment(op.source.class_name)}): {comment(what)}"


def layer_of(text: str) -> str:
    """The layer that :func:`title` names in the first line of a module."""
    found = re.match(r"// (.*) \(.*?\): ", text)
    return found[1] if found else ""


def described(op: Op) -> list[str]:
    """What a module computes, for the comment above it."""
    layer, typing = op.layer, op.output.typing
    lines = [title(op)]
    lines += [f"{name}: {constant.type}" for name, constant in layer.constants().items()]
    if typing.accum is not None:
        lines.append(f"exact result cast to {typing.accum}, then to {typing.result}")
    if op.fused:
        lines.append("also computes " + ", ".join(comment(source.name) for source in op.fused))
    return lines
