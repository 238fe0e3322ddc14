"""Which samples and labels a command looks at: those that are named, else the test vectors of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hlsgen.config import Config
from hlsgen.design.array_files import load_inputs, load_labels
from hlsgen.errors import ConfigError
from hlsgen.project import Project


def files_for(config: Config, data: Path | None, labels: Path | None = None) -> tuple[Path | None, Path | None]:
    """The files of samples and of their labels, None where there are none.

    Stored labels belong to stored samples: to others that are named, only labels that are named do. Raises ConfigError
    for labels without samples.
    """
    vectors = config.test_vectors
    if data is not None or vectors is None:
        if labels is not None and data is None:
            raise ConfigError(f"{labels}: labels belong to samples; give --data, too, or set test_vectors: {{x: ...}}")
        return data, labels
    return vectors.x, vectors.y if labels is None else labels


def samples_for(
    project: Project, command: str, how: str, data: Path | None, labels: Path | None = None
) -> tuple[Any, Any]:
    """Samples (an array, or arrays by the inputs' names) and labels (None: none), read.

    ``how`` says how samples are named. Raises ConfigError where there are none, InputError for files that do not fit.
    """
    x, y = files_for(project.config, data, labels)
    if x is None:
        raise ConfigError(f"{command}: no samples given; name a .npy {how}, or set test_vectors: {{x: ...}}")
    design = project.design
    return load_inputs(x, design.inputs), None if y is None else load_labels(y, design.output_names)
