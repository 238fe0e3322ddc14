"""The one tree of exceptions.

Every message says where, what was found, what was expected and what to do.
``assert`` stays for bugs of our own; everything a user can cause derives from
:class:`HlsgenError`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST_WORD = 200
"""Of which a nearest valid one is looked for."""
_LISTED = 100
"""Valid ones that a message lists."""


class HlsgenError(Exception):
    """Base of everything hlsgen raises on purpose. A message can be printed, whatever it quotes."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(_printable(part) if isinstance(part, str) else part for part in args))


def _printable(text: str) -> str:
    """Halves of characters (lone surrogates), which no encoding has, as ``\\ud800``: files and paths may hold them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


class ConfigError(HlsgenError):
    """The configuration says something that cannot be (unknown key, impossible reuse factor...)."""


class TypeSpecError(HlsgenError, ValueError):
    """A fixed-point type is misspelt or impossible."""


class ModelError(HlsgenError):
    """The source model cannot be read: missing, truncated, corrupt, or of a kind we do not take."""


class UnsupportedError(HlsgenError):
    """The model is sound, but holds a layer or an option hlsgen refuses rather than gets wrong."""


class GraphError(HlsgenError):
    """A pass or a caller tried to break the graph, or a pass failed; names the pass and the node."""


class DesignError(HlsgenError):
    """What a design is made of does not fit together: constants and kernels, or a compiled design and its constants."""


class WeightsError(HlsgenError):
    """Other weights do not go into a project: their model has another structure, or they lie beyond its types."""


class DeadlockError(HlsgenError):
    """Processes of a design would wait for each other for ever; names the stream that is too short, and its depth."""


class InputError(HlsgenError, ValueError):
    """Data given to predict, trace or calibration does not fit the model."""


class UnknownNameError(HlsgenError, KeyError):
    """A report was asked for a layer or a value that it does not know."""

    def __str__(self) -> str:  # a KeyError shows what it is given in quotes, as a key
        return str(self.args[0])


class OutputDirError(HlsgenError):
    """The output directory holds something that is not ours to overwrite."""


class StudyError(HlsgenError):
    """The file of a search: in use, damaged, of another search, or it cannot be written; what is in it stays."""


class TimingError(HlsgenError):
    """A placed circuit does not keep its clock period on a device; names the layers on its slowest path.

    ``megahertz``: what it keeps.
    """

    def __init__(self, text: str, megahertz: float = 0.0) -> None:
        super().__init__(text)
        self.megahertz = megahertz


class LinkError(HlsgenError):
    """The line to a board: it cannot be opened, nobody answers, or another design does."""


class WorkersError(HlsgenError):
    """Nobody computes trials any more: no worker starts, or the cluster went away. What is finished is kept."""


class ToolError(HlsgenError):
    """An outside program (g++, Vitis) is missing or failed; carries its first error line."""


class MismatchError(ToolError):
    """A simulation of a built design computed another integer than the emulator.

    ``output``: its name; ``sample``: the number of the test vector, from 0; ``element``: its index in the output;
    ``expected`` and ``found``: integer mantissas.
    """

    def __init__(
        self,
        text: str,
        *,
        output: str = "",
        sample: int = 0,
        element: tuple[int, ...] = (),
        expected: int = 0,
        found: int = 0,
    ) -> None:
        super().__init__(text)
        self.output, self.sample, self.element = output, sample, element
        self.expected, self.found = expected, found


def brief(value: object, most: int = 80) -> str:
    """``repr(value)``, cut to ``most`` characters: what was found may be of any size."""
    try:
        text = repr(value)
    except Exception:  # no integer of more than 4300 digits is spelt, no list in itself a thousand times; and objects
        text = f"<{type(value).__name__}>"
    return text if len(text) <= most else f"{text[: most - 3]}..."


def said_by(error: BaseException) -> str:
    """``Type: message`` of an exception that may be anybody's; the type alone where there is no message, or where the
    exception's own ``__str__`` fails."""
    name = type(error).__name__
    try:
        message = str(error).strip()
    except Exception:
        return name
    return f"{name}: {message}" if message else name


def nearest(word: object, valid: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest valid word, or the list of valid ones."""
    words = sorted({str(v) for v in valid})
    if not isinstance(word, str) or len(word) > _LONGEST_WORD:
        word = ""
    lowered = {w.lower(): w for w in words}
    close = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{lowered[close[0]]}'?"
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return f"; valid: {', '.join(words[:_LISTED])}{more}" if words else ""
