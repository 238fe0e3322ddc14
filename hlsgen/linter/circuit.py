"""What the IR of a top function shows of its circuit: dividers, floating point, foreign calls, products."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from hlsgen.linter.finding import Finding
from hlsgen.linter.ir import LITERAL, Function, Instruction, Module, Place
from hlsgen.linter.multiplexers import MOST_WAYS, Access, Multiplexers, Registers
from hlsgen.linter.source import Source

_DIVISIONS = {"udiv": "division", "sdiv": "division", "urem": "remainder", "srem": "remainder"}
_FLOATING = re.compile(r"\b(?:half|bfloat|float|double|fp128|x86_fp80)\b")
_ALLOWED = re.compile(
    r"@(?:hlsgen_stream_(?:read|write)|mem(?:cpy|set|move)"
    r"|llvm\.(?:mem(?:cpy|set|move)|lifetime|dbg|assume|experimental\.noalias|expect|invariant"
    r"|[su](?:min|max)|abs|fsh[lr]|ctpop|ct[lt]z|bitreverse|bswap|[us](?:add|sub)\.(?:sat|with)|[us]cmp|vector\.reduce)\b.*)"
)


class Circuit:
    """The functions that a top function reaches. ``calls``: line of its file -> the step that is called there."""

    def __init__(self, module: Module, sources: Mapping[str, Source], top: str, calls: Mapping[int, str]) -> None:
        self.module, self.sources, self.top, self.calls = module, sources, top, calls

    @cached_property
    def _main(self) -> Function:
        known = (function for name, function in self.module.functions.items() if _plain(name) == self.top)
        return next(known, Function(self.top, [], None))

    @cached_property
    def reached(self) -> dict[str, str]:
        """Function -> the step that it belongs to; the top function itself to none."""
        if self._main.name not in self.module.functions:
            return {}
        found = {self._main.name: ""}
        for call in self._main.calls:
            self._reach(call.callee.removeprefix("@"), self._step(call), found)
        return found

    def _step(self, instruction: Instruction) -> str:
        """The step that an instruction of the top function calls, or belongs to if it is inlined."""
        known = (self.module.places(i.debug) for i in self._main.from_here(instruction))
        places = next(filter(None, known), [])
        own = [place.line for place in reversed(places) if place.file == f"{self.top}.cpp"]
        return next((self.calls[line] for line in own if line in self.calls), "")

    def _reach(self, name: str, step: str, found: dict[str, str]) -> None:
        if name in found or name not in self.module.functions:
            return
        found[name] = step
        for call in self.module.functions[name].calls:
            self._reach(call.callee.removeprefix("@"), step, found)

    def findings(self, registers: Iterable[Registers]) -> Iterator[Finding]:
        """All that is wrong; what one line does many times is said once, with the number."""
        counted = Counter(self._of_instructions())
        counted.update(self._of_access(access) for access in Multiplexers(self.module, self.reached, registers).found())
        for finding, count in counted.items():
            yield replace(finding, found=f"{finding.found}, {count:,} times") if count > 1 else finding
        yield from self._static()
        yield from self._recursion()

    def _of_instructions(self) -> Iterator[Finding]:
        for name in self.reached:
            for instruction in self.module.functions[name].instructions:
                yield from self._of_instruction(instruction, name)

    def _of_access(self, access: Access) -> Finding:
        known = access.registers
        of = "" if access.elements is None else f" of {access.elements:,}"
        ways = "" if access.ways is None else f", one of up to {access.ways:,}"
        what, expected = (
            ("read, changed and written back", "order the loops so that each index is a constant")
            if access.written_back
            else ("read", f"a multiplexer of more than {MOST_WAYS} ways: shift the elements, or leave them a memory")
        )
        places = self.module.places(access.instruction.debug)
        place = next((p for p in places if (p.file, p.function) == (known.file, known.function)), None)
        finding = self.finding(
            access.instruction, access.function.name, "multiplexer",
            f"registers '{known.variable}'{of} ({known.file}:{known.line}) are {what} by an index that changes{ways}",
            expected,
        )  # fmt: skip
        return finding if place is None else replace(finding, line=place.line, file=place.file)

    def place(self, instruction: Instruction, function: str) -> Place:
        """The innermost line of the project's own text.

        What was moved out of a loop has none any more: then the outermost line of what reads its result in this
        function, else the function's first.
        """
        of = self.module.functions[function]
        places = self.module.places(instruction.debug)
        if not places:
            places = [p for i in of.from_here(instruction) for p in reversed(self.module.places(i.debug))]
        places.append(self.module.begin(of))
        return next((p for p in places if p.file in self.sources), Place(f"{self.top}.cpp", 1, self.top, 1))

    def finding(self, instruction: Instruction, function: str, rule: str, found: str, expected: str) -> Finding:
        """A finding at the line that an instruction of a function comes from."""
        place = self.place(instruction, function)
        step = self.reached[function] or self._step(instruction)
        where = f" in {step}" if step else ""
        return Finding(place.file, place.line, rule, f"{found}{where}", expected, steps=(step,) if step else ())

    def _of_instruction(self, instruction: Instruction, function: str) -> Iterator[Finding]:
        if instruction.opcode in _DIVISIONS:
            kind = instruction.width
            by = instruction.values[-1]
            divisor = f"by {by}" if LITERAL.fullmatch(by) else "by a variable"
            yield self.finding(
                instruction, function, "division", f"a {_DIVISIONS[instruction.opcode]} of {kind} {divisor}",
                "a divider is built, or a multiplier and shifts: count rows and columns instead",
            )  # fmt: skip
        if _FLOATING.search(instruction.text):
            yield self.finding(
                instruction, function, "floating-point", f"floating point ('{instruction.opcode}')",
                "compute in ap_fixed; tables are made in Python",
            )  # fmt: skip
        if self._multiplies_counters(instruction):
            yield self.finding(
                instruction, function, "counter-product", f"a multiplication of {instruction.width}, of counters",
                "where something lies is counted, not computed: add up in the loop, or take a constant",
            )  # fmt: skip
        if instruction.opcode in ("call", "invoke"):
            yield from self._of_call(instruction, function)

    def _multiplies_counters(self, instruction: Instruction) -> bool:
        """Whether it is a product of the project's own integers: those of numbers come from the headers' operators."""
        if instruction.opcode != "mul" or any(LITERAL.fullmatch(value) for value in instruction.values):
            return False
        places = self.module.places(instruction.debug)
        return bool(places) and places[0].file in self.sources

    def _of_call(self, call: Instruction, function: str) -> Iterator[Finding]:
        name = call.callee
        if name.removeprefix("@") in self.module.functions or _ALLOWED.fullmatch(name):
            return
        if "__cxa_guard" in name:
            yield self.finding(
                call, function, "static-guard", "a static variable is initialised when it is first met",
                "nothing of that kind is built: make it a constant, or state that is reset",
            )  # fmt: skip
        else:
            what = "a call through a pointer" if name.startswith("%") else f"a call of '{_readable(name)}'"
            yield self.finding(
                call,
                function,
                "foreign-call",
                what,
                "only functions whose text is here can be built, and streams: write it out, or take the call away",
            )

    def _static(self) -> Iterator[Finding]:
        file = f"{self.top}.cpp"
        for name in self.module.globals:
            if name == "llvm.global_ctors":
                yield Finding(
                    file, 1, "static-constructor", "variables are initialised at start-up",
                    "nothing runs before the top function: make them constant arrays of native integers",
                )  # fmt: skip

    def _recursion(self) -> Iterator[Finding]:
        for name in self.reached:
            for call in self.module.functions[name].calls:
                if name in self._below(call.callee.removeprefix("@"), set()):
                    yield self.finding(
                        call, name, "recursion", f"'{_readable(name)}' calls itself",
                        "functions become modules, whose number is fixed: use a loop, or templates",
                    )  # fmt: skip

    def _below(self, name: str, found: set[str]) -> set[str]:
        if name in self.module.functions and name not in found:
            found.add(name)
            for call in self.module.functions[name].calls:
                self._below(call.callee.removeprefix("@"), found)
        return found

    def widths(self, step: str) -> Counter[int]:
        """The widths in bits of a step's products of two values that are no literals, and how often each occurs."""
        return self._widths.get(step, Counter())

    def multiplied(self, step: str) -> int:
        """How many products of numbers a step has, those by a literal too: what is left where constants are known."""
        return self._multiplied[step]

    @cached_property
    def _widths(self) -> dict[str, Counter[int]]:
        found: dict[str, Counter[int]] = {}
        for step, product in self._products:
            if not any(LITERAL.fullmatch(value) for value in product.values):
                found.setdefault(step, Counter())[int(product.width.removeprefix("i"))] += 1
        return found

    @cached_property
    def _multiplied(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for step, product in self._products:
            places = self.module.places(product.debug)
            found[step] += bool(places) and places[0].file not in self.sources  # of our numbers, not of an address
        return found

    @property
    def _products(self) -> Iterator[tuple[str, Instruction]]:
        for name, step in self.reached.items():
            for instruction in self.module.functions[name].instructions:
                if instruction.opcode == "mul":
                    yield step or self._step(instruction), instruction


def _plain(mangled: str) -> str:
    """The name of a function of no namespace: of ``_Z3top...`` it is ``top``."""
    found = re.match(r"_Z(\d+)", mangled)
    return mangled[found.end() : found.end() + int(found.group(1))] if found else mangled


def _readable(mangled: str) -> str:
    """The last name within a mangled one: ``exp`` of ``@exp``, ``run`` of ``_ZN6hlsgen...3runEv``."""
    names, text = [], mangled.removeprefix("@")
    if not text.startswith("_Z"):
        return text
    place = 2
    while found := re.compile(r"[NKSt]*(\d+)").match(text, place):
        size = int(found.group(1))
        names.append(text[found.end() : found.end() + size])
        place = found.end() + size
    return "::".join(names) or text
