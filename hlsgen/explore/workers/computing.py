"""What a worker does with a point, wherever it is: measure it, and make of whatever happens an outcome."""

from __future__ import annotations

import logging
import os
import platform
import time
from dataclasses import replace

from hlsgen.errors import said_by
from hlsgen.explore.trial import Ask, Outcome, State, Work

_LOG = logging.getLogger(__name__)


def computed(work: Work, ask: Ask, *, interruptible: bool = True) -> Outcome:
    """The outcome of a point, of plain numbers and words, with the time it took and who computed it.

    ``interruptible``: whether a KeyboardInterrupt is Ctrl-C, which ends the search, or what the trial itself raises.
    """
    began = time.perf_counter()
    try:
        found = work.measured(ask)
        values = {str(name): float(value) for name, value in found.values.items()}
        outcome = Outcome(State(found.state), values, shortened(str(found.reason)))
    except BaseException as error:  # of a function of the user's, or a bug of ours
        if interruptible and isinstance(error, KeyboardInterrupt):
            raise
        _LOG.debug("a trial failed", exc_info=True)
        outcome = Outcome(State.FAILED, reason=shortened(said_by(error)))
    return replace(outcome, seconds=time.perf_counter() - began, worker=name())


def name() -> str:
    """Host and process."""
    return f"{platform.node()}:{os.getpid()}"


def shortened(text: str, most: int = 2000) -> str:
    """A text of at most so many characters, all of which can be stored and printed (paths may hold others)."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= most else f"{text[: most - 3]}..."
