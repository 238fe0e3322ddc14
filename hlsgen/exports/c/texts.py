"""The files of a library, by jinja2; what templates ask for that is no decision of theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import jinja2
import numpy as np

from hlsgen.backends.hls.naming import comment
from hlsgen.exports.c.function import Table
from hlsgen.exports.c.numbers import Cast, literal, storage_of
from hlsgen.exports.c.program import Argument, Program, Routine
from hlsgen.ir.types import Ints
from hlsgen.ir.typing import Tensor
from hlsgen.templates import environment

_LINE = 112
_INDENT = "    "


@cache
def _environment() -> jinja2.Environment:
    filled = environment("c")
    filled.globals.update(
        literal=literal,
        remark=remark,
        type_of=storage_of,
        shape_of=shape_of,
        initialiser=initialiser,
        extents=extents,
        argument=argument,
        signature=signature,
        run_parameters=run_parameters,
        function_parameters=function_parameters,
        operands=_operands,
        type_of_table=lambda table: table.storage,
    )
    return filled


def render(template: str, program: Program, **context: object) -> str:
    """A text for a program; ``template`` is a path below hls_templates/c."""
    return _environment().get_template(template).render(program=program, name=program.name, **context)


def functions(program: Program) -> str:
    """The functions of all operations, and before them the helpers that these call."""
    texts = [indented(_function(program, routine)) for routine in program.routines]
    return "\n".join([*helpers("\n".join(texts)), *texts])


def _function(program: Program, routine: Routine) -> str:
    function, op = routine.function, routine.op
    word = f"int{function.word}_t"

    def cast(made: Cast, value: str) -> str:
        """A number as a cast makes it, in the words of the function."""
        return made.text(value, function.word)

    def stored(value: str, place: int = 0) -> str:
        """An exact result, as it is stored in an output."""
        return _as_stored(cast(function.results[place], value), op.outputs[place], word)

    context = dict(function.values)
    tables = {table.role: program.table_name(table) for table in function.tables}
    return (
        _environment()
        .get_template(f"functions/{function.template}.c.j2")
        .render(
            routine=routine,
            op=op,
            word=word,
            tables=tables,
            cast=cast,
            stored=stored,
            converted=lambda value, tensor: _as_stored(value, tensor, word),
            size=op.outputs[0].size,
            x_type=[str(storage_of(tensor)) for tensor in op.inputs],
            **{"step": False, **context},
        )
    )


def _as_stored(text: str, tensor: Tensor, word: str) -> str:
    kept = str(storage_of(tensor))
    return text if kept == word else f"({kept}){text}"


def helpers(text: str) -> list[str]:
    """The helpers that a text calls, and those that they call, each behind what it calls itself."""
    module = _environment().get_template("helpers.c.j2").module
    found: dict[str, str] = {}

    def ask(caller: str) -> None:
        for name, word in re.findall(r"\b([a-z_]+)_(32|64)\(", caller):
            if f"{name}_{word}" not in found and hasattr(module, name):
                body = indented(str(getattr(module, name)(int(word))))
                ask(body.partition("{")[2])
                found[f"{name}_{word}"] = body

    ask(text)
    return list(found.values())


def indented(text: str) -> str:
    """Indent C by its braces, whatever its blanks are; a statement that goes on is indented once more."""
    lines: list[str] = []
    depth, goes_on, in_comment = 0, False, False
    for line in filter(None, map(str.strip, text.splitlines())):
        if not in_comment and not depth and lines and lines[-1] == "}":
            lines.append("")
        in_comment = in_comment or line.startswith("/*")
        if in_comment:
            lines.append(_INDENT * depth + (" " if line.startswith("*") else "") + line)
            in_comment = "*/" not in line
            continue
        depth -= line.startswith("}")
        lines.append(_INDENT * (depth + (goes_on and line != "{")) + line)
        depth += line.count("{") - line.count("}") + line.startswith("}")
        code = line.partition("/*")[0].rstrip()
        goes_on = code[-1] not in ";{}"
    return "\n".join(lines) + "\n"


def signature(parameters: Sequence[str], head: str) -> str:
    """A function's head; parameters that do not fit a line stand in lines of their own."""
    line = f"{head}({', '.join(parameters)})"
    return line if len(line) <= _LINE else f"{head}(\n" + ",\n".join(_INDENT + p for p in parameters) + ")"


def run_parameters(program: Program) -> list[str]:
    """What a run takes: inputs, outputs, memory."""
    inputs = [f"const {port.storage} *{port.name}" for port in program.inputs]
    outputs = [f"{port.storage} *{port.name}" for port in program.outputs]
    return [*inputs, *outputs, f"{program.name}_work *work"]


def _operands(tensors: Sequence[Tensor], name: str) -> list[str]:
    """The names of a function's inputs or outputs: one letter, numbered if there are several."""
    return [name] if len(tensors) == 1 else [f"{name}{place}" for place in range(len(tensors))]


def function_parameters(routine: Routine) -> list[str]:
    """What the function of an operation takes: inputs, outputs, scratch memory."""
    op = routine.op
    inputs = [
        f"const {storage_of(tensor)} *{name}" for tensor, name in zip(op.inputs, _operands(op.inputs, "x"), strict=True)
    ]
    outputs = [
        f"{storage_of(tensor)} *{name}" for tensor, name in zip(op.outputs, _operands(op.outputs, "y"), strict=True)
    ]
    return [*inputs, *outputs, *(f"{scratch.storage} *{scratch.name}" for scratch in routine.function.scratch)]


def remark(text: str) -> str:
    """A name as it may stand in a comment of C."""
    return comment(text).replace("*/", "* /").replace("/*", "/ *")


def shape_of(tensor: Tensor) -> str:
    """The extents of a tensor, for people."""
    return " x ".join(map(str, tensor.shape))


def argument(given: Argument, steps: int = 0) -> str:
    """An argument of a call, in a step of a loop of ``steps``."""
    if not given.stride:
        return given.name
    step = f"({steps - 1} - step)" if given.backwards else "step"
    return f"{given.name} + {step} * {given.stride}"


def extents(values: Ints) -> str:
    """The extents of an array, as C declares them."""
    return "".join(f"[{extent}]" for extent in values.shape)


def initialiser(table: Table) -> str:
    """The braces of an array, row by row."""
    return "\n".join(_rows(np.asarray(table.values), ""))


def _rows(values: Ints, indent: str) -> Iterator[str]:
    if values.ndim > 1:
        yield indent + "{"
        for place, row in enumerate(values):
            *lines, last = _rows(row, indent + _INDENT)
            yield from lines
            yield last + ("," if place + 1 < len(values) else "")
        yield indent + "}"
        return
    words = [literal(int(value)) for value in values]
    line = indent + "{" + ", ".join(words) + "}"
    if len(line) <= _LINE:
        yield line
        return
    yield indent + "{"
    yield from _filled(words, indent + _INDENT)
    yield indent + "}"


def _filled(words: list[str], indent: str) -> Iterator[str]:
    line = indent
    for place, word in enumerate(words):
        text = word + (", " if place + 1 < len(words) else "")
        if len(line) + len(text) > _LINE:
            yield line.rstrip()
            line = indent
        line += text
    yield line
