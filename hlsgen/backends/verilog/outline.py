"""What a design becomes: an operation is a core, behind stages. What has no circuit is refused, by name."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from hlsgen.backends.base import Job
from hlsgen.backends.devices import checked_part
from hlsgen.backends.verilog import cores
from hlsgen.backends.verilog.core import Words, check_core, refused
from hlsgen.backends.verilog.whole import whole_words
from hlsgen.backends.verilog.windows import window_of
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, UnsupportedError
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import Storage, Strategy
from hlsgen.layers.pooling2d import GlobalAveragePooling, GlobalMaxPooling

Kind = Literal["core", "gather", "split", "windows", "whole"]
_HLS_ONLY = "board clock_uncertainty pipeline interface control axi_lite tlast batch port_width".split()
"""Settings that say how Vitis HLS is to build: none of them would do anything here."""


@dataclass(frozen=True)
class Part:
    """A core or a stage of an operation, with the words that it takes and gives."""

    kind: Kind
    op: Op
    x: Words
    y: Words


def words_of(tensor: Tensor) -> Words:
    """How a tensor passes on a stream: a word for each position, which holds all channels."""
    return Words(tensor.type, tensor.shape[-1], prod(tensor.shape[:-1]))


def outline(job: Job) -> list[Part]:
    """All parts in order. Raises UnsupportedError for a layer and ConfigError for a setting that have no circuit."""
    assert cores.__path__, "the import registers them"
    _check_settings(job.config)
    checked_part(job.config.part)
    _check_row(job.design)
    parts: list[Part] = []
    words = words_of(job.design.inputs[0])
    for op in job.design:
        if not (op.is_input or op.layer.renames):
            _check(op)
            parts += _parts(op, words)
            words = parts[-1].y
    if not parts:
        raise UnsupportedError("backend verilog: the model computes nothing; there is no circuit of it")
    if words.elements != words_of(job.design.outputs[0]).elements:
        last = parts[-1]
        parts.append(_regrouped(last.op, words, words_of(job.design.outputs[0])))
    return parts


def _check_settings(config: Config) -> None:
    for name in _HLS_ONLY:
        if getattr(config, name) != Config.model_fields[name].default:
            raise ConfigError(f"{name}: says how Vitis HLS builds, and means nothing to backend verilog; leave it out")


def _check_row(design: Design) -> None:
    """One input, one output, and every tensor read once."""
    for what, tensors in (("inputs", design.inputs), ("outputs", design.outputs)):
        if len(tensors) != 1:
            raise UnsupportedError(
                f"backend verilog: the model has {len(tensors)} {what} ({', '.join(t.name for t in tensors)}), and "
                "circuits have one so far; use backend: vitis for this model"
            )
    for tensor in design.tensors:
        readers = [op.name for op in design if tensor in op.inputs]
        readers += ["the output"] if tensor in design.outputs else []
        if len(readers) != 1:
            names = ", ".join(readers) or "nobody"
            raise refused(design.producer(tensor), f"{tensor.name} is read by {names}, and streams do not branch yet")


def _check(op: Op) -> None:
    if op.loop is not None:
        raise refused(op, "recurrent layers have no circuit yet")
    if len(op.inputs) != 1:
        raise refused(op, f"{op.layer.kind} of {len(op.inputs)} tensors has no circuit yet")
    if op.loads_weights:
        raise refused(
            op, f"weights: {op.weight_source.value} has no circuit yet", "leave it out, or use backend: vitis"
        )
    if op.strategy is Strategy.UNROLLED:
        raise refused(op, "strategy: unrolled is one of Vitis HLS", "set strategy: latency or resource")
    if op.parallelization > 1:
        raise refused(op, "parallelization_factor has no circuit yet", "leave it out")
    if op.storage is not Storage.AUTO:
        raise refused(op, "storage: the synthesis tool chooses the memory of weights", "leave it out")
    check_core(op)


def _parts(op: Op, words: Words) -> list[Part]:
    """The core of an operation and what makes its words of those that come."""
    found: list[Part] = []
    wanted = words_of(op.input)
    if wanted.elements != words.elements:
        found.append(_regrouped(op, words, wanted))
    window = window_of(op)
    y = words_of(op.output)
    if isinstance(op.layer, GlobalMaxPooling | GlobalAveragePooling):
        found.append(Part("whole", op, wanted, whole_words(op, wanted)))
    if window is not None:
        found.append(Part("windows", op, wanted, Words(wanted.type, window.taps * wanted.elements, y.beats)))
    x = found[-1].y if found else words
    return [*found, Part("core", op, x, y)]


def _regrouped(op: Op, x: Words, y: Words) -> Part:
    """Several words as one (gather), or one as several (split), in the same order of elements."""
    more, less = max(x.elements, y.elements), min(x.elements, y.elements)
    if more % less:
        raise refused(op, f"takes words of {y.elements} elements from words of {x.elements}: neither divides the other")
    return Part("gather" if y.elements == more else "split", op, x, y)
