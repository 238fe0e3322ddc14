"""What a pass is, and the driver that runs a pipeline of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hlsgen.errors import ConfigError, GraphError, HlsgenError, nearest
from hlsgen.ir.graph import Graph


@dataclass(frozen=True)
class Pass:
    """A rewrite of the graph. Fields are its options; ``run`` returns whether anything changed."""

    exact: ClassVar[bool]
    """Outputs do not change by one bit (a test executes the graph before and after)."""
    optional: ClassVar[bool] = True
    """Can be switched off by name (``skip_passes``)."""

    def run(self, graph: Graph) -> bool:
        raise NotImplementedError

    @classmethod
    def pass_name(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


def run_pipeline(
    graph: Graph,
    pipeline: Sequence[Pass],
    skip: Collection[str] = (),
    after: Callable[[str, Graph], None] | None = None,
) -> None:
    """Run passes in order; verify the graph after each.

    Raises ConfigError for a name in ``skip`` that cannot be skipped; GraphError names a pass that
    broke the graph and those before it.
    """
    names = {step.pass_name() for step in pipeline if step.optional}
    for name in skip:
        if name not in names:
            raise ConfigError(f"skip_passes: no pass '{name}' that can be skipped{nearest(name, names)}")
    done: list[str] = []
    for step in pipeline:
        if step.pass_name() in skip:
            continue
        try:
            step.run(graph)
            graph.verify()
        except HlsgenError as error:
            if isinstance(error, GraphError):
                raise GraphError(f"pass {step.pass_name()} (after {', '.join(done) or 'none'}): {error}") from error
            raise
        done.append(step.pass_name())
        if after is not None:
            after(step.pass_name(), graph)
