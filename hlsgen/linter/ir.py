"""A reader of clang's textual LLVM IR: functions, their instructions, and the source lines that these come from.

Only what the checks ask for is understood; every other line is an instruction with its opcode. Both spellings of
pointers are read (``i8*`` up to clang 14, ``ptr`` since), and both of debug information.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from hlsgen.linter.source import arguments

_DEFINE = re.compile(r'^define\b.*?@("[^"]+"|[\w.$]+)\((?P<rest>.*)')
_GLOBAL = re.compile(r'^@("[^"]+"|[\w.$]+) = ')
_INSTRUCTION = re.compile(
    r'^  (?:(?P<result>%"[^"]+"|%[\w.$-]+) = )?(?:(?:tail|musttail|notail) )?(?P<opcode>[a-z][\w]*)\b(?P<rest>.*)'
)
_DEBUG = re.compile(r", !dbg !(\d+)")
_METADATA = re.compile(
    r"^!(\d+) = (?:distinct )?!(DILocation|DISubprogram|DILexicalBlock|DILexicalBlockFile|DIFile)\((.*)\)$"
)
_FIELD = re.compile(r'(\w+): (?:!(\d+)|"((?:[^"\\]|\\.)*)"|(\w+))')
_CALLEE = re.compile(r'(@"[^"]+"|@[\w.$]+|%"[^"]+"|%[\w.$-]+)\(')
_VALUE = re.compile(r'%"[^"]+"|%[\w.$-]+')
_FARTHEST = 8
_NOTES = (", !tbaa", ", !range", ", !noundef", ", !srcloc", ", !llvm.", ", !prof", ", !noalias", ", !alias.scope")


LITERAL = re.compile(r"-?\d+|true|false|null|undef|poison|zeroinitializer")
"""An operand that is known."""


@dataclass(frozen=True)
class Place:
    """A line of the source, and the line on which the function it belongs to begins."""

    file: str
    line: int
    function: str
    function_line: int


@dataclass(frozen=True, eq=False)
class Instruction:
    """One line of a function: ``text`` is what follows the opcode, without notes."""

    opcode: str
    result: str
    text: str
    debug: int | None

    @cached_property
    def callee(self) -> str:
        """Of a call: the function with ``@``, or the value with ``%`` that holds its address."""
        found = _CALLEE.search(self.text)
        return found.group(1).replace('"', "") if found else ""

    @cached_property
    def operand(self) -> str:
        """The value that a conversion is of: ``zext i8 %x to i16``."""
        words = self.text.partition(" to ")[0].split()
        return words[-1].replace('"', "") if words else ""

    @property
    def width(self) -> str:
        """The type of the operands of an operation: ``i14`` of ``nsw i14 %x, %y``."""
        return next((word for word in self.text.split() if re.fullmatch(r"i\d+|<.*", word)), "")

    @cached_property
    def values(self) -> list[str]:
        """The operands without their types and attributes."""
        text = self.text
        if self.opcode in ("call", "invoke"):
            found = _CALLEE.search(text)
            text = text[found.end() : _closing(text, found.end())] if found else ""
        return [part.split()[-1].replace('"', "") for part in arguments(text) if part.split()]


@dataclass(eq=False)
class Function:
    """A function that the module defines."""

    name: str
    parameters: list[str]
    debug: int | None
    instructions: list[Instruction] = field(default_factory=list)

    def from_here(self, instruction: Instruction) -> Iterator[Instruction]:
        """An instruction and what reads its result, and so on: the nearest first, and not far."""
        known, following = {instruction}, [instruction]
        for _ in range(_FARTHEST):
            yield from following
            following = [u for i in following for u in self.readers(i.result) if u not in known]
            known.update(following)

    def readers(self, value: str) -> list[Instruction]:
        """The instructions that have a value as operand."""
        return self._readers.get(value, [])

    @cached_property
    def _readers(self) -> dict[str, list[Instruction]]:
        found: dict[str, list[Instruction]] = {}
        for instruction in self.instructions:
            for name in _VALUE.findall(instruction.text):
                found.setdefault(name.replace('"', ""), []).append(instruction)
        return found

    @property
    def calls(self) -> Iterator[Instruction]:
        return (i for i in self.instructions if i.opcode in ("call", "invoke"))


@dataclass(eq=False)
class Module:
    """The IR of one translation unit."""

    functions: dict[str, Function] = field(default_factory=dict)
    globals: list[str] = field(default_factory=list)
    metadata: dict[int, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def places(self, debug: int | None) -> list[Place]:
        """Where an instruction comes from, the innermost of inlined functions first."""
        found = []
        while debug is not None and debug in self.metadata:
            kind, fields = self.metadata[debug]
            if kind != "DILocation":
                break
            file, function, begin = self._scope(fields.get("scope"))
            line = int(fields.get("line", "0"))
            if line:  # else it was made of several lines
                found.append(Place(file, line, function, begin))
            debug = int(fields["inlinedAt"]) if "inlinedAt" in fields else None
        return found

    def begin(self, function: Function) -> Place:
        """Where a function begins."""
        scope = None if function.debug is None else str(function.debug)
        file, name, line = self._scope(scope)
        return Place(file, line, name, line)

    def _scope(self, scope: str | None) -> tuple[str, str, int]:
        """File, name and first line of the function that a scope lies in; the file is the innermost one's."""
        file = ""
        while scope is not None and scope.isdigit() and int(scope) in self.metadata:
            kind, fields = self.metadata[int(scope)]
            file = file or self._file(fields.get("file"))
            if kind == "DISubprogram":
                return file, fields.get("name", "").partition("<")[0], int(fields.get("line", "0"))
            scope = fields.get("scope")
        return file, "", 0

    def _file(self, file: str | None) -> str:
        fields = self.metadata.get(int(file), ("", {}))[1] if file and file.isdigit() else {}
        return posixpath.normpath(fields.get("filename", ""))


def read_module(text: str) -> Module:
    """Read a module."""
    module, function = Module(), None
    for line in text.splitlines():
        if line.startswith("  "):
            found = _INSTRUCTION.match(line)
            if function is not None and found is not None and not line.startswith("    "):
                function.instructions.append(_instruction(found))
        elif line.startswith("define "):
            function = _function(line)
            module.functions[function.name] = function
        elif line.startswith("!"):
            _read_metadata(module, line)
        elif line.startswith("@"):
            name = _GLOBAL.match(line)
            module.globals += [name.group(1).strip('"')] if name else []
    return module


def _function(line: str) -> Function:
    found = _DEFINE.match(line)
    assert found is not None, line
    parameters = arguments(found["rest"][: _closing(found["rest"], 0)])
    names = [part.split()[-1].replace('"', "") for part in parameters if part != "..."]
    debug = re.search(r"!dbg !(\d+)", line)
    return Function(found.group(1).strip('"'), names, int(debug.group(1)) if debug else None)


def _instruction(found: re.Match[str]) -> Instruction:
    text = found["rest"]
    debug = _DEBUG.search(text)
    for note in (", !dbg", *_NOTES):
        text = text.partition(note)[0]
    return Instruction(
        found["opcode"], (found["result"] or "").replace('"', ""), text.strip(), int(debug.group(1)) if debug else None
    )


def _read_metadata(module: Module, line: str) -> None:
    found = _METADATA.match(line)
    if found:
        fields = {key: number or text or word for key, number, text, word in _FIELD.findall(found.group(3))}
        module.metadata[int(found.group(1))] = (found.group(2), fields)


def _closing(text: str, start: int) -> int:
    """Where the parenthesis closes that was opened before ``start``."""
    depth = 1
    for found in re.finditer(r"[()]", text[start:]):
        depth += 1 if found.group() == "(" else -1
        if depth == 0:
            return start + found.start()
    return len(text)
