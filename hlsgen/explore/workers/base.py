"""What a search asks of those who compute its trials, wherever they are."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from hlsgen.explore.trial import Ask, Outcome


class Workers(Protocol):
    """Some workers, to be had as a context: leaving it stops them, and what they have not finished is dropped."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def slots(self) -> int:
        """How many trials are computed at once, just now; workers of a cluster come and go."""

    @property
    def ahead(self) -> int:
        """How many trials are to be under way or waiting, so that nobody waits for one; at least 1."""

    def submit(self, number: int, ask: Ask) -> None:
        """Let a worker compute the trial of that number."""

    def finished(self, timeout: float | None = None) -> list[tuple[int, Outcome]]:
        """Wait until a trial is finished and return all that are, by their numbers; none after ``timeout`` seconds.

        A worker that dies is replaced and its trial computed again; one that kills several workers has failed, with
        that as its reason. Raises WorkersError (hlsgen.errors) where there are no workers any more.
        """
