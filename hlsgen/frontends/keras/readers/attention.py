"""Attention layers: of one head on what they are given, of several on projections of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.attention import Axes, Mask, add_attention, add_shares, causal, window
from hlsgen.frontends.contraction import Equation, contract
from hlsgen.frontends.functions import add_line, add_table
from hlsgen.frontends.keras.call import ACTIVATIONS, Call, reads
from hlsgen.frontends.keras.options import ANYTHING, AXIS, POSITIVE, SWITCH, maybe, several
from hlsgen.frontends.merging import merge_chain
from hlsgen.frontends.permuting import add_reshape
from hlsgen.ir.constant import Constant, Floats, no_bias
from hlsgen.ir.graph import Value
from hlsgen.layers.dense import Dense
from hlsgen.layers.functions import FUNCTIONS
from hlsgen.layers.merge import Merge


def _given(call: Call) -> tuple[Value, Value, Value]:
    """Query, key and value of an attention that is given query, value and perhaps a key."""
    if len(call.inputs) not in (2, 3):
        raise ModelError(f"{call.where}: it is given {len(call.inputs)} tensors; expected query, value and perhaps key")
    query, value, *key = call.inputs
    return query, key[0] if key else value, value


def _results(call: Call, values: Sequence[Value]) -> Sequence[Value]:
    """The result, and the shares where they are asked for."""
    return values if call.take("return_attention_scores", SWITCH, False) else values[:1]


# -- one head ------------------------------------------------------------------------------------------


def _mask(call: Call, queries: int, keys: int) -> Mask | None:
    """The mask of a layer that has no other than the causal one (``causal`` is an option of old versions of it)."""
    old, new = call.take("causal", SWITCH, False), call.take("use_causal_mask", SWITCH, False)
    return causal(queries, keys) if old or new else None


@reads("Attention")
def read_attention(call: Call) -> Sequence[Value]:
    call.ignore("dropout")
    query, key, value = _given(call)
    mode, scaled = call.expect("score_mode", "dot", "concat"), call.take("use_scale", SWITCH, False)
    scale = float(call.weight("scale", ())) if scaled else 1.0
    if mode == "concat":
        weight = np.full(query.shape[-1], float(call.weight("concat_score_weight", ())))
        return _additive(call, query, key, value, scale, weight)
    numbers, mask = _numbers(call, query, key, value), _mask(call, query.shape[-2], key.shape[-2])
    axes = Axes(f"{numbers}QD", f"{numbers}KD", f"{numbers}KE", f"{numbers}QK", f"{numbers}QE")
    if scaled:
        query = add_line(call, query, scale, 0.0, "scaled")
    return _results(call, add_attention(call, axes, query, key, value, mask))


@reads("AdditiveAttention")
def read_additive_attention(call: Call) -> Sequence[Value]:
    call.ignore("dropout")
    query, key, value = _given(call)
    channels = query.shape[-1]
    weight = call.weight("scale", (channels,)) if call.take("use_scale", SWITCH, True) else np.ones(channels)
    return _additive(call, query, key, value, 1.0, weight)


def _numbers(call: Call, query: Value, key: Value, value: Value) -> str:
    """The labels of the axes in front of queries and keys, which number attentions."""
    ranks = {len(tensor.shape) for tensor in (query, key, value)}
    if len(ranks) != 1 or min(ranks) < 2:
        shapes = [tensor.shape for tensor in (query, key, value)]
        raise UnsupportedError(
            f"{call.where}: query, key and value of shapes {shapes}; expected (..., places, channels)"
        )
    return ascii_lowercase[: len(query.shape) - 2]


def _additive(call: Call, query: Value, key: Value, value: Value, scale: float, weight: Floats) -> Sequence[Value]:
    """``scores[q, k] = sum over d of weight[d] * tanh(scale * (query[q, d] + key[k, d]))``."""
    if _numbers(call, query, key, value):
        raise UnsupportedError(
            f"{call.where}: scores of sums of queries and keys of shape {query.shape}; expected (places, channels)"
        )
    (queries, channels), keys = query.shape, key.shape[0]
    call.inputs = [add_reshape(call, query, (queries, 1, channels)), add_reshape(call, key, (1, keys, channels))]
    total = merge_chain(call, "add")
    if scale != 1.0:
        total = add_line(call, total, scale, 0.0, "scaled")
    bent = add_table(call, total, FUNCTIONS["tanh"])
    scores = call.add(Dense(Constant.of(weight[:, None]), no_bias(1)), [bent], "scores")
    shares = add_shares(call, add_reshape(call, scores, (queries, keys)), 1, _mask(call, queries, keys))
    return _results(call, [contract(call, Equation("QK", "KE", "QE"), shares, value), shares])


# -- several heads -----------------------------------------------------------------------------------------


def _projected(call: Call, role: str, value: Value, heads: int, factor: float = 1.0) -> Value:
    """A Dense layer whose last axis becomes (heads, channels); its weights times ``factor``."""
    kernel = call.weight(f"{role}/kernel", (value.shape[-1], heads, "size"))
    weights = kernel.reshape(len(kernel), -1) * factor
    bias = _bias(call, role, kernel.shape[1:]) * factor
    result = call.add(Dense(Constant.of(weights), Constant.of(bias)), [value], role)
    return add_reshape(call, result, (*value.shape[:-1], *kernel.shape[1:]))


def _bias(call: Call, role: str, shape: tuple[int, ...]) -> Floats:
    """The bias of a part, flat."""
    found = call.weight(f"{role}/bias", shape) if f"{role}/bias" in call.weights else np.zeros(shape)
    return found.reshape(-1)


def _output(call: Call, value: Value, gate: Value | None, shape: tuple[int, ...]) -> Value:
    """The heads side by side, times the gate if there is one, through a Dense layer with results of ``shape``."""
    heads, channels = value.shape[-2:]
    kernel = call.weight("output/kernel", (heads, channels, *shape))
    joined = add_reshape(call, value, (*value.shape[:-2], heads * channels))
    if gate is not None:
        opened = ACTIVATIONS["sigmoid"](call, add_reshape(call, gate, joined.shape))
        joined = call.add(Merge("multiply"), [joined, opened], "gated")
    weights = Constant.of(kernel.reshape(heads * channels, prod(shape)))
    result = call.add(Dense(weights, Constant.of(_bias(call, "output", shape))), [joined], "output")
    return add_reshape(call, result, (*value.shape[:-2], *shape))


def _masks(call: Call, query: Value, key: Value, single: bool) -> Mask | None:
    """What is to be left out of a sequence of queries and one of keys: the causal mask, a band, and a constant."""
    queries, keys = query.shape[0], key.shape[0]
    reach, given = call.take("sliding_window", maybe(POSITIVE), None), call.take("attention_mask", ANYTHING, None)
    found = [causal(queries, keys)] if call.take("use_causal_mask", SWITCH, False) else []
    found += [window(queries, keys, reach)] if reach is not None else []
    found += [_constant_mask(call, given, (queries, keys))] if given is not None else []
    if found and not single:
        raise UnsupportedError(
            f"{call.where}: a mask for an attention over other axes than the first of two; leave it out, or reshape "
            "what it is given to (places, channels)"
        )
    return np.logical_and.reduce(found) if found else None


def _constant_mask(call: Call, given: Any, shape: tuple[int, int]) -> Mask:
    """A mask that is part of the model. Raises UnsupportedError for one that differs between samples or heads."""
    if isinstance(given, dict) and isinstance(given.get("config"), dict):
        given = given["config"].get("value")
    mask = np.asarray(given)
    if mask.dtype.kind not in "bif" or mask.ndim < 2 or mask.shape[-2:] != shape or mask.size != prod(shape):
        raise UnsupportedError(
            f"{call.where}: attention_mask of shape {mask.shape} is not supported; expected one constant mask for all "
            f"samples and heads, of shape {(1, *shape)}"
        )
    return mask.reshape(shape).astype(bool)


@reads("MultiHeadAttention")
def read_multi_head_attention(call: Call) -> Sequence[Value]:
    call.ignore("dropout", "softmax_robust_masking", "query_shape", "key_shape", "value_shape", "flash_attention")
    query, key, value = _given(call)
    heads, channels = call.take("num_heads", POSITIVE), call.take("key_dim", POSITIVE)
    call.ignore("value_dim", "use_bias")  # the weights have them
    axes, places = _axes_of_heads(call, query, key)
    mask = _masks(call, query, key, single=len(query.shape) == len(key.shape) == 2 and places == [0])
    gate = _projected(call, "gate", query, heads) if call.take("use_gate", SWITCH, False) else None
    q = _projected(call, "query", query, heads, 1 / sqrt(channels))
    k, v = _projected(call, "key", key, heads), _projected(call, "value", value, heads)
    result, shares = add_attention(call, axes, q, k, v, mask)
    shape = call.take("output_shape", maybe(several(POSITIVE)), None) or (query.shape[-1],)
    return _results(call, [_output(call, result, gate, tuple(shape)), shares])


def _axes_of_heads(call: Call, query: Value, key: Value) -> tuple[Axes, list[int]]:
    """The axes of projections (..., heads, channels), and which of them an attention goes along."""
    given = call.take("attention_axes", maybe(several(AXIS)), None)
    rank = len(query.shape)
    places = list(range(rank - 1)) if given is None else [a - 1 if a > 0 else a + rank for a in given]
    from_behind = given is not None and min(given) < 0 and not call.keras3  # Keras 2 counts heads and channels then
    if len(key.shape) != rank or not 2 <= rank <= 12 or from_behind or not set(places) <= set(range(rank - 1)):
        raise UnsupportedError(
            f"{call.where}: attention along axes {given} of tensors of shapes {query.shape} and {key.shape}; expected "
            "as many axes of both, and places (from 1 on) that are not the channels"
        )
    letters = ascii_uppercase[: rank - 1], ascii_uppercase[rank - 1 :]
    of_query, of_key = (
        "".join(own[place] if place in places else ascii_lowercase[place] for place in range(rank - 1))
        for own in letters
    )
    numbers = "".join(ascii_lowercase[place] for place in range(rank - 1) if place not in places)
    queries, keys = ("".join(own[place] for place in places) for own in letters)
    scores = f"{numbers}y{queries}{keys}"
    return Axes(f"{of_query}yz", f"{of_key}yz", f"{of_key}yx", scores, f"{of_query}yx"), places


@reads("GroupQueryAttention", "GroupedQueryAttention")
def read_grouped_query_attention(call: Call) -> Sequence[Value]:
    """Several heads of queries share one of keys and values."""
    call.ignore("dropout", "use_bias", "flash_attention")
    query, key, value = _given(call)
    if any(len(tensor.shape) != 2 for tensor in (query, key, value)):
        raise ModelError(f"{call.where}: query, key and value have to be of shape (places, channels)")
    heads, groups = call.take("num_query_heads", POSITIVE), call.take("num_key_value_heads", POSITIVE)
    channels = call.take("head_dim", POSITIVE)
    if heads % groups:
        raise ModelError(f"{call.where}: {heads} heads of queries for {groups} of keys; the file is damaged")
    mask = _masks(call, query, key, single=True)
    gate = _projected(call, "gate", query, heads) if call.take("use_gate", SWITCH, False) else None
    q = _projected(call, "query", query, heads, 1 / sqrt(channels))
    q = add_reshape(call, q, (query.shape[0], groups, heads // groups, channels))
    k, v = _projected(call, "key", key, groups), _projected(call, "value", value, groups)
    result, shares = add_attention(call, Axes("Qghd", "Kgd", "Kge", "ghQK", "Qghe"), q, k, v, mask)
    result = add_reshape(call, result, (query.shape[0], heads, channels))
    shares = add_reshape(call, shares, (heads, query.shape[0], key.shape[0]))
    return _results(call, [_output(call, result, gate, (query.shape[-1],)), shares])
