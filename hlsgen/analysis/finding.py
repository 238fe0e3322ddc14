"""What the checks of data have to say."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """A text, and what it is about: batches that are alike give other numbers, and are no news."""

    cause: tuple[object, ...]
    text: str = field(compare=False)
    clipped: tuple[str, str] | None = field(default=None, compare=False)
    """The name of an input that need only be clipped to cause this, and what that costs."""
    of_types: bool = field(default=False, compare=False)
    """Whether it is about types; else about the data."""
