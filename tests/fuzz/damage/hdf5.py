"""Damage to an HDF5 file of weights, done while it is open for writing."""

from __future__ import annotations

import contextlib
import io
import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from tests.fuzz.damage.base import Damage

DTYPES = (
    "f2",
    "f4",
    "f8",
    ">f4",
    "i1",
    "i8",
    "u2",
    ">u8",
    "b1",
    "c8",
    "S5",
    "V4",
    "text",
    "reference",
    "list",
    "record",
    "enum",
)


def _dtype(name: str) -> Any:
    special = {
        "text": h5py.string_dtype(),
        "reference": h5py.ref_dtype,
        "list": h5py.vlen_dtype(np.dtype("f4")),
        "record": np.dtype([("a", "f4"), ("b", "i8")]),
        "enum": h5py.enum_dtype({"RED": 0, "BLUE": 1}, "i4"),
    }
    return special[name] if name in special else np.dtype(name)


_MOST_STORED = 2**16
"""Elements beyond which data are declared and not stored."""


def _dataset(file: h5py.File, name: str, shape: list[int] | None, dtype: str, fill: float) -> None:
    """Another dataset in its place: of ``shape`` (None: no data space), of one number everywhere."""
    with contextlib.suppress(KeyError):
        del file[name]
    kind = np.dtype(_dtype(dtype))
    if shape is None:
        file.create_dataset(name, data=h5py.Empty(np.dtype("f4")))
    elif np.prod(shape, dtype=object) > _MOST_STORED:
        file.create_dataset(name, shape, kind, chunks=tuple(min(n, 64) for n in shape))
    else:
        with np.errstate(all="ignore"):
            made = file.create_dataset(name, shape, kind)
            if made.size and kind.kind != "O":
                made[()] = np.full(shape, fill).astype(kind) if kind.kind in "fiubc" else np.zeros(shape, kind)


def _compressed(file: h5py.File, name: str, megabytes: int) -> None:
    """Zeros that take a thousandth of their size in the file; the same stored chunk stands for all of them."""
    del file[name]
    made = file.create_dataset(name, (megabytes, 2**18), "f4", chunks=(1, 2**18), compression="gzip")
    chunk = zlib.compress(bytes(2**20))
    for row in range(megabytes):
        made.id.write_direct_chunk((row, 0), chunk)


def _attribute(file: h5py.File, name: str, key: str, value: Any) -> None:
    attributes = file[name].attrs
    if value == "delete":
        del attributes[key]
    elif isinstance(value, dict):
        attributes.create(key, np.zeros(value["shape"], _dtype(value["dtype"])))
    else:
        attributes[key] = value


def _linked(file: h5py.File, name: str, to: str) -> None:
    """A second name of the same object: below itself, this is a cycle."""
    found = file[to]
    with contextlib.suppress(KeyError):
        del file[name]
    file[name] = found


def _soft(file: h5py.File, name: str, to: str, outside: str) -> None:
    with contextlib.suppress(KeyError):
        del file[name]
    file[name] = h5py.ExternalLink(outside, to) if outside else h5py.SoftLink(to)


def _doubled(file: h5py.File, name: str, levels: int) -> None:
    """Groups with two names each in the group before: ``2**levels`` ways lead to the last one."""
    below = file.create_group("the last")
    below["0"] = np.zeros(2, np.float32)
    for _ in range(levels):
        above = file.create_group(None)
        above["a"], above["b"] = below, below
        below = above
    file[f"{name}/doubled"] = below


def _external(file: h5py.File, name: str, path: str) -> None:
    with contextlib.suppress(KeyError):
        del file[name]
    file.create_dataset(name, (4,), "f4", external=[(path, 0, 16)])


def _virtual(file: h5py.File, name: str) -> None:
    shape = file[name].shape
    del file[name]
    layout = h5py.VirtualLayout(shape, "f4")
    layout[...] = h5py.VirtualSource("other.h5", "x", shape)
    file.create_virtual_dataset(name, layout)


def _to_group(file: h5py.File, name: str) -> None:
    del file[name]
    file.create_group(name)


def _remove(file: h5py.File, name: str) -> None:
    del file[name]


def _moved(file: h5py.File, name: str, to: str) -> None:
    file.move(name, to)


HDF5: dict[str, Callable[..., None]] = {
    "dataset": _dataset,
    "compressed": _compressed,
    "attribute": _attribute,
    "hard link": _linked,
    "soft link": _soft,
    "doubled": _doubled,
    "external": _external,
    "virtual": _virtual,
    "group": _to_group,
    "remove": _remove,
    "move": _moved,
}


@dataclass(frozen=True)
class Content:
    """What an HDF5 file holds: the names of its groups, its datasets with their shapes, its attributes."""

    groups: tuple[str, ...]
    datasets: dict[str, tuple[int, ...]]
    attributes: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, data: bytes) -> Content:
        groups, datasets, attributes = ["/"], {}, []

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                datasets[name] = item.shape
            else:
                groups.append(name)
            attributes.extend((name, key) for key in item.attrs)

        with h5py.File(io.BytesIO(data), "r") as file:
            attributes += [("/", key) for key in file.attrs]
            file.visititems(visit)
        return cls(tuple(groups), datasets, tuple(attributes))


def other_shape(rng: random.Random, shape: Sequence[int]) -> list[int]:
    """A shape with other numbers or another number of axes; as often of the same size as of another."""
    new = list(shape)
    match rng.choice(("change", "change", "drop", "add", "scalar", "ones", "flat", "reverse")):
        case "change" if new:
            place = rng.randrange(len(new))
            new[place] = rng.choice((0, 1, new[place] - 1, new[place] + 1, 2 * new[place], 1000, 2**31, 2**40))
        case "drop" if new:
            new.pop(rng.randrange(len(new)))
        case "add":
            new.insert(rng.randrange(len(new) + 1), rng.choice((1, 1, 2)))
        case "scalar":
            return []
        case "ones":
            return [1] * len(new)
        case "flat":
            return [int(np.prod(new))]
        case "reverse":
            new.reverse()
    return new


def shape_damage(rng: random.Random, content: Content) -> Damage:
    """One weight of another shape than the architecture gives, of a type that Keras writes."""
    name = rng.choice(list(content.datasets))
    old = list(content.datasets[name])
    shape = next(new for new in (*(other_shape(rng, old) for _ in range(4)), [*old, 2]) if new != old)
    return Damage("dataset", (name, shape, "f4", rng.choice((0.0, 0.5, -1.0))))


def weights_damage(rng: random.Random, content: Content) -> Damage:
    name = rng.choice(list(content.datasets) or ["x"])
    group, everything = rng.choice(content.groups), [*content.groups, *content.datasets]
    match rng.choice((*HDF5, *("dataset", "attribute") * 5)):
        case "dataset":
            shape = list(content.datasets.get(name, ()))
            shape = rng.choice((shape, shape, other_shape(rng, shape), None))
            return Damage("dataset", (name, shape, rng.choice(DTYPES), rng.choice((0.5, float("nan"), 1e38, 1e-45))))
        case "compressed":
            return Damage("compressed", (name, rng.choice((1, 64, 4_000))))
        case "attribute" if content.attributes:
            value = rng.choice((
                "delete", "", "x", 3, [1, 2], ["x", "y"], {"shape": [2], "dtype": rng.choice(DTYPES)}, {"shape": [], "dtype": "V4"},
            ))  # fmt: skip
            return Damage("attribute", (*rng.choice(content.attributes), value))
        case "hard link":
            return Damage("hard link", (f"{group}/{rng.choice('abv')}", rng.choice(everything)))
        case "soft link":
            outside = rng.choice(("", "", "/etc/passwd", "model.h5", "/dev/zero"))
            return Damage("soft link", (name, rng.choice(["/", "/nothing", f"/{name}", *everything]), outside))
        case "doubled":
            return Damage("doubled", (group, rng.choice((2, 25, 60))))
        case "external":
            return Damage("external", (name, rng.choice(("/etc/passwd", "/dev/zero", "none"))))
        case "move":
            return Damage("move", (rng.choice(everything), f"{group}/moved"))
        case "virtual" | "group" as kind:
            return Damage(kind, (name,))
        case _:
            return Damage("remove", (rng.choice(everything),))
