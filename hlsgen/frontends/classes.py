"""Of which framework an object is, told without importing any."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

KERAS = ("keras", "tf_keras", "tensorflow")
"""The packages of Keras."""


def classes_of(model: Any, packages: Collection[str]) -> list[type]:
    """The class of an object and those it is derived from, as far as they are of these packages; its own first."""
    return [kind for kind in type(model).__mro__ if package_of(kind) in packages]


def package_of(kind: type) -> str:
    """The package, at the top, that a class is of."""
    return kind.__module__.partition(".")[0]
