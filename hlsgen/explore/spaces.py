"""Spaces as users write them, in YAML and in Python: each entry an axis, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hlsgen.backends.base import load_backend
from hlsgen.config import Config, make_config
from hlsgen.errors import ConfigError, HlsgenError, brief, nearest
from hlsgen.explore.origin import Origin
from hlsgen.explore.paths import Named, named
from hlsgen.explore.ranges import MOST_VALUES, Values, values_of
from hlsgen.explore.space import Assigned, Axis, Dimension, SettingPath, Space, merged
from hlsgen.ir.graph import Graph
from hlsgen.pipeline import stages

_KEYS = ("paths", "values", "each", "choices")
_MOST_AXES = 1000


def read_space(given: Any, graph: Graph, base: Mapping[str, Any], origin: Origin) -> Space:
    """The space that settings and their values span, for a model and a configuration.

    ``given``: paths of settings (or names of axes) and what they may be, as docs/sweep.md says. Raises ConfigError for
    settings that there are not, values that they cannot have, and settings that two axes choose.
    """
    if not isinstance(given, Mapping) or not given:
        raise origin.refused(
            f"space: expected settings and what they may be, as {{'defaults.reuse_factor': [1, 2, 4]}}, "
            f"found {brief(given)}",
            "space",
        )
    if len(given) > _MOST_AXES:
        raise origin.refused(f"space: {len(given)} axes; up to {_MOST_AXES} are taken", "space")
    reader = _Reader(graph, base, origin)
    entries = [(name, axis) for name, entry in given.items() for axis in reader.axes(name, entry)]
    axes = _without_overlaps(entries, origin)
    for name, axis in axes:
        reader.check(name, axis)
    return Space(tuple(axis for _, axis in axes))


class _Reader:
    """Reads entries of a space, each into one axis or several."""

    def __init__(self, graph: Graph, base: Mapping[str, Any], origin: Origin) -> None:
        self._graph, self._base, self._origin = graph, base, origin
        self._inputs = [value.producer.source.name for value in graph.inputs]

    def axes(self, name: Any, entry: Any) -> list[_Draft]:
        """The axes of an entry. Raises ConfigError."""
        if isinstance(name, tuple) and all(isinstance(part, str) for part in name):
            entry = entry if isinstance(entry, Mapping) else {"paths": list(name), "values": entry}
            name = ", ".join(name)
        if not isinstance(name, str) or not name:
            raise self._origin.refused(f"space: expected the path of a setting, found {brief(name)}", "space")
        if not isinstance(entry, Mapping):
            return [self._chosen(name, name, [self._named(name, name)], self._values(name, entry))]
        for key in entry:
            if key not in _KEYS:
                raise self._refused(name, f"unknown key {brief(key)}{nearest(key, _KEYS)}", key, of_key=True)
        if "choices" in entry:
            return [self._choices(name, entry)]
        return self._described(name, entry)

    def _described(self, name: str, entry: Mapping[str, Any]) -> list[_Draft]:
        """An axis, or one for each setting, of ``paths``, ``values`` and ``each``."""
        if "values" not in entry:
            raise self._refused(name, "'values' is missing: what it may be, as fixed<4..8,1> or [1, 2, 4]")
        given, each = entry.get("paths", name), entry.get("each", False)
        if not isinstance(each, bool):
            raise self._refused(name, f"each is {brief(each)}, expected true or false", "each")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, Sequence) or not texts or not all(isinstance(text, str) for text in texts):
            raise self._refused(name, f"paths: expected paths of settings, found {brief(given)}", "paths")
        settings = [self._named(name, text, "paths") for text in texts]
        values = self._values(name, entry["values"], "values")
        if not each:
            return [self._chosen(name, name, settings, values)]
        every = [(path, found) for found in settings for path in found.paths]
        return [self._chosen(name, spelled(path), [Named(spelled(path), (path,), n.wild)], values) for path, n in every]

    def _choices(self, name: str, entry: Mapping[str, Any]) -> _Draft:
        """An axis of words, each of which stands for settings."""
        choices = entry["choices"]
        if len(entry) > 1:
            raise self._refused(name, "'choices' stands alone: each choice says its settings")
        if not isinstance(choices, Mapping) or not choices or len(choices) > MOST_VALUES:
            raise self._refused(name, f"choices: expected words and their settings, found {brief(choices)}", "choices")
        settings: list[Assigned] = []
        for word, said in choices.items():
            if not isinstance(said, Mapping) or not isinstance(word, str):
                raise self._refused(name, f"{brief(word)}: expected a word and its settings", "choices", word)
            assigned: list[tuple[SettingPath, Any]] = []
            for text, value in said.items():
                found = self._named(name, text, "choices", word, text)
                assigned += [(path, value) for path in found.paths]
            settings.append(tuple(assigned))
        return _Draft(Axis(name, tuple(choices), tuple(settings), (Dimension(len(choices), ordered=False),)), set())

    def _chosen(self, entry: str, name: str, settings: Sequence[Named], values: Values) -> _Draft:
        paths = list(dict.fromkeys(path for found in settings for path in found.paths))
        wild = {path for found in settings if found.wild for path in found.paths}
        assigned = tuple(tuple((path, value) for path in paths) for value in values.values)
        return _Draft(Axis(name, values.values, assigned, values.dimensions), wild, entry)

    def _named(self, name: str, text: Any, *place: str) -> Named:
        try:
            if not isinstance(text, str):
                raise ValueError(f"expected the path of a setting, found {brief(text)}")
            return named(text, self._graph)
        except ValueError as error:
            said = "" if text == name else f"{text}: "
            raise self._refused(name, f"{said}{error}", *place, of_key=not place) from error

    def _values(self, name: str, given: Any, *place: str) -> Values:
        try:
            return values_of(given)
        except ValueError as error:
            raise self._refused(name, str(error), *place) from error

    def _refused(self, name: str, text: str, *place: str, of_key: bool = False) -> ConfigError:
        return self._origin.refused(f"space: {name}: {text}", "space", name, *place, of_key=of_key)

    def check(self, name: str, axis: Axis) -> None:
        """Refuse values that no configuration takes. Raises ConfigError that says which."""
        for number, assigned in enumerate(axis.settings):
            try:
                config = make_config(merged(self._base, assigned, self._inputs))
                _check_names(config)
            except HlsgenError as error:
                told = str(error).removeprefix("configuration: ")
                where = self._where(name, axis, number)
                raise self._origin.refused(f"space: {name}: {told}", *where) from error

    def _where(self, name: str, axis: Axis, number: int) -> tuple[str | int, ...]:
        """Where a value stands in the document: in a list, in its own place."""
        document = self._origin.document
        place: tuple[str | int, ...] = ("space", name)
        if document is None:
            return place
        for deeper in (("choices", str(axis.values[number])), ("values", number), ("values",), (number,)):
            if (*place, *deeper) in document.values:
                return (*place, *deeper)
        return place


class _Draft:
    """An axis, the entry it is of, and which of its settings stars stand for."""

    def __init__(self, axis: Axis, wild: set[SettingPath], entry: str = "") -> None:
        self.axis, self.wild, self.entry = axis, wild, entry or axis.name

    def without(self, paths: set[SettingPath]) -> Axis:
        """The axis without some settings."""
        kept = tuple(tuple((path, value) for path, value in assigned if path not in paths)
                     for assigned in self.axis.settings)  # fmt: skip
        return Axis(self.axis.name, self.axis.values, kept, self.axis.dimensions)


def _without_overlaps(entries: Sequence[tuple[str, _Draft]], origin: Origin) -> list[tuple[str, Axis]]:
    """The axes, where what is named outright is taken from what stars stand for. Raises ConfigError for the rest."""
    outright = {path for _, draft in entries for path in draft.axis.paths if path not in draft.wild}
    found: list[tuple[str, Axis]] = []
    owners: dict[SettingPath, str] = {}
    for _, draft in entries:
        axis = draft.without({path for path in draft.wild if path in outright})
        name = draft.entry
        if not axis.paths:
            continue  # of an axis for each layer, one that is named outright
        if any(axis.name == other.name for _, other in found):
            raise origin.refused(f"space: {axis.name}: two axes have this name", "space", name, of_key=True)
        for path in axis.paths:
            for length in range(1, len(path) + 1):
                other = owners.get(path[:length])
                if other is not None:
                    raise _overlap(origin, name, other, path)
            below = [owner for known, owner in owners.items() if known[: len(path)] == path]
            if below:
                raise _overlap(origin, name, below[0], path)
        owners |= dict.fromkeys(axis.paths, axis.name)
        found.append((name, axis))
    return found


def _overlap(origin: Origin, name: str, other: str, path: SettingPath) -> ConfigError:
    return origin.refused(f"space: {name}: {spelled(path)} is chosen by '{other}' already", "space", name, of_key=True)


def spelled(path: SettingPath) -> str:
    """A path as it is written."""
    return ".".join(key if all(c.isalnum() or c in "_-/:" for c in key) else f'"{_escaped(key)}"' for key in path)


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace('"', '\\"')


def _check_names(config: Config) -> None:
    """Refuse names that the configuration alone does not check. Raises ConfigError."""
    load_backend(config.backend)
    names = {stage.pass_name() for stage in stages(config) if stage.optional}
    for name in config.skip_passes:
        if name not in names:
            raise ConfigError(f"skip_passes: no pass '{name}' that can be skipped{nearest(name, names)}")
