"""The configuration of a trial as a file that stands alone: ``hlsgen build`` works with it where it lies."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hlsgen.errors import OutputDirError, brief
from hlsgen.explore.goals import Goal
from hlsgen.explore.trial import Trial
from hlsgen.named_files import check_replaced, named_path, unwritable
from hlsgen.pictures.svg import printable
from hlsgen.strict_yaml import written

_FILES = ("model", "weights", "calibration", "output_dir")
_VECTORS = "test_vectors"
_FIRST = re.compile(rb"# trial [0-9]+ of [^\n]*, by hlsgen ")
"""How such a file begins: what may be replaced by another one."""
_WITHOUT_DATA = "# calibrated by data from Python: name their file by 'calibration:', or it is another design"
_WITHOUT_MODEL = "# the model was handed over in Python: name its file by 'model:'"


def standing_alone(trial: Trial, goals: Sequence[Goal], study: str, folder: Path, calibrated: bool = False) -> str:
    """The YAML of a trial's design; what it names as absolute files is relative to ``folder``.

    Its first line says what it is of, others what is not in it; ``study``: what the sweep is called; ``calibrated``:
    whether there were calibration data.
    """
    numbers = ", ".join(goal.said(trial.values[goal.name]) for goal in goals if goal.name in trial.values)
    said = [f"# trial {trial.number} of {study}, by hlsgen {trial.version}" + (f": {numbers}" if numbers else "")]
    if trial.config.get("model") is None:
        said.append(_WITHOUT_MODEL)
    if calibrated and trial.config.get("calibration") is None:
        said.append(_WITHOUT_DATA)
    return "\n".join([*map(_one_line, said), written(relative(trial.config, folder))])


def yaml_path(path: str | Path, overwrite: bool, first: re.Pattern[bytes] = _FIRST, what: str = "a sweep") -> Path:
    """The path of such a file that may be written; ``first``: how those begin that may be replaced, and ``what`` is in
    them.

    Raises OutputDirError for what is no path, ends otherwise than in ``.yml`` or ``.yaml``, lies in no folder, or is
    there already and no such file, unless ``overwrite``.
    """
    file = named_path(path, "a YAML file", OutputDirError)
    if file.suffix.lower() not in (".yml", ".yaml"):
        raise OutputDirError(f"{brief(str(file))} ends in {file.suffix or 'nothing'}, expected .yml")
    check_replaced(file, f"configuration of {what}", first, overwrite=overwrite)
    try:
        if not file.parent.is_dir():
            raise OutputDirError(f"{brief(str(file))} cannot be written (No such file or directory)")
    except (OSError, ValueError) as error:  # ValueError: a NUL
        raise unwritable(file, "", error) from error
    return file


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
    file = Path(name)
    if not file.is_absolute():
        return name
    if ".." in file.parts:  # which leads elsewhere behind a link than it looks
        file = file.parent.resolve() / file.name
    return os.path.relpath(file, folder.resolve())


def _one_line(text: str) -> str:
    """Names may hold anything, ends of lines too."""
    return " ".join(printable(text).split())
