"""Damage to an archive: to its members, to its headers, and to the bytes of any file."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence

from tests.fuzz.damage.base import Damage, chosen
from tests.fuzz.damage.tree import spliced
from tests.fuzz.files import CONFIG, METADATA, WEIGHTS, archive

Members = list[tuple[str, bytes]]
_FIELDS = {
    "flags": (6, 8, "<H"),
    "method": (8, 10, "<H"),
    "crc": (14, 16, "<I"),
    "stored": (18, 20, "<I"),
    "size": (22, 24, "<I"),
}
"""Where a member's local and its central header have a field (APPNOTE.TXT 4.3.7 and 4.3.12)."""


def _without(members: Members, name: str) -> Members:
    return [member for member in members if member[0] != name]


def _doubled_member(members: Members, name: str) -> Members:
    return [*members, (name, b"{}")]


def _renamed_member(members: Members, name: str, new: str) -> Members:
    return [(new if old == name else old, data) for old, data in members]


def _zeros(members: Members, name: str, megabytes: int) -> Members:
    return [(old, b"zeros" + megabytes.to_bytes(4, "little") if old == name else data) for old, data in members]


def _field(data: bytes, name: str, field: str, value: int) -> bytes:
    """Set a field of all headers of a member."""
    local, central, form = _FIELDS[field]
    changed = bytearray(data)
    for signature, place, header in ((b"PK\x03\x04", local, 30), (b"PK\x01\x02", central, 46)):
        start = data.find(signature)
        while start >= 0:
            if data[start + header : start + header + len(name)] == name.encode():
                struct.pack_into(form, changed, start + place, value)
            start = data.find(signature, start + 4)
    return bytes(changed)


MEMBERS: dict[str, Callable[..., Members]] = {
    "member missing": _without,
    "member twice": _doubled_member,
    "member renamed": _renamed_member,
    "member of zeros": _zeros,
}
HEADERS: dict[str, Callable[..., bytes]] = {"member field": _field}
ARCHIVE = {*MEMBERS, *HEADERS}


def damaged_archive(damages: Sequence[Damage], members: Members) -> bytes:
    """The bytes of an archive with damaged members and headers."""
    for done in chosen(MEMBERS, damages):
        members = done(members)
    data = _archive_with_zeros(members) if any(d.name == "member of zeros" for d in damages) else archive(members)
    for done in chosen(HEADERS, damages):
        data = done(data)
    return data


def _archive_with_zeros(members: Members) -> bytes:
    """An archive in which members of zeros are compressed: the same block again and again."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members:
            if data[:5] != b"zeros":
                file.writestr(zipfile.ZipInfo(name), data)
    megabytes = {name: int.from_bytes(data[5:9], "little") for name, data in members if data[:5] == b"zeros"}
    result = buffer.getvalue()
    for name, count in megabytes.items():
        result = _with_deflated(result, name, count)
    return result


def _with_deflated(data: bytes, name: str, megabytes: int) -> bytes:
    """Append a member of so many megabytes of zeros (its check sum is left wrong: only who reads all of it sees that)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = block * megabytes + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a") as file:
        file.writestr(zipfile.ZipInfo(name), stream)
    result = _field(buffer.getvalue(), name, "method", zipfile.ZIP_DEFLATED)
    return _field(result, name, "size", min(megabytes * 2**20, 2**32 - 2))


def archive_damage(rng: random.Random) -> Damage:
    name = rng.choice((CONFIG, METADATA, WEIGHTS))
    match rng.choice(("member field",) * 3 + (*MEMBERS,)):
        case "member of zeros":
            return Damage("member of zeros", (name, rng.choice((1, 300, 4_000))))
        case "member field":
            field = rng.choice(list(_FIELDS))
            value = rng.choice((0, 1, 8, 9, 12, 14, 99, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
            return Damage("member field", (name, field, min(value, 0xFFFF) if _FIELDS[field][2] == "<H" else value))
        case "member renamed":
            return Damage(
                "member renamed",
                (name, rng.choice((f"/{name}", f"../{name}", name.upper(), "x\0y", "é", "a" * 60_000))),
            )
        case kind:
            return Damage(kind, (name,))


# -- bytes -----------------------------------------------------------------------------------------

BYTES: dict[str, Callable[..., bytes]] = {"splice": spliced, "cut": lambda data, at: data[: at % max(len(data), 1)]}


def byte_damage(rng: random.Random) -> Damage:
    if rng.random() < 0.1:
        return Damage("cut", (rng.randrange(10**6),))
    new = bytes(rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256))) for _ in range(rng.choice((1, 1, 2, 8))))
    length = len(new) if rng.random() < 0.9 else rng.randrange(20)
    return Damage("splice", (rng.randrange(10**6), length, new.hex()))
