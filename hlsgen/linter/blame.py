"""Which layers a line of a project's text is about, so that a finding names them.

A line of the top function belongs to the step it stands in; a port or an array in its head to the steps that take it. A
line of a kernel belongs to the layers whose call leads there, over the functions and structs that are named on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from hlsgen.linter.dataflow import top_function
from hlsgen.linter.finding import NO_LAYER, WHOLE_DESIGN, Finding
from hlsgen.linter.source import Kind, Scope, Source, identifiers
from hlsgen.linter.steps import Step, step_at, steps_of

_QUOTED = re.compile(r"'(\w+)'")


class Blame:
    """The layers of a project's lines; ``top``: the name of the top function."""

    def __init__(self, sources: Mapping[str, Source], top: str) -> None:
        self.sources, self.top = sources, top
        self.main = f"{top}.cpp"

    def named(self, finding: Finding) -> Finding:
        """The same finding with its layers."""
        if finding.steps:
            layers = _once(step.layer for step in self.steps if step.name in finding.steps)
            return replace(finding, layers=layers or finding.steps)
        layers = self._layers(finding)
        unused = not layers and finding.file != self.main and self._unit(finding) is not None
        return replace(finding, layers=layers, where="" if layers else NO_LAYER if unused else WHOLE_DESIGN)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        main = self.sources.get(self.main)
        return () if main is None else steps_of(main)

    def _layers(self, finding: Finding) -> tuple[str, ...]:
        source = self.sources.get(finding.file)
        if source is None:
            return ()
        if finding.file == self.main:
            step = step_at(self.steps, finding.line)
            if step is not None:
                return (step.layer,)
        unit = None if finding.file == self.main else self._unit(finding)
        if unit is not None:
            return _once(step.layer for step in self.steps if unit in self._reached[step])
        words = self._ports & set(_QUOTED.findall(finding.found))
        words = words or set(identifiers(source.text.split("\n")[finding.line - 1]))
        return _once(step.layer for step in self.steps if words.intersection(step.arguments))

    def _unit(self, finding: Finding) -> str | None:
        """The struct or function that a line of another file stands in."""
        source = self.sources.get(finding.file)
        if source is None:
            return None
        offset = sum(len(line) + 1 for line in source.text.split("\n")[: finding.line - 1])
        end = source.text.find("\n", offset)
        scope = source.scope_at(end if end >= 0 else len(source.text))
        found = scope.enclosing(Kind.TYPE) or scope.enclosing(Kind.FUNCTION) or _opened(source, offset, end)
        return None if found is None else _name(found)

    @cached_property
    def _ports(self) -> set[str]:
        main = self.sources.get(self.main)
        top = None if main is None else top_function(main)
        return set() if top is None else set(identifiers(top.parameters))

    @cached_property
    def _reached(self) -> dict[Step, set[str]]:
        """The functions and structs that a step's call leads to."""
        return {step: self._closure({step.function, f"{step.name}_config"}) for step in self.steps}

    def _closure(self, names: set[str]) -> set[str]:
        found: set[str] = set()
        waiting = set(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting |= self._mentions.get(name, set()) - found
        return found

    @cached_property
    def _mentions(self) -> dict[str, set[str]]:
        """Function or struct -> those that its text names."""
        units = [
            (source, scope)
            for source in self.sources.values()
            for scope in source.scopes
            if scope.kind in (Kind.FUNCTION, Kind.TYPE) and source.path != self.main
        ]
        names = {_name(scope) for _, scope in units}
        found: dict[str, set[str]] = {}
        for source, scope in units:
            known = names.intersection(identifiers(source.code[scope.start : scope.end]))
            found.setdefault(_name(scope), set()).update(known)
        return found


def _opened(source: Source, start: int, end: int) -> Scope | None:
    """A struct or function whose head stands on the line from ``start`` to ``end``."""
    heads = (s for s in source.scopes if s.kind in (Kind.FUNCTION, Kind.TYPE) and s.start <= end and s.body >= start)
    return next(heads, None)


def _name(scope: Scope) -> str:
    """The name of a function or a struct."""
    if scope.kind is Kind.FUNCTION:
        return scope.name
    words = [word for word in identifiers(scope.head.rpartition(">")[2] or scope.head) if word not in _WORDS]
    return words[0] if words else ""


_WORDS = {"struct", "class", "union", "enum", "template", "final"}


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
