"""``project.repair``: diagnoses and their fixes one after the other, until nothing is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.analysis.diagnosis.diagnose import diagnose
from hlsgen.analysis.diagnosis.fragments import fragment_of, merged, overrides, text_of
from hlsgen.analysis.diagnosis.result import Diagnosis
from hlsgen.analysis.subject import Subject
from hlsgen.config import Config
from hlsgen.errors import ConfigError

_MOST = 24
"""Steps: a design in which every layer is too narrow has as many as layers with weights."""


@dataclass(frozen=True, eq=False)
class Repair:
    """What was found and done. Print it."""

    steps: tuple[Diagnosis, ...]
    """Each found in what the fixes before it left; the last may have none."""
    fix: str | None
    """All fixes together, as YAML; None if there were none."""
    left: Diagnosis | None
    """What is still wrong, since no setting cures it; None where all is right."""
    project: Any
    """The repaired project."""

    def __str__(self) -> str:
        if not self.steps:
            return "nothing is wrong"
        parts = [f"{number}. {step}" for number, step in enumerate(self.steps, 1)]
        end = "nothing is wrong any more" if self.left is None else "no setting was found that cures the last"
        return "\n".join([*parts, end])


def repair(project: Subject, x: Any, reference: Any = None, y: Any = None) -> Repair:
    """See :meth:`hlsgen.project.Project.repair`."""
    steps: list[Diagnosis] = []
    together: dict[str, Any] = {}
    found = diagnose(project, x, reference, y)
    while found is not None:
        steps.append(found)
        if found.fix is None or len(steps) >= _MOST:
            break
        together = merged(together, fragment_of(found.fix))
        project = project.with_settings(**fixed_settings(project.config, found))
        found = diagnose(project, x, reference, y)
    return Repair(tuple(steps), text_of(together) if together else None, found, project)


def fixed_settings(config: Config, fix: str | Diagnosis) -> dict[str, Any]:
    """What ``with_settings`` takes to apply a fix. Raises ConfigError."""
    text = fix.fix if isinstance(fix, Diagnosis) else fix
    if not isinstance(text, str):
        raise ConfigError(
            "with_fix(): the diagnosis has no fix, as no setting cures what it found; see its advice"
            if text is None
            else f"with_fix(): expected a diagnosis or the YAML of its fix, found {type(text).__name__}"
        )
    return overrides(config, fragment_of(text))
