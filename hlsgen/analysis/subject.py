"""What an analysis asks of the project it looks at, without knowing the class: projects know their analyses."""

from __future__ import annotations

from typing import Any, Protocol, Self

from hlsgen.analysis.overflow import OverflowReport
from hlsgen.config import Config
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.ir.graph import Graph


class Subject(Protocol):
    """A converted model with its emulator; :class:`hlsgen.project.Project` is one."""

    name: str
    graph: Graph
    config: Config
    design: Design
    overflows: OverflowReport | None

    @property
    def source(self) -> Any:
        """What the model was read from: a live model or a path."""

    def with_settings(self, **overrides: Any) -> Self:
        """The same model with other settings."""

    def predict(self, x: Any, raw: bool = False, threads: int | None = None, count_overflows: bool = False) -> Any:
        """The outputs for a batch."""

    def trace(self, x: Any, raw: bool = False, inner: bool = False) -> dict[str, Array]:
        """The output of every layer for a batch, by its name in the source model."""
