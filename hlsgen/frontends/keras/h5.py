"""Weights out of Keras's two HDF5 layouts.

* by path (``.keras``, ``.weights.h5``): groups nested like the model, each part named after its *class*
  in snake case with a counter per container, variables numbered within ``vars``;
* legacy (``.h5``): one group per top-level layer with the ordered list ``weight_names``, in which all
  trainable variables precede all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hlsgen.errors import ModelError
from hlsgen.frontends.keras.config import LayerEntry, LayerPath, ModelEntry
from hlsgen.frontends.keras.h5_file import Dataset, Group
from hlsgen.frontends.keras.source import Array
from hlsgen.frontends.keras.variables import Variable, checked_weights, frozen, variables_of

Found = dict[LayerPath, dict[str, Array]]
_NUMBER = re.compile(r"[0-9]{1,9}")
_SAVED_AS = {"GroupQueryAttention": "GroupedQueryAttention"}
"""Classes that are exported under another name than their own, by which files know their weights."""


# -- by path --------------------------------------------------------------------------------


def path_weights(where: str, root: Group, model: ModelEntry, flavour: str, same_save: bool) -> Found:
    """Read the path layout; ``same_save``: the architecture was saved with it, so names must agree."""
    reader = _PathReader(where, flavour == "keras3", same_save)
    reader.model(root, model)
    return reader.found


class _Naming:
    """Group names of a container: the base name, then base_1, base_2, ..."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def next(self, base: str) -> str:
        count = self.counts[base] = self.counts.get(base, -1) + 1
        return f"{base}_{count}" if count else base


class _OldNaming(_Naming):
    """TensorFlow 2.12 and 2.13 left holes in the counting; the order of the groups present still holds."""

    def __init__(self, where: str, present: Sequence[str]) -> None:
        super().__init__()
        self.where = where
        self.present: dict[str, list[tuple[int, str]]] = {}
        """The groups of each base name with their numbers, in order."""
        for name in present:
            self.present.setdefault(name, []).append((0, name))
            base, _, number = name.rpartition("_")
            if _NUMBER.fullmatch(number):
                self.present.setdefault(base, []).append((int(number), name))
        for groups in self.present.values():
            groups.sort(key=lambda group: group[0])

    def next(self, base: str) -> str:
        groups = self.present.get(base, [])
        count = self.counts[base] = self.counts.get(base, -1) + 1
        if count >= len(groups):
            raise ModelError(
                f"{self.where}: only {len(groups)} saved layers '{base}', expected more; the file is damaged"
            )
        return groups[count][1]


class _PathReader:
    def __init__(self, where: str, keras3: bool, same_save: bool) -> None:
        self.where, self.keras3, self.same_save = where, keras3, same_save
        self.found: Found = {}
        self.shared: dict[int, LayerEntry] = {}

    def model(self, group: Group, model: ModelEntry) -> None:
        """Read the layers of ``model``, whose groups are in ``group``'s container."""
        container, old = group.group("layers"), False
        if container is None:
            container, old = group.group("_layer_checkpoint_dependencies"), True  # TensorFlow 2.12 and 2.13
        stored = [
            layer for layer in model.layers if not layer.is_operation and not (model.sequential and layer.is_input)
        ]
        if container is None:
            if any(variables_of(layer) or layer.model for layer in stored):
                raise ModelError(
                    f"{self.where}: no weights for the layers of model '{model.name}'; the file is damaged"
                )
            container = group
        naming = _OldNaming(self.where, container.names()) if old else _Naming()
        names = set()
        # One by one, for Keras 2 does not count a layer that it has saved inside an earlier model.
        for layer in stored:
            known = layer.shared_id is not None and layer.shared_id in self.shared
            class_name = layer.class_name.rpartition(">")[2]
            base = snake_case(_SAVED_AS.get(class_name, class_name), self.keras3)
            name = "" if known and not self.keras3 else naming.next(base)
            names.add(name)
            self._layer(container.group(name) if name else None, layer, name)
        self._refuse_strangers(container, model, names)

    def _refuse_strangers(self, container: Group, model: ModelEntry, expected: set[str]) -> None:
        for name in container.names():
            below = container.group(name)
            if name not in expected and name != "vars" and below is not None and any(below.datasets()):
                raise ModelError(
                    f"{self.where}: it holds weights for '{name}', which model '{model.name}' does not have; "
                    "architecture and weights do not belong together"
                )

    def _layer(self, group: Group | None, layer: LayerEntry, name: str) -> None:
        first = self.shared.get(layer.shared_id) if layer.shared_id is not None else None
        if first is not None:
            self._share(first, layer)
            return
        if layer.shared_id is not None:
            self.shared[layer.shared_id] = layer
        if group is None:
            if layer.model is not None or variables_of(layer):
                raise ModelError(f"{self.where}: {layer.where}: no weights saved for it (no group '{name}')")
            return
        self._check_name(group, layer, name)
        if layer.held is not None:
            self._layer(group.group("layer"), layer.held, "layer")
        elif layer.model is not None:
            self.model(group, layer.model)
        elif not layer.is_input:
            self.found[layer.path] = self._variables(group, layer)

    def _share(self, first: LayerEntry, layer: LayerEntry) -> None:
        """A layer in two models is saved once, where it was met first."""
        for leaf in _leaves(layer):
            saved = (*first.path, *leaf.path[len(layer.path) :])
            if saved in self.found:
                self.found[leaf.path] = self.found[saved]

    def _check_name(self, group: Group, layer: LayerEntry, name: str) -> None:
        variables = group.group("vars")
        saved = variables.text_attribute("name") if variables is not None else None
        expected = layer.name if layer.model is None else layer.model.name
        if self.same_save and saved is not None and saved != expected:
            raise ModelError(
                f"{self.where}: group '{name}' holds layer '{saved}', expected '{expected}'; "
                "the archive is damaged or written by an unknown version of Keras"
            )

    def _variables(self, group: Group, layer: LayerEntry) -> dict[str, Array]:
        held = {path for path in group.datasets() if "seed_generator" not in path.split("/")}
        variables = variables_of(layer)
        if variables is None:
            return _numbered(f"{self.where}: {layer.where}", group, sorted(held, key=_natural))
        paths, doubled = _saved_paths(variables, held)
        if not set(paths.values()) <= held <= set(paths.values()) | doubled:
            raise ModelError(
                f"{self.where}: {layer.where}: its saved variables are {', '.join(sorted(held)) or 'none'}, "
                f"expected {', '.join(f'{path} ({role})' for role, path in paths.items()) or 'none'}"
            )
        arrays = _datasets(group, [paths[variable.role] for variable in variables])
        return checked_weights(f"{self.where}: {layer.where}", variables, arrays)


def _saved_paths(variables: Sequence[Variable], held: set[str]) -> tuple[dict[str, str], set[str]]:
    """Path of every variable by role: its number within its owner, trainable ones first.

    qkeras-v3 saves 'iteration' by name, in some layers also by number; the second set holds those numbers.
    """
    counts: dict[str, int] = {}
    paths: dict[str, str] = {}
    doubled: set[str] = set()
    folders = {path.rpartition("/vars/")[0] for path in held}
    for variable in sorted(variables, key=lambda v: not v.trainable):
        index = counts[variable.owner] = counts.get(variable.owner, -1) + 1
        folder = variable.owner
        if folder not in folders:  # a part with a property of its own is saved by the name of that
            folder = "/".join(part.removeprefix("_") for part in folder.split("/"))
        numbered, named = (f"{folder}/vars/{key}".lstrip("/") for key in (index, variable.role))
        paths[variable.role] = named if named in held else numbered
        doubled |= {numbered} if named in held else set()
    return paths, doubled


def snake_case(name: str, keras3: bool) -> str:
    """A class name as Keras spells it in paths: 'BatchNormalization' gives 'batch_normalization'."""
    name = re.sub(r"\W+", "", name) if keras3 else name
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    return name if keras3 or not name.startswith("_") else f"private{name}"


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(part), "") if _NUMBER.fullmatch(part) else (-1, part) for part in path.split("/")]


def _numbered(where: str, group: Group, paths: Sequence[str]) -> dict[str, Array]:
    arrays = _datasets(group, paths)
    return {f"weight_{i}": frozen(where, f"weight_{i}", array) for i, array in enumerate(arrays)}


def _datasets(group: Group, paths: Sequence[str]) -> list[Dataset]:
    """The datasets of these names, none of which is read yet."""
    found = []
    for path in paths:
        dataset = group.dataset(path)
        if dataset is None:
            raise ModelError(f"{group.where}: dataset '{path}' is listed but missing; the file is damaged")
        found.append(dataset)
    return found


# -- legacy ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Slot:
    """One variable of one layer, to be filled from the list of a group."""

    entry: LayerEntry
    variable: Variable

    @property
    def identity(self) -> tuple[object, str]:
        shared = self.entry.shared_id
        return (self.entry.path if shared is None else shared, self.variable.role)


def legacy_weights(where: str, root: Group, model: ModelEntry, flavour: str) -> Found:
    """Read the legacy layout: ``root`` is ``model_weights``, or the root of a file of ``save_weights``."""
    found: Found = {}
    by_name = {layer.name: layer for layer in model.layers if not layer.is_operation}
    saved = dict.fromkeys(root.name_list("layer_names"))
    for name in saved:
        group = root.group(name)
        if name not in by_name and group is not None and group.name_list("weight_names"):
            raise ModelError(
                f"{where}: it holds weights for layer '{name}', which model '{model.name}' does not have; "
                "architecture and weights do not belong together"
            )
    for name, layer in by_name.items():
        group = root.group(name) if name in saved else None
        found |= _legacy_layer(where, group, layer, flavour == "keras3")
    return found


def _legacy_layer(where: str, group: Group | None, layer: LayerEntry, keras3: bool) -> Found:
    names = group.name_list("weight_names") if group is not None else []
    if layer.model is None and variables_of(layer) is None and not layer.is_input:
        return {layer.path: _numbered(f"{where}: {layer.where}", group, names) if group is not None else {}}
    tree = _tree(layer)
    slots = _unique([*tree.trained(), *tree.others()] if not keras3 else tree.keras3_order())
    if len(slots) != len(names):
        raise ModelError(
            f"{where}: {layer.where}: {len(names)} weights saved ({', '.join(names) or 'none'}), "
            f"expected {len(slots)}: "
            f"{', '.join(f'{s.entry.name}/{s.variable.role}' for s in slots) or 'none'}"
        )
    arrays = _datasets(group, names) if group is not None else []
    by_slot: dict[tuple[object, str], Dataset] = {}
    for slot, name, array in zip(slots, names, arrays, strict=True):
        _check_leaf(where, slot, name)
        by_slot[slot.identity] = array
    return {leaf.path: _filled(where, leaf, by_slot) for leaf in _leaves(layer)}


def _leaves(layer: LayerEntry) -> list[LayerEntry]:
    return list(layer.inside.leaves()) if layer.inside is not None else [] if layer.is_input else [layer]


def _filled(where: str, leaf: LayerEntry, by_slot: dict[tuple[object, str], Dataset]) -> dict[str, Array]:
    variables = variables_of(leaf) or ()
    arrays = [by_slot[_Slot(leaf, variable).identity] for variable in variables]
    return checked_weights(f"{where}: {leaf.where}", variables, arrays)


def _check_leaf(where: str, slot: _Slot, name: str) -> None:
    leaf = re.sub(r":\d+$", "", name.rpartition("/")[2])
    if leaf not in slot.variable.leaf_names:
        raise ModelError(
            f"{where}: {slot.entry.where}: found weight '{name}' where '{slot.variable.role}' was expected; "
            "the file is damaged or written by an unknown version of Keras"
        )


def _unique(slots: Sequence[_Slot]) -> list[_Slot]:
    first: dict[tuple[object, str], _Slot] = {}
    for slot in slots:
        first.setdefault(slot.identity, slot)
    return list(first.values())


@dataclass(frozen=True)
class _Tree:
    """Variables as Keras gathers them: a layer's own, then those of its parts, in order."""

    trainable: bool
    own: tuple[_Slot, ...]
    parts: tuple[_Tree, ...]
    is_model: bool

    def trained(self) -> list[_Slot]:
        """Keras 2's ``trainable_weights``."""
        if not self.trainable:
            return []
        return [s for s in self.own if s.variable.trainable] + [s for part in self.parts for s in part.trained()]

    def others(self) -> list[_Slot]:
        """Keras 2's ``non_trainable_weights``; a frozen layer's are all of its variables."""
        own = [s for s in self.own if not s.variable.trainable]
        if self.trainable:
            return own + [s for part in self.parts for s in part.others()]
        if self.is_model:
            return [s for part in self.parts for s in part.trained()] + [
                s for part in self.parts for s in part.others()
            ]
        mine = [s for s in self.own if s.variable.trainable]
        return mine + own + [s for part in self.parts for s in (*part.trained(), *part.others())]

    def everything(self) -> Iterator[tuple[_Slot, bool]]:
        """Keras 3's ``weights`` with the trainability of each variable."""
        for wanted in (True, False):
            yield from ((s, wanted and self.trainable) for s in self.own if s.variable.trainable is wanted)
        for part in self.parts:
            yield from part.everything()

    def keras3_order(self) -> list[_Slot]:
        slots = list(self.everything())
        if not self.trainable:
            return [slot for slot, _ in slots]
        return [slot for slot, trained in slots if trained] + [slot for slot, trained in slots if not trained]


def _tree(layer: LayerEntry) -> _Tree:
    if layer.model is not None:
        parts = tuple(_tree(inner) for inner in layer.model.layers if not inner.is_input and not inner.is_operation)
        return _Tree(layer.model.trainable, (), parts, is_model=True)
    if layer.held is not None:
        return _Tree(layer.trainable, (), (_tree(layer.held),), is_model=False)
    slots = [_Slot(layer, variable) for variable in variables_of(layer) or ()] if not layer.is_input else []
    owners = list(dict.fromkeys(slot.variable.owner for slot in slots if slot.variable.owner))
    parts = tuple(
        _Tree(layer.trainable, tuple(s for s in slots if s.variable.owner == owner), (), is_model=False)
        for owner in owners
    )
    return _Tree(layer.trainable, tuple(s for s in slots if not s.variable.owner), parts, is_model=False)
