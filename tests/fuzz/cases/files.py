"""Model files, sound or damaged: read into something that can be used, or refused; nothing left behind."""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import hlsgen
from hlsgen.errors import HlsgenError, ToolError
from hlsgen.frontends.keras.source import SourceModel
from tests.fuzz.cases.base import Case, WrongError, refusal
from tests.fuzz.cases.evaluated import check_project
from tests.fuzz.damage import Damage, stages
from tests.fuzz.damage.archive import archive_damage, byte_damage
from tests.fuzz.damage.hdf5 import Content, shape_damage, weights_damage
from tests.fuzz.damage.tree import text_damage, tree_damage
from tests.fuzz.describe import Description, description, ending_at, source_of, without
from tests.fuzz.files import LAYOUTS, Layout, Stages, architecture, stages_of_weights, write_model
from tests.fuzz.networks import every_network

Files = tuple[Path, Path | None]
_TOO_WIDE = "an exact sum needs"
"""The one reason for which a sound network may be refused: products of products of exact values grow without bound."""
_SHAPES = 0.2
"""The share of files whose only damage is a weight of another shape: those have to be refused."""


def read(files: Files, folder: Path, *, emulate: bool, write: bool, right: bool = False, refused: bool = False) -> str:
    """Convert; ``right``: it may not be refused, ``refused``: it must be."""
    before = set(folder.rglob("*"))
    try:
        project = hlsgen.convert(files[0], weights=files[1])
    except HlsgenError as error:
        if isinstance(error, ToolError):  # no file is to blame for that: a limit of this process's, say, was met first
            raise WrongError("tool", str(error)) from error
        if right and _TOO_WIDE not in str(error):
            raise WrongError("refused", str(error)) from error
        if set(folder.rglob("*")) != before:
            raise WrongError("left behind", f"a refusal left {set(folder.rglob('*')) - before} behind") from error
        return refusal(error)
    if refused:
        raise WrongError("shape", "accepted, though a weight has another shape than its layer")
    check_project(project, folder, emulate=emulate, write=write)
    return "right"


@dataclass(frozen=True)
class FileCase(Case):
    """A network as a file, and what is done to the file."""

    kind = "file"
    model: Description
    layout: Layout
    damages: tuple[Damage, ...] = ()
    nested: bool = False
    emulate: bool = False
    write: bool = False
    refused: bool = False
    """Whether it has to be refused."""

    @classmethod
    def draw(cls, rng: random.Random) -> Self:
        source = every_network(rng.getrandbits(32), steps=rng.randint(1, 6))
        nested = len(source.inputs) == len(source.outputs) == 1 and rng.random() < 0.15
        layout = rng.choice(LAYOUTS)
        content = content_of(source, layout, nested)
        shaped = rng.random() < _SHAPES and bool(content.datasets)
        damages = [shape_damage(rng, content)] if shaped else drawn_damages(rng, source, layout, nested)
        return cls(
            description(source), layout, tuple(damages), nested, emulate=rng.random() < 0.1, write=rng.random() < 0.2,
            refused=shaped,
        )  # fmt: skip

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        damages = tuple(Damage(found["name"], tuple(found["arguments"])) for found in fields.pop("damages"))
        return cls(damages=damages, **fields)

    def prepare(self, folder: Path) -> Files:
        return write_model(source_of(self.model), folder, self.layout, stages(self.damages), nested=self.nested)

    def check(self, prepared: Files, folder: Path) -> str:
        sound = not self.damages
        return read(
            prepared, folder, emulate=self.emulate, write=self.write, right=sound, refused=self.refused and not sound
        )

    def simpler(self) -> Iterator[Self]:
        for i in range(len(self.damages)):
            yield self.with_fields(damages=(*self.damages[:i], *self.damages[i + 1 :]))
        source = source_of(self.model)
        for call in source.calls[:-1]:
            yield self.with_fields(model=description(ending_at(source, call.name)))
        for call in source.calls:
            yield self.with_fields(model=description(without(source, call.name)))
        for name in ("nested", "write", "emulate"):
            if getattr(self, name):
                yield self.with_fields(**{name: False})


def drawn_damages(rng: random.Random, source: SourceModel, layout: Layout, nested: bool) -> list[Damage]:
    """None for a share of the files; else one or a few of one or several stages."""
    if rng.random() < 0.06:
        return []
    tree, content = (
        architecture(source, legacy=layout in ("h5", "json"), nested=nested),
        content_of(source, layout, nested),
    )
    draw: dict[str, Callable[[], Damage]] = {
        "tree": lambda: tree_damage(rng, tree),
        "text": lambda: text_damage(rng),
        "weights": lambda: weights_damage(rng, content),
        "archive": lambda: archive_damage(rng),
        "bytes": lambda: byte_damage(rng),
    }
    kinds = ["tree"] * 10 + ["text"] + ["weights"] * 5 + ["bytes"] * 3 + ["archive"] * 2 * (layout == "keras")
    return [draw[rng.choice(kinds)]() for _ in range(rng.choice((1, 1, 1, 2, 4)))]


def content_of(source: SourceModel, layout: Layout, nested: bool) -> Content:
    """The names in the HDF5 file of a layout."""
    by_path, whole = layout in ("keras", "json by path"), b"" if layout == "h5" else None
    return Content.of(stages_of_weights(source, Stages(), nested, by_path, whole))


@dataclass(frozen=True)
class RawCase(Case):
    """A file byte by byte: what a damaged file is stored as where another version of a library would write it otherwise."""

    kind = "raw file"
    suffix: str
    data: str
    """Compressed by zlib, as base64."""

    @classmethod
    def of(cls, path: Path) -> Self:
        return cls(path.suffix, base64.b64encode(zlib.compress(path.read_bytes(), 9)).decode())

    def prepare(self, folder: Path) -> Files:
        path = folder / f"model{self.suffix}"
        path.write_bytes(zlib.decompress(base64.b64decode(self.data)))
        return path, None

    def check(self, prepared: Files, folder: Path) -> str:
        return read(prepared, folder, emulate=False, write=False)


def has_bytes(damages: Sequence[Damage]) -> bool:
    """Whether the damage depends on where a library puts its bytes."""
    return any(damage.name in ("splice", "cut", "splice text") for damage in damages)
