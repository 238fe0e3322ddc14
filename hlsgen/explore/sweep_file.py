"""Searches in YAML: ``hlsgen sweep sweep.yml``. Everything that is wrong is said by line and column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hlsgen.config import Config, make_config
from hlsgen.design.array_files import load_inputs, load_labels
from hlsgen.errors import ConfigError, HlsgenError, brief, nearest
from hlsgen.explore.origin import Origin
from hlsgen.explore.study import Study
from hlsgen.explore.sweep import sweep
from hlsgen.named_files import checked_file, content_of
from hlsgen.project import Project, convert
from hlsgen.strict_yaml import MAX_BYTES, Document, parse

_PATHS = ("model", "weights", "config", "calibration", "data", "labels", "storage")
_TEXTS = ("sampler", "output", "task")
_WHOLE = ("trials", "seed", "workers")
_OTHERS = ("space", "objectives", "settings", "prune", "threshold", "dask", "scheduler", "timeout")
_WHO = ("workers", "dask", "scheduler")
"""Who computes trials: what is said elsewhere is in place of all of them."""
KEYS = (*_PATHS, *_TEXTS, *_WHOLE, *_OTHERS)


@dataclass(frozen=True)
class SweepFile:
    """A search as a file says it; paths are relative to the file."""

    path: Path
    said: Mapping[str, Any]
    origin: Origin

    @classmethod
    def read(cls, path: str | Path) -> SweepFile:
        """Read a file. Raises ConfigError that names line and column."""
        file = checked_file(path, "a YAML file of a sweep", ConfigError, MAX_BYTES)
        content = content_of(file, "a YAML file of a sweep", ConfigError, MAX_BYTES)
        if content.startswith(b"SQLite format 3"):
            raise ConfigError(
                f"{file}: this is the study of a sweep; 'hlsgen sweep show' looks at it, and the YAML file that began "
                "it goes on with it"
            )
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{file}: not valid YAML: {error}") from error
        document = parse(text, str(file))
        return cls(file, _checked(document, str(file)), Origin(str(file), document))

    def named(self, key: str) -> Path | None:
        """A path that it says."""
        value = self.said.get(key)
        return None if value is None else self.path.resolve().parent / value

    @property
    def storage(self) -> Path:
        """The file of the study: what is said, or one beside this file that is called so."""
        return self.named("storage") or self.path.with_suffix(".db")

    def project(self) -> Project:
        """The model, converted as the points find it. Raises HlsgenError."""
        config = self._config()
        model = self.named("model")
        if model is None and config.model is None:
            raise self.origin.refused("model: is missing; name a model, or a config that names one", "model")
        return convert(model, config)

    def _config(self) -> Config:
        """What is in ``config``, over it what is in ``settings``, and the files that a trial's own has to name, too."""
        files = {key: self.named(key) for key in ("weights", "calibration") if key in self.said}
        try:
            return make_config(self.named("config"), **{**self.said.get("settings", {}), **files})
        except HlsgenError as error:
            if "settings" not in self.said:
                raise
            raise self.origin.refused(f"settings: {error}", "settings") from error

    def data(self, project: Project) -> tuple[Any, Any]:
        """Samples and labels: those that are named, else the test vectors of the configuration."""
        vectors, x, y = project.config.test_vectors, self.named("data"), self.named("labels")
        if x is None and y is not None:
            raise self.origin.refused("labels: belong to samples; name data, too", "labels")
        if x is None and vectors is not None:
            x, y = vectors.x, vectors.y
        inputs = None if x is None else load_inputs(x, project.design.inputs)
        return inputs, None if y is None else load_labels(y, project.design.output_names)

    def run(self, progress: Callable[[Study], None] | None = None, **overrides: Any) -> Study:
        """Search; ``overrides``: keywords of :func:`~hlsgen.explore.sweep.sweep` in place of what the file says."""
        project = self.project()
        x, y = self.data(project)
        keys = ("objectives", "trials", "sampler", "seed", "prune", "output", "task", "threshold", "timeout")
        who = () if {*_WHO} & overrides.keys() else _WHO
        options = {key: self.said[key] for key in (*keys, *who) if key in self.said}
        options = {"storage": self.storage, **options, **overrides}
        origin = replace(self.origin, overridden=frozenset(overrides))
        return sweep(project, self.said["space"], x, y, origin=origin, progress=progress, **options)


def _checked(document: Document, where: str) -> Mapping[str, Any]:
    """What a file says, if its keys are those of a sweep, with values of their kinds."""
    data, origin = document.data, Origin(where, document)
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where}: expected a mapping with 'model' and 'space', found {brief(data)}")
    for key, value in data.items():
        if key not in KEYS:
            raise origin.refused(f"unknown key {brief(key)}{nearest(key, KEYS)}", key, of_key=True)
        expected = _expected(key, value)
        if expected:
            raise origin.refused(f"{key}: {brief(value)}, expected {expected}", key)
    if "space" not in data:
        raise ConfigError(f"{where}: 'space' is missing: settings, and what they may be")
    return data


def _expected(key: str, value: Any) -> str:
    """What a value of the wrong kind should have been; nothing, if it is right."""
    if key in _PATHS and not isinstance(value, str):
        return "a path"
    if key in _TEXTS and not isinstance(value, str):
        return "a word"
    if key in _WHOLE and (isinstance(value, bool) or not isinstance(value, int)):
        return "a whole number"
    if key == "prune" and not isinstance(value, bool):
        return "true or false"
    if key == "settings" and not isinstance(value, Mapping):
        return "settings of a configuration"
    return ""
