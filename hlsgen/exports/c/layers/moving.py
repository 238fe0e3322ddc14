"""Layers that move elements."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.exports.c.function import Function, Table, function_of, made
from hlsgen.exports.c.numbers import cast_to, casts_of, of_type, word_of
from hlsgen.exports.c.shapes import Axis
from hlsgen.ir.op import Op
from hlsgen.layers.depth_to_space import Cropping, DepthToSpace
from hlsgen.layers.embedding import Embedding
from hlsgen.layers.loops import KeepSteps
from hlsgen.layers.shape_ops import Concatenate, Permute, UpSampling, ZeroPadding
from hlsgen.layers.split import Split
from hlsgen.layers.take import Take
from hlsgen.layers.window import as_image


@function_of(KeepSteps)
def keep_steps(layer: KeepSteps, op: Op) -> Function:
    """What it computes in one step."""
    return made("convert", op, op.input.type.frac, {"step": True})


@function_of(Permute)
def permute(layer: Permute, op: Op) -> Function:
    shape = op.input.shape
    strides = [prod(shape[axis + 1 :]) for axis in layer.order]
    return made("permute", op, op.input.type.frac, {"extents": op.output.shape, "strides": strides})


@function_of(ZeroPadding)
def zero_padding(layer: ZeroPadding, op: Op) -> Function:
    return _of_images("zero_padding", op, margins=layer.padding)


@function_of(UpSampling)
def up_sampling(layer: UpSampling, op: Op) -> Function:
    return _of_images("up_sampling", op, factors=layer.factors)


@function_of(DepthToSpace)
def depth_to_space(layer: DepthToSpace, op: Op) -> Function:
    return _of_images("depth_to_space", op, factors=layer.factors)


@function_of(Cropping)
def cropping(layer: Cropping, op: Op) -> Function:
    return _of_images("cropping", op, margins=layer.crop)


def _of_images(template: str, op: Op, **options: object) -> Function:
    before, after = as_image(op.input.shape), as_image(op.output.shape)
    return made(template, op, op.input.type.frac, {"before": before, "after": after, **options})


@function_of(Take)
def take(layer: Take, op: Op) -> Function:
    """Places that follow each other at one distance need no table."""
    axis, places = Axis.of(op.input.shape, layer.axis), np.array(layer.places)
    steps = np.unique(np.diff(places))
    regular = len(steps) <= 1
    step = int(steps[0]) if len(steps) else 0
    tables = [] if regular else [Table("places", places, "of each element, along the axis")]
    options = {"axis": axis, "count": len(places), "first": int(places[0]), "step": step, "regular": regular}
    return made("take", op, op.input.type.frac, options, tables=tables)


@function_of(Concatenate)
def concatenate(layer: Concatenate, op: Op) -> Function:
    """Each input is cast from its own grid: what was aligned before is the same number."""
    casts = [cast_to(of_type(t.type), t.type.frac, *casts_of(op.output.typing)) for t in op.inputs]
    sizes = [prod(t.shape[layer.axis :]) for t in op.inputs]
    word = word_of(r for cast in casts for r in cast.ranges)
    options = {"before": prod(op.output.shape[: layer.axis]), "sizes": sizes, "casts": casts}
    return Function("concatenate", word, (), options)


@function_of(Split)
def split(layer: Split, op: Op) -> Function:
    sizes = [prod(t.shape[layer.axis :]) for t in op.outputs]
    before = prod(op.input.shape[: layer.axis])
    return made("split", op, op.input.type.frac, {"before": before, "sizes": sizes})


@function_of(Embedding)
def embedding(layer: Embedding, op: Op) -> Function:
    """Rows by whole numbers: what is behind the point is cut off."""
    table, frac = layer.table.fixed
    x = op.input.type
    row = cast_to(of_type(x), x.frac, layer.numbers_read)
    tables = [Table("table", table, f"{layer.table.type}")]
    options = {"row": row, "last": layer.rows - 1, "outputs": table.shape[1]}
    return made("embedding", op, frac, options, ranges=row.ranges, tables=tables)
