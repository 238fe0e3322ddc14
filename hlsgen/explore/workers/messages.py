"""What a process that computes trials says to its owner."""

from __future__ import annotations

from typing import NamedTuple

from hlsgen.explore.trial import Outcome


class Ready(NamedTuple):
    """It has read its work. ``memory``: bytes that it holds without what it shares with others."""

    memory: int


class Unfit(NamedTuple):
    """It cannot read its work, and no other could."""

    reason: str


class Computed(NamedTuple):
    """A trial is finished; ``memory``: bytes that it holds now."""

    number: int
    outcome: Outcome
    memory: int


Message = Ready | Unfit | Computed
