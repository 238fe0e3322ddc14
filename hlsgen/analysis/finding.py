"""What the checks of data have to say."""

from __future__ import annotations

from dataclasses import dataclass, field

from hlsgen.ir.text import percent


@dataclass(frozen=True)
class Finding:
    """A text, and what it is about: batches that are alike give other numbers, and are no news."""

    cause: tuple[object, ...]
    text: str = field(compare=False)
    clipped: tuple[str, str] | None = field(default=None, compare=False)
    """The name of an input that need only be clipped to cause this, and what that costs."""
    of_types: bool = field(default=False, compare=False)
    """Whether it is about types; else about the data."""


def off_by(output: str, error: float) -> str:
    """What something costs: the error of an output, relative to it."""
    return f"'{output}' is off by {percent(error)} % rms"
