"""Damage to the tree of an architecture (or of any JSON), and to its text."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.fuzz.damage.base import RAN, Damage

Tree = Any
Way = list[Any]
"""The keys and numbers that lead to a place in a tree."""


def places(tree: Tree, way: Sequence[Any] = ()) -> Iterator[Way]:
    """The ways to all that is in a tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, branch in items:
        yield [*way, key]
        yield from places(branch, [*way, key])


def at(tree: Tree, way: Way) -> Any:
    for key in way:
        tree = tree[key]
    return tree


def _set(tree: Tree, way: Way, value: Any) -> Tree:
    at(tree, way[:-1])[way[-1]] = value
    return tree


def _delete(tree: Tree, way: Way) -> Tree:
    del at(tree, way[:-1])[way[-1]]
    return tree


def _copy(tree: Tree, source: Way, way: Way) -> Tree:
    return _set(tree, way, copy.deepcopy(at(tree, source)))


def _insert(tree: Tree, way: Way, value: Any) -> Tree:
    spot = at(tree, way)
    spot.insert(0, value) if isinstance(spot, list) else spot.update({"something": value})
    return tree


def _rename(tree: Tree, way: Way, name: str) -> Tree:
    spot = at(tree, way[:-1])
    spot[name] = spot.pop(way[-1])
    return tree


CONFIGURATION: dict[str, Callable[..., Tree]] = {
    "set": _set,
    "delete": _delete,
    "copy": _copy,
    "insert": _insert,
    "rename": _rename,
}

TEXTS = (
    "", "x", "same", "valid", "causal", "linear", "relu", "None", "float32", "float16", "int32", "1", "NaN", "channels_first",
    "2024-02-30", "Dense", "Functional", "InputLayer", "auto_po2", "quantized_bits(4,0,alpha=1)", "quantized_bits(4,",
    "quantized_bits(10**10)", "../../etc/passwd", "${HOME}", "a\0b", "é" * 9, "x" * 300, "\u2028", "\ud800", "\\\n", "*/ #error",
    "lambda x: x", f"__import__('os').system('touch {RAN}')", f"$(touch {RAN})", f"`touch {RAN}`", f'"; touch {RAN}; "',
    f"[exec touch {RAN}]",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 7, 64, 255, 65535, 65536, 100_000, 2**20, 2**31 - 1, 2**31, 10**9, 2**63, -(2**63) - 1, 10**30, 0.5, -0.0,
    2.5, 1e-45, 1e-300, 1e39, 1e308, float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
OBJECTS: tuple[Any, ...] = (
    None, True, False, [], {}, [None], [1, 2, 3], [[1]], [0, 0], [-1, -1], [2.5, 2], [1, None], [None, 2, 3], [10**9, 1], [["x"]],
    {"class_name": "x"}, {"config": {}}, {"class_name": "__tuple__", "items": [1, 2]}, {"class_name": "__tuple__", "items": 1},
    {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}, {"class_name": "__numpy__", "config": {"value": [1], "dtype": "O"}},
    {"class_name": "__tensor__", "config": {"value": [1], "dtype": "float32"}}, {"class_name": "quantized_bits", "config": {}},
    {"class_name": "quantized_bits", "config": {"bits": -3}}, {"class_name": "DTypePolicy", "config": {"name": "float16"}},
    {"module": "os", "class_name": "system", "config": {"command": f"touch {RAN}"}}, {"class_name": "Dense", "config": {"units": 3}},
)  # fmt: skip


def any_value(rng: random.Random, old: Any = None) -> Any:
    """A value of JSON: a hostile one, or one near the ``old`` one."""
    near: list[Any] = [[old], str(old)[:50], {"x": old}]
    if isinstance(old, int | float) and not isinstance(old, bool):
        near += [old + 1, old - 1, -old, old * 2, old * 1000, old + 0.5, float(old)]
    if isinstance(old, str):
        near += [old.upper(), old + " ", old[:-1], old + "D"]
    if isinstance(old, list):
        near += [old[:-1], old + old, old[::-1], old[:1] * 9, [*old, 1]]
    return rng.choice(near if rng.random() < 0.35 else rng.choice((TEXTS, NUMBERS, OBJECTS)))


OPTIONS = (
    "units filters kernel_size strides padding dilation_rate data_format groups depth_multiplier use_bias activation axis "
    "epsilon scale center renorm pool_size keepdims size interpolation cropping target_shape dims n max_value negative_slope "
    "threshold alpha shared_axes axes normalize mean variance invert offset output_padding kernel_quantizer bias_quantizer "
    "depthwise_quantizer pointwise_quantizer average_quantizer gamma_quantizer inverse_quantizer total_bits symmetric "
    "po2_rounding relu_neg_slope relu_upper_bound folding_mode layer batch_shape batch_input_shape dtype sparse ragged "
    "trainable name approximate lora_rank current_step reset_after build_config"
).split()
"""Options of layers, which an architecture need not name."""


def tree_damage(rng: random.Random, tree: Tree) -> Damage:
    """Something else at any place of a tree; options of layers are met most often."""
    ways = list(places(tree))
    deep = [way for way in ways if "config" in way[1:] and "inbound_nodes" not in way] or ways
    way = rng.choice(deep if rng.random() < 0.7 else ways)
    configs = [way for way in ways if way[-1] == "config" and isinstance(at(tree, way), dict)]
    if configs and rng.random() < 0.3:
        return Damage("set", ([*rng.choice(configs), rng.choice(OPTIONS)], any_value(rng)))
    match rng.choice(("set",) * 8 + ("delete", "copy", "insert", "rename")):
        case "delete":
            return Damage("delete", (way,))
        case "copy":
            return Damage("copy", (rng.choice(ways), way))
        case "insert":
            return Damage("insert", (way[:-1], any_value(rng)))
        case "rename":
            return Damage("rename", (way, rng.choice(TEXTS)))
        case _:
            return Damage("set", (way, any_value(rng, at(tree, way))))


# -- text ------------------------------------------------------------------------------------------


def spliced(data: bytes, at: int, length: int, new: str) -> bytes:
    """``new`` (hexadecimal) in place of ``length`` bytes."""
    at %= max(len(data), 1)
    return data[:at] + bytes.fromhex(new) + data[at + length :]


def _nested(data: bytes, at: int, depth: int) -> bytes:
    """The next number or null, ``depth`` lists deep."""
    at %= max(len(data), 1)
    found = next((i for i in range(at, len(data)) if data[i - 1 : i] == b" " and data[i : i + 1] in b"0123456789n"), at)
    end = next((i for i in range(found, len(data)) if data[i : i + 1] in b",]}"), len(data))
    return data[:found] + b"[" * depth + data[found:end] + b"]" * depth + data[end:]


TEXT: dict[str, Callable[..., bytes]] = {
    "splice text": spliced,
    "nest": _nested,
    "recode": lambda data, encoding: data.decode("utf-8", "replace").encode(encoding, "replace"),
    "twice": lambda data: data + data,
}


def text_damage(rng: random.Random) -> Damage:
    where = rng.randrange(100_000)
    match rng.choice(("splice text",) * 4 + ("nest", "recode", "twice")):
        case "nest":
            return Damage("nest", (where, rng.choice((3, 40, 900, 3_000, 100_000))))
        case "recode":
            return Damage("recode", (rng.choice(("utf-16", "utf-32", "utf-8-sig", "latin-1")),))
        case "twice":
            return Damage("twice")
        case _:
            new = rng.choice(
                ("", "00", "22", "5b", "7d", "c3", "ff", "2d", "31653939", "4e614e", "6e756c6c", "39" * 5000)
            )
            return Damage("splice text", (where, rng.choice((0, 1, 1, 2, 30, 10**6)), new))
