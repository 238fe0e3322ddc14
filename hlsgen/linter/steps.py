"""The steps of a top function: which call computes which layer, as the comments above the calls say.

Every call stands below a comment (``// layer 'conv1' (Conv2D) -> ...``, ``// the words of port x``), with the
declarations of what it writes between. So each line of the text belongs to one step, or to the top function's head.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hlsgen.linter.dataflow import Call, calls_of
from hlsgen.linter.source import Source

_NOTE = re.compile(r"^[ \t]*// (?! )(.*)$")
_LAYER = re.compile(r"layer '(.*?)' \(")


@dataclass(frozen=True)
class Step:
    """A call: its function, the name of its config struct, what the comment above says, and its first and last line."""

    name: str
    function: str
    arguments: tuple[str, ...]
    note: str
    first: int
    last: int

    @property
    def layer(self) -> str:
        """The layer as the source model names it; of a step that is none, what it does; the step's name at worst."""
        found = _LAYER.search(self.note)
        return found.group(1) if found else self.note or self.name


def steps_of(source: Source) -> tuple[Step, ...]:
    """All steps of the file of a top function, in the order of its text."""
    lines = source.text.split("\n")
    found: list[Step] = []
    for call in calls_of(source):
        note, first = _above(lines, call, found[-1].last if found else 0)
        found.append(Step(call.step, call.function, call.arguments, note, first, call.last))
    return tuple(found)


def step_at(steps: tuple[Step, ...], line: int) -> Step | None:
    """The step that a line of the top function's file belongs to; None in its head."""
    return next((step for step in steps if step.first <= line <= step.last), None)


def _above(lines: list[str], call: Call, before: int) -> tuple[str, int]:
    """The comment above a call and its line, but below the call before it."""
    for number in range(call.line, before, -1):
        found = _NOTE.match(lines[number - 1])
        if found:
            return found.group(1).strip(), number
    return "", call.line
