"""Why a value has the type it has."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Who chose a result type."""

    CONFIGURATION = "configuration"
    MODEL = "the model's quantiser"
    DEFAULT = "default for inputs"
    EXACT = "exact"
    BUDGET = "budget"
    FUNCTION = "range of the function"
