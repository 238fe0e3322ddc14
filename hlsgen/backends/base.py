"""What a backend is: it turns a design into files, and may run a tool on them.

The configuration's ``backend`` names one of ``BACKENDS``. A new one is a module with an object ``BACKEND`` that has the
methods of :class:`Backend`, and a line in that table. It reads the design and never the graph, and refuses, with the
reason, what it cannot build exactly. docs/add_a_backend.md shows one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, nearest

BACKENDS = {"vitis": "hlsgen.backends.vitis", "verilog": "hlsgen.backends.verilog"}
"""Name -> module; imported when it is asked for."""
_REFUSED = {"vhdl": "there is no VHDL, since only what tests simulate is written; use backend: verilog"}
"""Names that somebody may well ask for, and what is said."""


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be built. ``name`` is safe as an identifier and as part of a file name."""

    name: str
    design: Design
    config: Config
    source: Any = None
    """The model that was converted, an object or a path; for exports that ask its framework, and None if not known."""


class Backend(Protocol):
    """What every backend offers."""

    def balanced(self, design: Design, config: Config) -> Design:
        """The same design, with a reuse factor for every layer for which it is left open (``reuse_factor: auto``).

        :func:`hlsgen.backends.sharing.shared_within` chooses them from the cycles that a layer takes.
        """

    def check(self, job: Job) -> None:
        """Refuse, at conversion, what this backend cannot build, before any work is put into it.

        Raises UnsupportedError for a layer and ConfigError for a setting. What only the finished texts show is refused
        by :meth:`files`.
        """

    def files(self, job: Job) -> dict[str, str]:
        """All texts of the project by path, before anything is written.

        Raises UnsupportedError for a layer and ConfigError for a setting that this backend cannot honour, InputError
        for test vectors that do not fit the model.
        """

    def run(self, job: Job, write: Callable[[], Path], **options: Any) -> Any:
        """Run the tool; ``write()`` writes the project and returns its folder. Returns the tool's report.

        ``options`` are the backend's own. Raises ToolError if the tool is missing or fails, ConfigError for options it
        does not have.
        """


def load_backend(name: str) -> Backend:
    """The backend of that name. Raises ConfigError for one that does not exist."""
    if name in _REFUSED:
        raise ConfigError(f"backend: {name}: {_REFUSED[name]}")
    if name not in BACKENDS:
        raise ConfigError(f"backend: there is no backend '{name}'{nearest(name, BACKENDS)}")
    return cast(Backend, importlib.import_module(BACKENDS[name]).BACKEND)
