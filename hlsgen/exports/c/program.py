"""A design as a program of C: functions, the calls of a run, loops, and where every value stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hlsgen.backends.base import Job
from hlsgen.backends.hls.naming import Identifiers
from hlsgen.design.design import Design
from hlsgen.exports.c import layers
from hlsgen.exports.c.function import Function, Table, build_function
from hlsgen.exports.c.memory import Block, Memory, arranged
from hlsgen.exports.c.numbers import Storage, storage_of
from hlsgen.exports.c.values import Values
from hlsgen.ir.loop import Loop, Role, units
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor

_RESERVED = ("work", "step", "restrict", "real", "held", "memcpy", "memset")
"""Names that the templates use beside those of values."""


@dataclass(frozen=True)
class Port:
    """An input or output: a parameter of the run."""

    name: str
    tensor: Tensor

    @property
    def storage(self) -> Storage:
        return storage_of(self.tensor)


@dataclass(frozen=True, eq=False)
class Routine:
    """An operation as a function: ``compute_<name>``."""

    name: str
    op: Op
    function: Function


@dataclass(frozen=True)
class Pointer:
    """A name for a place in the working memory: of a tensor, or of what a function needs while it runs."""

    name: str
    storage: Storage
    tensor: Tensor | None
    block: Block


@dataclass(frozen=True)
class View:
    """A name, inside of a loop, for the part of a sequence that belongs to the step."""

    name: str
    storage: Storage
    sequence: str
    size: int
    backwards: bool


@dataclass(frozen=True)
class Argument:
    """A name, and where in it a step of a loop has its part."""

    name: str
    stride: int = 0
    backwards: bool = False


@dataclass(frozen=True, eq=False)
class Call:
    """``compute_<routine>(arguments)``."""

    routine: Routine
    arguments: tuple[Argument, ...]
    kind = "call"


@dataclass(frozen=True)
class Copy:
    """As many elements of one type from one place to another; from nowhere: zeros."""

    target: str
    source: str | None
    storage: Storage
    size: int
    kind = "copy"


@dataclass(frozen=True, eq=False)
class Repeat:
    """The steps of a loop; ``before``: what its states are at first."""

    loop: Loop
    before: tuple[Call | Copy, ...]
    views: tuple[View, ...]
    body: tuple[Call | Copy, ...]
    kind = "repeat"


Statement = Call | Copy | Repeat


@dataclass(frozen=True, eq=False)
class Program:
    """All that the templates ask for."""

    name: str
    design: Design
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    pointers: tuple[Pointer, ...]
    statements: tuple[Statement, ...]
    memory: Memory

    @cached_property
    def calls(self) -> tuple[tuple[Call, int], ...]:
        """Every call, and how often a run makes it."""
        found: list[tuple[Call, int]] = []
        for statement in self.statements:
            if isinstance(statement, Repeat):
                found += [(call, 1) for call in statement.before if isinstance(call, Call)]
                found += [(call, statement.loop.steps) for call in statement.body if isinstance(call, Call)]
            elif isinstance(statement, Call):
                found.append((statement, 1))
        return tuple(found)

    @cached_property
    def routines(self) -> tuple[Routine, ...]:
        return tuple(dict.fromkeys(call.routine for call, _ in self.calls))

    @property
    def unread(self) -> list[str]:
        """Inputs on which nothing depends."""
        read = {argument.name for call, _ in self.calls for argument in call.arguments}
        for statement in self.statements:
            if isinstance(statement, Repeat):
                read |= {view.sequence for view in statement.views}
            elif isinstance(statement, Copy) and statement.source is not None:
                read.add(statement.source)
        return [port.name for port in self.inputs if port.name not in read]

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The constants by name; what is equal, as a function's table in two layers, stands once."""
        found: dict[tuple[object, str], str] = {}
        for routine in self.routines:
            for table in routine.function.tables:
                found.setdefault(table.content, f"{routine.name}_{table.role}")
        named = {f"{r.name}_{t.role}": t for r in self.routines for t in r.function.tables}
        return {name: named[name] for name in found.values()}

    @cached_property
    def _table_names(self) -> dict[tuple[object, str], str]:
        return {table.content: name for name, table in self.tables.items()}

    def table_name(self, table: Table) -> str:
        """The array in which a function finds a table of its own."""
        return self._table_names[table.content]

    @property
    def constant_bytes(self) -> int:
        return sum(table.bytes for table in self.tables.values())

    @property
    def products(self) -> int:
        """Multiplications of values in one run."""
        return sum(times * call.routine.function.products for call, times in self.calls)


def make_program(job: Job) -> Program:
    """Raises UnsupportedError for an operation that C is not written for, or whose numbers are too wide."""
    assert layers.__path__, "the import registers the functions"
    return _Maker(job).program()


class _Maker:
    """One translation of a design."""

    def __init__(self, job: Job) -> None:
        self.job, self.design = job, job.design
        self.names = Identifiers(reserved=(*_RESERVED, job.name))
        self.functions = Identifiers()
        self.routines = {op: self._routine(op) for op in self.design if op.inputs}
        self.values = Values(self.design, {op: routine.function for op, routine in self.routines.items()})
        self.pointers: list[Pointer] = []
        self.held: dict[Tensor, str] = {}
        """The name under which the values of a root are."""

    def _routine(self, op: Op) -> Routine:
        return Routine(self.functions.make(op.name), op, build_function(op))

    def _name(self, name: str) -> str:
        """An identifier for a parameter or a pointer; none that is, or may be, a macro of a header."""
        made = self.names.make(name)
        macro = made.upper().startswith(f"{self.job.name.upper()}_") or (made.isupper() and "_" in made)
        return self.names.make(f"v_{name}") if macro else made

    def program(self) -> Program:
        inputs = tuple(Port(self._name(t.name), t) for t in self.design.inputs)
        named = zip(self.design.output_names, self.design.outputs, strict=True)
        outputs = tuple(Port(self._name(name), tensor) for name, tensor in named)
        self.held |= {port.tensor: port.name for port in inputs}
        for port in outputs:
            self.held.setdefault(self.values.root(port.tensor), port.name)
        for tensor, block in self.values.blocks.items():
            if tensor not in self.held:
                self.held[tensor] = name = self._name(tensor.name)
                self.pointers.append(Pointer(name, storage_of(tensor), tensor, block))
        statements: list[Statement] = []
        for unit in units(op for op in self.design if not op.is_input):
            loop = unit[0].loop
            statements += [self._repeat(loop, unit)] if loop is not None else self._calls(unit)
        for port in outputs:
            source = self.held[self.values.root(port.tensor)]
            if source != port.name:
                statements.append(Copy(port.name, source, port.storage, port.tensor.size))
        memory = arranged(pointer.block for pointer in self.pointers)
        return Program(self.job.name, self.design, inputs, outputs, tuple(self.pointers), tuple(statements), memory)

    def _calls(self, ops: Sequence[Op]) -> list[Call]:
        return [self._call(op) for op in ops if not self.values.is_alias(op)]

    def _call(self, op: Op) -> Call:
        arguments = [self._argument(op, tensor, of_input=True) for tensor in op.inputs]
        arguments += [self._argument(op, tensor, of_input=False) for tensor in op.outputs]
        routine = self.routines[op]
        for scratch in routine.function.scratch:
            moment = self.values.moments[op]
            block = Block(scratch.storage, scratch.size, moment, moment)
            name = self._name(f"{op.name}_scratch")
            self.pointers.append(Pointer(name, scratch.storage, None, block))
            arguments.append(Argument(name))
        return Call(routine, tuple(arguments))

    def _argument(self, op: Op, tensor: Tensor, of_input: bool) -> Argument:
        border = op.layer.border
        name = self.held[self.values.root(tensor)]
        if border is None or border.role is not (Role.STEP if of_input else Role.STEPS):
            return Argument(name)
        return Argument(name, (op.output if of_input else op.input).size, border.backwards)

    def _repeat(self, loop: Loop, ops: Sequence[Op]) -> Repeat:
        before = [self._start(op) for op in ops if _has_role(op, Role.STATE)]
        views = [self._view(op) for op in ops if self.values.is_view(op)]
        inside = [op for op in ops if not _has_role(op, Role.STATE) and not self.values.is_view(op)]
        handed_on = [self._handed_on(op, ops) for op in ops if _has_role(op, Role.CARRY)]
        calls = self._calls(inside)
        read = {argument.name for call in calls for argument in call.arguments}
        return Repeat(loop, tuple(before), tuple(view for view in views if view.name in read), (*calls, *handed_on))

    def _view(self, op: Op) -> View:
        """The part of a sequence that belongs to a step."""
        self.held[op.output] = name = self._name(op.output.name)
        sequence, border = self.held[self.values.root(op.input)], op.layer.border
        backwards = border is not None and border.backwards
        return View(name, storage_of(op.output), sequence, op.output.size, backwards)

    def _handed_on(self, op: Op, ops: Sequence[Op]) -> Copy:
        """What a state is in the next step: copied when all that reads the one of this step is done."""
        border = op.layer.border
        (state,) = (
            other.output
            for other in ops
            if _has_role(other, Role.STATE) and other.layer.border.slot == border.slot  # type: ignore[union-attr]
        )
        assert storage_of(state) == storage_of(op.output), f"{op!r}: a state has one type"
        return Copy(self.held[state], self.held[op.output], storage_of(state), state.size)

    def _start(self, op: Op) -> Call | Copy:
        """A state before the first step."""
        state = op.output
        return self._call(op) if op.inputs else Copy(self.held[state], None, storage_of(state), state.size)


def _has_role(op: Op, role: Role) -> bool:
    return op.layer.border is not None and op.layer.border.role is role
