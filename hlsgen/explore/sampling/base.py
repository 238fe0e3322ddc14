"""What a search asks of its sampler."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from hlsgen.explore.goals import Costs
from hlsgen.explore.space import Steps


class Sampler(Protocol):
    """Chooses points. It sees places on dimensions and costs, and knows nothing of designs."""

    def ask(self, taken: Collection[Steps]) -> Steps | None:
        """A point that is none of ``taken``, which are done or under way; None where there is no other."""

    def tell(self, steps: Steps, costs: Costs | None) -> None:
        """What was found at a point, also at one that was computed before this process; None: it has no numbers."""
