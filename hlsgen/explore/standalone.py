"""The configuration of a trial as a file that stands alone: ``hlsgen build`` works with it where it lies."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hlsgen.explore.goals import Goal
from hlsgen.explore.trial import Trial
from hlsgen.pictures.svg import printable
from hlsgen.strict_yaml import written

_FILES = ("model", "weights", "calibration", "output_dir")
_VECTORS = "test_vectors"


def standing_alone(trial: Trial, goals: Sequence[Goal], study: str, folder: Path) -> str:
    """The YAML of a trial's design; what it names as absolute files is relative to ``folder``.

    Its first line says what it is of; ``study``: what the sweep is called.
    """
    numbers = ", ".join(
        f"{goal.name} {goal.text(trial.values[goal.name])}" for goal in goals if goal.name in trial.values
    )
    words = f"# trial {trial.number} of {study}, by hlsgen {trial.version}" + (f": {numbers}" if numbers else "")
    return f"{_one_line(words)}\n{written(relative(trial.config, folder))}"


def relative(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A configuration whose absolute files are named from a folder."""
    found = dict(config)
    for name in _FILES:
        if found.get(name) is not None:
            found[name] = _from(str(found[name]), folder)
    if isinstance(found.get(_VECTORS), Mapping):
        found[_VECTORS] = {
            key: name if name is None else _from(str(name), folder) for key, name in found[_VECTORS].items()
        }
    return found


def _from(name: str, folder: Path) -> str:
    return os.path.relpath(name, folder.resolve()) if Path(name).is_absolute() else name


def _one_line(text: str) -> str:
    """Names may hold anything, ends of lines too."""
    return " ".join(printable(text).split())
