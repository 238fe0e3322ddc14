"""Trials computed in this process, one after the other."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Self

from hlsgen.explore.trial import Ask, Outcome, Work
from hlsgen.explore.workers.computing import computed


class Here:
    """The one worker that this process is; see :class:`~hlsgen.explore.workers.base.Workers`."""

    slots = ahead = 1

    def __init__(self, work: Work) -> None:
        self._work, self._waiting = work, deque[tuple[int, Ask]]()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.clear()

    def submit(self, number: int, ask: Ask) -> None:
        self._waiting.append((number, ask))

    def finished(self, timeout: float | None = None) -> list[tuple[int, Outcome]]:
        if not self._waiting:
            return []
        number, ask = self._waiting.popleft()
        return [(number, computed(self._work, ask))]
