"""Cases: what is tried, drawn from a seed or stored as JSON, and the property that it has to have."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.fuzz.cases.base import Case, WrongError
from tests.fuzz.cases.configurations import ConfigurationCase
from tests.fuzz.cases.files import FileCase, RawCase
from tests.fuzz.cases.keras import KerasCase
from tests.fuzz.cases.networks import NetworkCase
from tests.fuzz.cases.planted import PlantedCase
from tests.fuzz.cases.types import TypeCase

__all__ = ["DRAWN", "Case", "WrongError", "case_of", "drawn"]

DRAWN: dict[str, Any] = {case.kind: case for case in (TypeCase, ConfigurationCase, FileCase, NetworkCase, KerasCase)}
"""Kinds of which there are random cases."""
_STORED: dict[str, Any] = DRAWN | {case.kind: case for case in (RawCase, PlantedCase)}


def drawn(kind: str, seed: int, number: int) -> Case:
    """Case ``number`` of a seed: the same whenever and in whatever order it is drawn."""
    case: Case = DRAWN[kind].draw(random.Random(f"{kind} {seed} {number}"))
    return case


def case_of(text: str) -> Case:
    """A stored case."""
    fields = json.loads(text)
    kind = _STORED[fields.pop("kind")]
    case: Case = getattr(kind, "from_json", lambda found: kind(**_tuples(found)))(fields)
    return case


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(map(_tuple, value)) if isinstance(value, list) else value for name, value in fields.items()}


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
