"""Export "weights": all constants as an image of a memory, and each in a file of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.backends.base import Job
from hlsgen.backends.manifest import Content
from hlsgen.errors import ConfigError, brief, nearest
from hlsgen.exports.base import Export
from hlsgen.exports.facts import grid_facts
from hlsgen.exports.memory import Block, Memory, MemoryOptions, memory_of
from hlsgen.exports.memory_files import FORMATS
from hlsgen.version import VERSION

INDEX = "weights.json"
IMAGE = "weights"
_FOLDER = "layers"


@dataclass(frozen=True, kw_only=True)
class WeightsOptions(MemoryOptions):
    """How constants lie in memory, and which files there are."""

    formats: Sequence[str] = tuple(FORMATS)
    """Of "hex", "mem", "coe" and "bin"."""
    per_layer: bool = True
    """Whether each constant also has files of its own."""

    def __post_init__(self) -> None:
        """Raise ConfigError for values that cannot be."""
        super().__post_init__()
        if isinstance(self.formats, str) or not isinstance(self.formats, Sequence) or not self.formats:
            raise ConfigError(f"export: formats is {brief(self.formats)}, expected a list of {', '.join(FORMATS)}")
        for name in self.formats:
            if not isinstance(name, str) or name not in FORMATS:
                raise ConfigError(f"export: formats: there is none of the name {brief(name)}{nearest(name, FORMATS)}")
        self._check_switch("per_layer")
        object.__setattr__(self, "formats", tuple(dict.fromkeys(self.formats)))


def files(job: Job, options: WeightsOptions) -> dict[str, Content]:
    """The index, the image and the files of each constant."""
    memory = memory_of(job.design, options)
    title = f"hlsgen {VERSION}: constants of {job.name}"
    found: dict[str, Content] = {INDEX: json.dumps(index(memory), indent=2) + "\n"}
    head = [f"{title}, {memory.words} words of {memory.width} bits", *map(_line, memory.blocks)]
    image = memory.image
    for name in options.formats:
        found[f"{IMAGE}.{name}"] = FORMATS[name](image, memory.width, head)
    for block in memory.blocks if options.per_layer else ():
        words = image[block.address : block.address + block.words]
        about = [title, f"{_what(block)}, {block.words} words of {memory.width} bits"]
        for name in options.formats:
            found[f"{_FOLDER}/{block.name}.{name}"] = FORMATS[name](words, memory.width, about)
    return found


def index(memory: Memory) -> dict[str, object]:
    """What stands where, for programs (docs/exports.md)."""
    options = memory.options
    return {
        "word_width": memory.width,
        "word_bytes": memory.word_bytes,
        "words": memory.words,
        "layout": options.layout,
        "first": options.first,
        "constants": [{"file": f"{_FOLDER}/{b.name}", **block_facts(b, memory)} for b in memory.blocks],
    }


def block_facts(block: Block, memory: Memory) -> dict[str, object]:
    """One constant and its place, as JSON spells it."""
    return {
        "operation": block.op,
        "role": block.role,
        **grid_facts(block.type),
        "axes": block.axes,
        "shape": list(block.elements.shape),
        "elements": block.elements.size,
        "address": block.address,
        "words": block.words,
        "byte_address": block.address * memory.word_bytes,
        "bytes": block.words * memory.word_bytes,
        "rows": block.rows,
        "words_of_row": block.row_words,
        "element_bits": block.cells.place,
        "elements_of_group": block.cells.group,
        "words_of_group": block.cells.group_words,
    }


def _line(block: Block) -> str:
    return f"from {block.address:#x}: {_what(block)}, {block.words} words"


def _what(block: Block) -> str:
    shape = "x".join(map(str, block.elements.shape)) or "1"
    axes = f" {block.axes}" if block.axes else ""
    return f"{block.role} of {block.op}, {shape}{axes} of {block.type}"


EXPORT = Export("all constants as a memory image, and one by one: .hex, .mem, .coe, .bin", WeightsOptions, files)
