"""Arrays that a pragma makes registers, and how they are indexed.

An index that changes at run time is a multiplexer in front of all the elements that it can name. Few of them are what a
shared multiplier costs: element ``turn + turns * m`` is one of ``turns``. Many, or an element that is read, changed and
written back, mean that the array wants to be a memory, or that its loops are the wrong way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hlsgen.linter.ir import LITERAL, Function, Instruction, Module
from hlsgen.linter.source import Kind, Scope, Source, without_template

MOST_WAYS = 64
"""Elements that one access may choose from: with more, a multiplexer takes longer and costs more than a memory."""

_POINTERS = ("getelementptr", "bitcast", "addrspacecast", "freeze")
_SAME_COUNT = ("zext", "sext", "trunc", "freeze")
_WITH_A_LITERAL = ("add", "sub", "or", "xor", "shl", "mul", "lshr", "ashr", "udiv", "sdiv")
_OF_BOTH = ("add", "sub", "or", "xor", "mul")
_DEEPEST = 12


@dataclass(frozen=True)
class Registers:
    """A variable that a pragma makes registers: ``function_line`` is that on which its function's name stands."""

    file: str
    line: int
    variable: str
    function: str
    function_line: int
    elements: int | None = None
    """If its parameter says so."""


@dataclass(frozen=True)
class Access:
    """What is wrong with one access: ``ways`` elements to choose from, None if that is not known."""

    registers: Registers
    function: Function
    instruction: Instruction
    elements: int | None
    ways: int | None
    written_back: bool


def registers_of(sources: Mapping[str, Source]) -> Iterator[Registers]:
    """Every variable that is partitioned or reshaped completely in all its dimensions."""
    for source in sources.values():
        for pragma in source.pragmas:
            function = pragma.scope.enclosing(Kind.FUNCTION)
            if pragma.directive not in ("ARRAY_PARTITION", "ARRAY_RESHAPE") or function is None:
                continue
            if not pragma.has("complete") or pragma.has("off") or pragma.option("dim") not in (None, "0"):
                continue
            for name in pragma.variables:
                begin, elements = _line_of_name(source, function), _elements(function, name)
                yield Registers(source.path, pragma.line, name, function.name, begin, elements)


def _elements(function: Scope, name: str) -> int | None:
    found = re.search(rf"\b{re.escape(name)}\[(\d+)\]", function.parameters)
    return int(found.group(1)) if found else None


def _line_of_name(source: Source, function: Scope) -> int:
    behind_template = function.start + len(function.head) - len(without_template(function.head))
    return source.line(source.code.index(function.name.removeprefix("operator"), behind_template))


class Multiplexers:
    """The accesses to registers in the functions ``reached`` of a module that cost too much."""

    def __init__(self, module: Module, reached: Iterable[str], registers: Iterable[Registers]) -> None:
        self.module, self.reached, self.registers = module, tuple(reached), tuple(registers)
        self.done: set[tuple[str, str]] = set()

    def found(self) -> Iterator[Access]:
        for name in self.reached:
            function = self.module.functions[name]
            for instruction in function.instructions:
                if instruction.opcode == "alloca":
                    known = self._known(function, instruction.result)
                    size = re.search(r"\[(\d+) x", instruction.text)
                    if known is not None:
                        yield from self._follow(function, instruction.result, known, int(size[1]) if size else None)
            for known in self.registers:
                if f"%{known.variable}" in function.parameters and self._is_of(function, f"%{known.variable}", known):
                    yield from self._follow(function, f"%{known.variable}", known, known.elements)

    def _known(self, function: Function, value: str) -> Registers | None:
        """The registers that an array on the stack is; names of inlined functions have digits and ``.i`` behind."""
        stem = value.removeprefix("%").partition(".")[0]
        for known in self.registers:
            if re.fullmatch(rf"{re.escape(known.variable)}\d*", stem) and self._is_of(function, value, known):
                return known
        return None

    def _is_of(self, function: Function, value: str, known: Registers) -> bool:
        """Whether it is used where the pragma's function, or one inlined into it, stands."""
        wanted = (known.file, known.function, known.function_line)
        return any(
            (place.file, place.function, place.function_line) == wanted
            for instruction in function.readers(value)
            for place in self.module.places(instruction.debug)
        )

    def _follow(self, function: Function, root: str, known: Registers, elements: int | None) -> Iterator[Access]:
        """All accesses to one array in a function, and in the functions that it is handed to."""
        if (function.name, root) in self.done:
            return
        self.done.add((function.name, root))
        ways, element = _pointers(function, root)
        loaded: dict[str, Instruction] = {}
        stored: set[str] = set()
        for i in function.instructions:
            if i.opcode == "load" and i.values[1] in ways:
                loaded.setdefault(element[i.values[1]], i)
            elif i.opcode == "store" and i.values[1] in ways:
                stored.add(element[i.values[1]])
            elif i.opcode in ("call", "invoke"):
                yield from self._handed_on(i, ways, known, elements)
        for pointer, instruction in loaded.items():
            number = ways[pointer]
            most = number if elements is None else min(number, elements)
            if most > MOST_WAYS or (most > 1 and pointer in stored):
                exact = None if number >= _UNKNOWN and elements is None else most
                yield Access(known, function, instruction, elements, exact, pointer in stored)

    def _handed_on(
        self, call: Instruction, ways: Mapping[str, int], known: Registers, elements: int | None
    ) -> Iterator[Access]:
        called = self.module.functions.get(call.callee.removeprefix("@"))
        if called is not None:
            for parameter, value in zip(called.parameters, call.values, strict=False):
                if value in ways:
                    yield from self._follow(called, parameter, known, elements)


_UNKNOWN = 1 << 40


class _Counts:
    """How many values a value of a function can have at most, as far as that shows: counters of loops, and what is made
    of them."""

    def __init__(self, function: Function) -> None:
        self.made = {i.result: i for i in function.instructions if i.result}
        self.bounds = {
            value: int(i.values[1])
            for i in function.instructions
            if i.opcode == "icmp" and LITERAL.fullmatch(i.values[1]) and i.values[1].lstrip("-").isdigit()
            for value in (i.values[0],)
        }

    def of(self, value: str, depth: int = 0) -> int:
        if LITERAL.fullmatch(value):
            return 1
        made = self.made.get(value)
        if made is None or depth > _DEEPEST:
            return _UNKNOWN
        operands = made.values
        if made.opcode in _SAME_COUNT:
            return self.of(made.operand, depth + 1)
        if made.opcode == "phi":
            return self._of_counter(made)
        literals = [v for v in operands if LITERAL.fullmatch(v)]
        if made.opcode in _WITH_A_LITERAL and literals:
            return self.of(next((v for v in operands if v not in literals), "0"), depth + 1)
        if made.opcode in ("and", "urem") and literals and literals[0].isdigit():
            most = int(literals[0]) + (made.opcode == "and")
            return min(most, self.of(operands[0], depth + 1))
        if made.opcode in _OF_BOTH:
            return _product(self.of(v, depth + 1) for v in operands)
        if made.opcode == "select":
            return sum(self.of(v, depth + 1) for v in operands[1:])
        return _UNKNOWN

    def _of_counter(self, phi: Instruction) -> int:
        """Of ``for (i = first; i < end; i += step)``."""
        pairs = re.findall(r"\[ ([^,]+), [^\]]+ \]", phi.text)
        first = next((int(v) for v in pairs if v.lstrip("-").isdigit()), None)
        following = next((self.made.get(v) for v in pairs if v.startswith("%")), None)
        if first is None or following is None or following.opcode != "add" or phi.result not in following.values:
            return _UNKNOWN
        step = following.values[1]
        end = self.bounds.get(following.result, self.bounds.get(phi.result))
        if end is None or not step.lstrip("-").isdigit() or int(step) == 0:
            return _UNKNOWN
        return max(1, -(-abs(end - first) // abs(int(step))))


def _pointers(function: Function, root: str) -> tuple[dict[str, int], dict[str, str]]:
    """Every pointer into an array: how many elements it can point to, and the first pointer to the same."""
    counts, ways, element = _Counts(function), {root: 1}, {root: root}
    for i in function.instructions:
        if i.opcode not in _POINTERS:
            continue
        base, indices = (i.values[1], i.values[2:]) if i.opcode == "getelementptr" else (i.operand, [])
        if base in ways:
            ways[i.result] = _product([ways[base], *(counts.of(index) for index in indices)])
            element[i.result] = i.result if any(index != "0" for index in indices) else element[base]
    return ways, element


def _product(numbers: Iterable[int]) -> int:
    result = 1
    for number in numbers:
        result = min(result * number, _UNKNOWN)
    return result
