"""What a check of a written project has to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """An error is wrong for every reader of the text; a warning may be meant."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Finding:
    """One line of the report: where, which rule, what was found, what is expected and what to do.

    ``file`` is relative to the project's folder, ``line`` counts from 1.
    """

    file: str
    line: int
    rule: str
    found: str
    expected: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity.value}: {self.found}; {self.expected} [{self.rule}]"


@dataclass(frozen=True)
class Multiplications:
    """What a kernel multiplies side by side, its constants taken as unknown: products of two values, by their width.

    ``left``: how many are left with the constants that the project has; None if that was not asked for.
    """

    step: str
    function: str
    count: int
    widths: tuple[tuple[int, int], ...]
    """Bits of a product, and how many have them."""
    left: int | None = None


@dataclass(frozen=True)
class Report:
    """All findings of a project, in the order of its text. ``notes`` say what could not be looked at, and why."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    multiplications: tuple[Multiplications, ...] = ()
    """Of every kernel call, in the order of the top function; empty without clang."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.findings), *self.notes])


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each once, by file and line."""
    return tuple(sorted(set(findings), key=lambda f: (f.file, f.line, f.rule, f.found)))
