"""What is between a host and a board: bytes that go and come."""

from __future__ import annotations

from typing import Protocol


class Line(Protocol):
    """A serial line. Implementations raise LinkError for what the system refuses."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def read(self, timeout: float) -> bytes:
        """The bytes that came; none within ``timeout`` seconds: an empty text."""

    def close(self) -> None:
        """Give the line back."""

    @property
    def name(self) -> str:
        """For messages."""
