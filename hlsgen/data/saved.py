"""Fitted pipelines as files: a YAML that stands alone, and test vectors beside it."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.data.operations import KINDS, Operation
from hlsgen.data.ports import InputPort
from hlsgen.data.recipe import Recipe
from hlsgen.design.arrays import Array
from hlsgen.errors import HlsgenError, InputError, brief, nearest
from hlsgen.files import replacing
from hlsgen.ir.types import FixedType
from hlsgen.named_files import check_replaced, checked_file, content_of, named_path, unwritable
from hlsgen.strict_yaml import MAX_BYTES, Document, in_line, parse

PIPELINE = "pipeline.yml"
_VERSION = 1
_FIRST = re.compile(
    rb"# What becomes of raw features before they go into the design[^\n]*\n#[^\n]*\n"
    rb"(?:# Written with it: (?P<beside>[^\n]*)\n)?"
)
"""How such a file begins: what may be replaced by another one."""
_HEAD = 100_000
_KEYS = ("version", "features", "names", "steps", "classes", "input", "notes")
_INPUT_KEYS = ("name", "shape", "type", "exponents", "order")


def write_folder(recipe: Recipe, folder: str | Path, arrays: Mapping[str, Array], *, overwrite: bool = False) -> Path:
    """Write the YAML of a pipeline and, before it, arrays as ``name.npy``; returns the folder.

    What was written there before is replaced, other files of these names only with ``overwrite``: the YAML says which
    arrays belong to it. Raises InputError for a path that is none and a pipeline that is too large, OutputDirError for
    files that are not replaced or cannot be written.
    """
    place = named_path(folder, "a folder", InputError)
    names = [f"{name}.npy" for name in arrays]
    former = _former(place, overwrite)
    text = yaml_text(recipe, sorted({*former, *names})).encode()
    if len(text) > MAX_BYTES:
        raise InputError(f"the pipeline takes {len(text)} bytes of YAML, more than the {MAX_BYTES} allowed")
    for name in names:
        if name not in former:
            check_replaced(place / name, "array of this pipeline", None, overwrite=overwrite, caller="save()")
    contents = {f"{name}.npy": _npy(array) for name, array in arrays.items()}
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, content in {**contents, PIPELINE: text}.items():
            with replacing(place / name) as stream:
                stream.write(content)
    except (OSError, ValueError) as error:  # ValueError: a NUL
        raise unwritable(place, "save()", error) from error
    return place


def _former(place: Path, overwrite: bool) -> list[str]:
    """The arrays that the YAML in a folder says were written with it, and are there; none where there is no such YAML.

    Raises OutputDirError for another file of its name, unless ``overwrite``.
    """
    file = place / PIPELINE
    check_replaced(file, "pipeline", _FIRST, overwrite=overwrite, caller="save()")
    try:
        with file.open("rb") as stream:
            found = _FIRST.match(stream.read(_HEAD))
        names = found["beside"].decode().split(", ") if found is not None and found["beside"] else []
        return [name for name in names if (place / name).is_file()]
    except (OSError, ValueError):
        return []


def _npy(array: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


# -- YAML ----------------------------------------------------------------------------------------


def yaml_text(recipe: Recipe, beside: Sequence[str] = ()) -> str:
    """A pipeline as YAML: numbers are the shortest decimals that mean exactly these float64.

    ``beside``: names of the arrays that are written with it.
    """
    lines = [
        "# What becomes of raw features before they go into the design, one step behind the other, in float64:",
        "# affine: (x - offset) * scale; clamp: the nearest from low to high; log2: of x, at least `least`.",
        *([f"# Written with it: {', '.join(beside)}"] if beside else []),
        f"version: {_VERSION}",
        f"features: {recipe.features}",
        *([f"names: {in_line(recipe.names)}"] if recipe.names else []),
        *([f"classes: {in_line(recipe.classes)}"] if recipe.classes else []),
        "steps:" if recipe.operations else "steps: []",
    ]
    for operation in recipe.operations:
        lines.append(f"  - {operation.name}:")
        lines += [f"      {name}: {in_line(numbers)}" for name, numbers in operation.constants.items()]
    if recipe.port is not None:
        lines.append("input:")
        lines += [f"  {name}: {in_line(value)}" for name, value in _port_facts(recipe.port).items()]
    lines += [f"notes: {in_line(recipe.notes)}"] if recipe.notes else []
    return "\n".join(lines) + "\n"


def _port_facts(port: InputPort) -> dict[str, object]:
    return {
        "name": port.name,
        "shape": port.shape,
        "type": str(port.type),
        **({} if port.exponents is None else {"exponents": port.exponents}),
        **({} if port.order is None else {"order": port.order}),
    }


# -- reading -------------------------------------------------------------------------------------


def read_recipe(path: str | Path) -> Recipe:
    """Read what :func:`write_folder` wrote: the folder, or its YAML.

    Raises InputError, with line and column, for what is no such file.
    """
    place = named_path(path, "a folder of a pipeline, or its YAML", InputError)
    file = checked_file(place / PIPELINE if place.is_dir() else place, "the YAML of a pipeline", InputError, MAX_BYTES)
    try:
        text = content_of(file, "the YAML of a pipeline", InputError, MAX_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is no text in UTF-8 ({error})") from error
    try:
        document = parse(text, str(file))
    except HlsgenError as error:
        raise InputError(str(error)) from error
    return _Reader(str(file), document).recipe()


class _Reader:
    """Turns a document into a pipeline; every refusal says where."""

    def __init__(self, where: str, document: Document) -> None:
        self.where, self.document = where, document

    def recipe(self) -> Recipe:
        data = self.mapping((), _KEYS)
        if data.get("version") != _VERSION:
            raise self.refused(("version",), f"version is {brief(data.get('version'))}, expected {_VERSION}")
        steps = data.get("steps")
        if not isinstance(steps, list):
            raise self.refused(("steps",), f"steps is {brief(steps)}, expected a list")
        features = data.get("features")
        if not isinstance(features, int) or isinstance(features, bool):
            raise self.refused(("features",), f"features is {brief(features)}, expected how many there are")
        operations = tuple(self.operation(at, step) for at, step in enumerate(steps))
        names, classes, notes = (self.texts(data, key) for key in ("names", "classes", "notes"))
        port = self.port() if data.get("input") is not None else None
        try:
            return Recipe(operations, features, names, classes, port, notes)
        except HlsgenError as error:
            raise self.refused((), str(error)) from error

    def operation(self, at: int, step: Any) -> Operation:
        path = ("steps", at)
        if not isinstance(step, dict) or len(step) != 1:
            raise self.refused(path, f"a step is {brief(step)}, expected one of {', '.join(KINDS)} with its numbers")
        (name,) = step
        if name not in KINDS:
            raise self.refused(path, f"there is no step {brief(name)}{nearest(name, KINDS)}")
        kind = KINDS[name]
        wanted = tuple(field.name for field in fields(kind))
        given = self.mapping((*path, name), wanted)
        missing = [key for key in wanted if key not in given]
        if missing:
            raise self.refused(path, f"'{name}' has no '{missing[0]}'")
        try:
            return kind(**{key: self.numbers((*path, name, key), value) for key, value in given.items()})
        except HlsgenError as error:
            raise self.refused(path, str(error)) from error

    def port(self) -> InputPort:
        given = self.mapping(("input",), _INPUT_KEYS)
        name, spelt = given.get("name"), given.get("type")
        if not isinstance(name, str) or not isinstance(spelt, str):
            raise self.refused(("input",), "an input has a name and a type, both text")
        shape, exponents, order = (self.wholes(given, key) for key in ("shape", "exponents", "order"))
        try:
            return InputPort(name, shape or (), FixedType.parse(spelt), exponents, order)
        except HlsgenError as error:
            raise self.refused(("input",), str(error)) from error

    def mapping(self, path: tuple[str | int, ...], keys: Sequence[str]) -> Mapping[str, Any]:
        data = self.document.data
        for key in path:
            data = data[key]
        if not isinstance(data, dict):
            raise self.refused(path, f"found {brief(data)}, expected a mapping of {', '.join(keys)}")
        for key in data:
            if key not in keys:
                raise self.refused((*path, key), f"unknown key {brief(key)}{nearest(key, keys)}")
        return data

    def numbers(self, path: tuple[str | int, ...], value: Any) -> tuple[float, ...]:
        given = value if isinstance(value, list) else [value]
        wrong = [n for n in given if isinstance(n, bool) or not isinstance(n, int | float)]
        if wrong or not given:
            raise self.refused(path, f"found {brief(wrong[0] if wrong else value)}, expected numbers")
        return tuple(map(float, given))

    def texts(self, data: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = data.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refused((key,), f"{key} is {brief(value)}, expected a list of texts")
        return tuple(value)

    def wholes(self, data: Mapping[str, Any], key: str) -> tuple[int, ...] | None:
        value = data.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(map(_is_whole, value)):
            raise self.refused(("input", key), f"{key} is {brief(value)}, expected a list of whole numbers")
        return tuple(value)

    def refused(self, path: tuple[str | int, ...], problem: str) -> InputError:
        return InputError(f"{self.where}, {self.document.place(path)}: {problem}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
