"""How settings are named: ``layers.fc1.precision.weight``; a name that has quotes or stars in it stands in quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hlsgen.config import PRECISION_ROLES, WIDTH_ROLES, Config, Hold, LayerSettings, NamedSettings
from hlsgen.errors import brief, nearest
from hlsgen.explore.space import SettingPath
from hlsgen.ir.graph import Graph, Node

_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."\\]+)')
_ESCAPED = re.compile(r"\\(.)")
_WILD = re.compile(r"[*?\[]")
_STAYS = {
    "model": "the model is read once",
    "weights": "the model is read once (where weights of layers are kept is defaults.weights)",
    "calibration": "data are read once",
    "test_vectors": "data are read once",
    "input_layout": "data are read once",
    "output_dir": "nothing is written",
    "project_name": "names change nothing",
}
_MAPPINGS = {"precision": PRECISION_ROLES, "width": WIDTH_ROLES, "hold": tuple(Hold.model_fields)}
"""Settings of layers with keys of their own."""
_OF_MULTIPLIERS = ("strategy", "reuse_factor", "parallelization_factor", "storage", "weights", "dsp")


@dataclass(frozen=True)
class Named:
    """A path as it was written, and the settings that it names: several, where there are stars in it."""

    text: str
    paths: tuple[SettingPath, ...]
    wild: bool


def named(text: str, graph: Graph) -> Named:
    """The settings that a text names. Raises ValueError, in words that go behind the text."""
    parts = list(_parts(text))
    keys = tuple(key for key, _ in parts)
    if keys[0] in LayerSettings.model_fields and keys[0] not in Config.model_fields:
        keys = ("defaults", *keys)  # as a keyword of convert()
    if keys[0] in _STAYS:
        raise ValueError(f"'{keys[0]}' is nothing to search for: {_STAYS[keys[0]]}")
    if keys[0] not in Config.model_fields:
        known = {*Config.model_fields, *LayerSettings.model_fields} - {*_STAYS}
        raise ValueError(f"there is no setting '{keys[0]}'{nearest(keys[0], known)}")
    if keys[0] in ("layers", "layer_types", "input_precision") and len(keys) > 1:
        return _of_named(text, parts, graph)
    return Named(text, (keys,), wild=False)


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The keys of a path, and whether each was in quotes."""
    place = 0
    while True:
        match = _PART.match(text, place)
        if match is None:
            raise ValueError(
                'expected settings as layers.fc1.precision.weight; a name with quotes or stars in it is put into "..."'
            )
        quoted = match[1] is not None
        yield _ESCAPED.sub(r"\1", match[1]) if quoted else match[2].strip(), quoted
        place = match.end()
        if place == len(text):
            return
        if text[place] != ".":
            raise ValueError(f"expected a dot between keys, found {brief(text[place:])}")
        place += 1


def _of_named(text: str, parts: list[tuple[str, bool]], graph: Graph) -> Named:
    """What is below a name of the model: that may have dots in it, as the setting behind it has not."""
    top, *rest = parts
    keys = [key for key, _ in rest]
    behind = 0 if top[0] == "input_precision" else 2 if len(keys) > 2 and keys[-2] in _MAPPINGS else 1
    own, setting = rest[: len(rest) - behind], tuple(keys[len(rest) - behind :])
    if not own:
        raise ValueError(f"expected a name and a setting behind '{top[0]}', as layers.fc1.reuse_factor")
    name = ".".join(key for key, _ in own)
    wild = any(_WILD.search(key) is not None and not quoted for key, quoted in own)
    if len(setting) == 2 and setting[1] not in _MAPPINGS[setting[0]]:
        what = "type for" if setting[0] == "precision" else f"'{setting[0]}' of"
        raise ValueError(f"there is no {what} '{setting[1]}'{nearest(setting[1], _MAPPINGS[setting[0]])}")
    if setting and setting[0] in PRECISION_ROLES:
        raise ValueError(f"'precision' stands before '{setting[0]}', as layers.fc1.precision.{setting[0]}")
    settings = NamedSettings if top[0] == "layers" else LayerSettings
    if setting and setting[0] not in settings.model_fields:
        raise ValueError(f"layers have no setting '{setting[0]}'{nearest(setting[0], settings.model_fields)}")
    names = _chosen(name, wild, top[0], setting, graph)
    return Named(text, tuple((top[0], found, *setting) for found in names), wild)


def _chosen(name: str, wild: bool, top: str, setting: SettingPath, graph: Graph) -> list[str]:
    """The names of the model that are meant: with stars, those that such a setting does something for."""
    known = _known(top, graph)
    if not wild:
        if name not in known:
            raise ValueError(f"the model has no {_WHAT[top]} '{name}'{nearest(name, known)}")
        if known[name] and not any(_takes(node, setting) for node in known[name]):
            kinds = " and ".join(dict.fromkeys(node.layer.kind for node in known[name]))
            raise ValueError(f"it has no effect: {kinds} has no {setting[-1]} of its own")
        return [name]
    matching = [found for found in known if fnmatchcase(found, name)]
    if not matching:
        raise ValueError(f"no {_WHAT[top]} of the model is called so; there are {', '.join(known)}")
    found = [n for n in matching if not known[n] or any(_takes(node, setting) for node in known[n])]
    if not found:
        raise ValueError(f"it has no effect: none of {', '.join(matching)} has a {setting[-1]} of its own")
    return found


_WHAT = {"layers": "layer", "layer_types": "layer of type", "input_precision": "input"}


def _known(top: str, graph: Graph) -> dict[str, list[Node]]:
    """What a name may be, and the nodes that such a layer has become."""
    if top == "input_precision":
        return {value.producer.source.name: [] for value in graph.inputs}
    found: dict[str, list[Node]] = {}
    for node in graph:
        if not node.is_input:
            found.setdefault(node.source.name if top == "layers" else node.source.class_name, []).append(node)
    inputs = {node.source.name for node in graph if node.is_input}
    others = [alias for alias in graph.aliases if alias not in found and alias not in inputs]
    return {**found, **{alias: [] for alias in others}} if top == "layers" else found


def _takes(node: Node, setting: SettingPath) -> bool:
    """Whether a setting does something for a node."""
    if setting[0] == "precision":
        own = {*node.layer.casts, *node.layer.constant_roles.values()}
        return bool(own & set(PRECISION_ROLES if len(setting) == 1 else setting[1:]))
    if setting[0] == "width":
        return bool(set(node.layer.budgeted) & set(WIDTH_ROLES if len(setting) == 1 else setting[1:]))
    return node.layer.has_multiplier if setting[0] in _OF_MULTIPLIERS else True
