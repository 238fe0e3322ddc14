"""Reports that are text."""

from __future__ import annotations

from pathlib import Path

from hlsgen.errors import ToolError
from hlsgen.named_files import checked_file, content_of

_LARGEST = 64 << 20
"""Bytes: a report of timing with its paths has some megabytes."""


def read_text(path: Path, expected: str) -> str:
    """What stands in a file, letters that are none replaced. Raises ToolError if it cannot be read."""
    content = content_of(checked_file(path, expected, ToolError), expected, ToolError, _LARGEST)
    if b"\0" in content:
        raise ToolError(f"{path}: is no text; expected {expected}")
    return content.decode("utf-8", "replace")
