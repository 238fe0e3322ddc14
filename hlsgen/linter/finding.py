"""What a check of a written project has to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

RULES = {
    "top": "there is a top function",
    "pragma-unknown": "directives exist",
    "pragma-tool": "pragmas are HLS's",
    "pragma-grammar": "options, values and names of pragmas",
    "pragma-place": "pragmas stand where they belong",
    "dataflow": "canonical dataflow; one producer and one consumer of each channel",
    "limit": "sizes of partitions, of words and of unrolled products",
    "division": "no divider",
    "counter-product": "no product of counters",
    "floating-point": "no floating point",
    "foreign-call": "no call of what has no text",
    "recursion": "no recursion",
    "static-guard": "nothing is initialised when it is first met",
    "static-constructor": "nothing is initialised at start-up",
    "multiplexer": "registers are not chosen by an index that changes",
    "unroll": "loops that are unrolled have a constant number of turns",
    "products": "as many products as stated",
}
"""What is checked: the rules that a finding can name."""


class Severity(Enum):
    """An error is wrong for every reader of the text; a warning may be meant."""

    ERROR = "error"
    WARNING = "warning"


WHOLE_DESIGN = "the whole design"
NO_LAYER = "no layer calls it"
_MOST_LAYERS = 3
"""Named in a line; the others are counted."""


@dataclass(frozen=True)
class Finding:
    """One line of the report: where, which rule, what was found, what is expected and what to do.

    ``file`` is relative to the project's folder, ``line`` counts from 1. ``steps``: the calls in the top function that
    it is of, where that is known otherwise than by the line. ``layers``: the layers that it is about, as the source
    model names them (a process that is no layer: what it does); none where ``where`` says that it is about all of the
    design, or about none.
    """

    file: str
    line: int
    rule: str
    found: str
    expected: str
    severity: Severity = Severity.ERROR
    steps: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    where: str = ""

    @property
    def about(self) -> str:
        """The layers in words; of many of them the first."""
        if not self.layers:
            return self.where
        named = ", ".join(f"'{layer}'" for layer in self.layers[:_MOST_LAYERS])
        more = len(self.layers) - _MOST_LAYERS
        return f"layer{'s' if len(self.layers) > 1 else ''} {named}" + (f" and {more} more" if more > 0 else "")

    def __str__(self) -> str:
        about = f" ({self.about})" if self.about else ""
        return f"{self.file}:{self.line}: {self.severity.value}: {self.found}{about}; {self.expected} [{self.rule}]"


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
