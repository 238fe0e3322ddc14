"""Results as rich shows them on a wide terminal."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console


def as_rich(found: Any) -> str:
    text = io.StringIO()
    Console(file=text, width=300).print(found)
    return text.getvalue()
