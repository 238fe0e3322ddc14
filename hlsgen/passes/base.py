"""What a pass is, and the driver that runs a pipeline of them."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hlsgen import progress
from hlsgen.errors import GraphError
from hlsgen.ir.graph import Graph

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """A step on the way from a source model to a design, under a name of its own."""

    exact: ClassVar[bool]
    """Outputs do not change by one bit (a test executes the graph before and after)."""
    optional: ClassVar[bool] = True
    """Can be switched off by name (``skip_passes``)."""

    @classmethod
    def pass_name(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


@dataclass(frozen=True)
class Pass(Stage):
    """A rewrite of the graph. Fields are its options; ``run`` returns whether anything changed."""

    def run(self, graph: Graph) -> bool:
        raise NotImplementedError


def run_passes(
    graph: Graph,
    passes: Sequence[Pass],
    skip: Collection[str] = (),
    after: Callable[[str, Graph], None] | None = None,
) -> None:
    """Run passes in order; verify the graph after each. GraphError names a pass that broke it and those before it."""
    done: list[str] = []
    for step in passes:
        if step.pass_name() in skip:
            continue
        progress.say(step.pass_name())
        began = time.monotonic()
        try:
            step.run(graph)
            graph.verify()
        except GraphError as error:
            raise GraphError(f"pass {step.pass_name()} (after {', '.join(done) or 'none'}): {error}") from error
        done.append(step.pass_name())
        _LOG.debug("%s: %.3f s, %d nodes", step.pass_name(), time.monotonic() - began, len(graph))
        if after is not None:
            after(step.pass_name(), graph)
