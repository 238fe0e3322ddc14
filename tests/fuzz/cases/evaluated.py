"""What every project that was made has to do: evaluate, render, write, and run as the reference does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.project import Project
from tests.fuzz.cases.base import WrongError

_MOST = 200_000
"""Elements of all tensors together beyond which a design is neither computed nor written: its data take their room."""


def data_for(project: Project, seed: int = 0, samples: int = 5) -> dict[str, Any]:
    """Real numbers by input: of the size of its type, a step of it, beyond it, and zeros."""
    rng = np.random.default_rng(seed)
    found = {}
    for port in project.design.inputs:
        end = float(np.clip(float(port.type.max) + float(port.type.step), 1e-30, 1e30))
        x = rng.uniform(-1.2, 1.2, (samples, *port.shape)) * end
        x[0] = 0
        x[1] = np.round(x[1] / float(port.type.step)) * float(port.type.step) + float(port.type.step) / 2  # ties
        x[2].reshape(-1)[::2] = 1e30
        found[port.name] = x
    return found


def check_project(project: Project, folder: Path, *, emulate: bool, write: bool) -> None:
    """Assert that a project can be used. ``emulate``: also compiled; ``write``: also written, to ``folder``."""
    assert project.summary() and str(project.precision)
    if sum(tensor.size for tensor in project.design.tensors) > _MOST:
        return
    assert project.files
    x = data_for(project)
    values = project.evaluate(x, raw=True)
    check_types(project, values)
    if emulate:
        check_emulator(project, x, values)
    if write:
        check_written(project, folder)


def check_types(project: Project, values: dict[str, Any]) -> None:
    for key, tensor in project.trace_keys().items():
        low, high = values[key].min(initial=0), values[key].max(initial=0)
        if int(low) < min(tensor.type.min_mantissa, 0) or int(high) > max(tensor.type.max_mantissa, 0):
            raise WrongError("range", f"'{key}': values {low} to {high} are beyond {tensor.type}")


def check_emulator(project: Project, x: dict[str, Any], values: dict[str, Any]) -> None:
    """Two runs of the emulator have to give what the reference does."""
    keys = {id(tensor): key for key, tensor in project.trace_keys().items()}
    for _ in range(2):
        results = project.predict(x, raw=True)
        found = results if isinstance(results, list) else [results]
        for tensor, got in zip(project.design.outputs, found, strict=True):
            right = values[keys[id(tensor)]]
            if got.shape != right.shape or (got.astype(object) != right.astype(object)).any():
                raise WrongError("emulator", f"emulator and reference differ in output '{tensor.name}'")


def check_written(project: Project, folder: Path) -> None:
    """What is written is what was promised, where it was promised, and nothing else."""
    target = project.write()
    if target.parent != folder:
        raise WrongError("written", f"write() went to {target}, expected a folder below {folder}")
    found = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    if found != set(project.files):
        raise WrongError("written", f"write() left {sorted(found ^ set(project.files))[:5]} missing or too much")
