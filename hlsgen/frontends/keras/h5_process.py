"""The process that reads HDF5: a program of its own, started by :mod:`hlsgen.frontends.keras.h5_file`.

The HDF5 library is C, and a damaged file can make it loop for ever or read where nothing is: both happen within minutes
of random changes. Here that ends this process and nothing else.

Requests and answers are those of :mod:`hlsgen.helpers`. A request is JSON, with as many bytes of a file behind it as it
announces. ``open`` is answered with an index of the whole file, ``read`` with the data of one dataset; the mark is
``+``, ``-`` for the text of an error that the file has caused, or ``!`` for that of one it has not. All requests for a
file together have the processor time that they grant (``seconds``), also if nobody is left to wait for the answer, and
the memory that what they read justifies. The rest of hlsgen, which would take longer to import than this to work, is
not imported.
"""

from __future__ import annotations

import io
import json
import math
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

_MOST_OBJECTS = 100_000
_MOST_TEXT = 64 << 20
"""Bytes of all names, and of all attributes that are text."""
_DEEPEST = 200
"""Groups within each other; Keras makes two or three of each model in a model."""
_SPARE = 512 << 20
"""Bytes of memory beyond the data that are read: for the index, and for what the library does."""


class _Span(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, path: str, offset: int, size: int) -> None:
        self.file, self.offset, self.size, self.at = open(path, "rb"), offset, size, 0  # noqa: PTH123, SIM115

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size}[whence]
        self.at = max(start + offset, 0)
        return self.at

    def tell(self) -> int:
        return self.at

    def readinto(self, buffer: Any) -> int:
        wanted = max(min(len(buffer), self.size - self.at), 0)
        self.file.seek(self.offset + self.at)
        data = self.file.read(wanted)
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def close(self) -> None:
        self.file.close()
        super().close()


class _Index:
    """All objects of a file, each visited once."""

    def __init__(self, file: h5py.File) -> None:
        self.objects: list[dict[str, Any]] = []
        self.paths: dict[int, str] = {}
        """Of datasets by number."""
        self.text = 0
        self.known: set[tuple[int, int]] = set()
        waiting = [(file["/"], self._number(file["/"]), 0)]
        while waiting:
            group, number, depth = waiting.pop()
            if depth > _DEEPEST:
                raise ValueError(f"its groups are nested more than {_DEEPEST} deep")
            self.objects[number], below = self._group(group)
            waiting += ((item, target, depth + 1) for item, target in below)

    def _number(self, item: Any) -> int:
        """A new number for an object. Raises ValueError if it has one: then it stands at two places."""
        info = h5py.h5o.get_info(item.id)
        key = (int(info.fileno), int(info.addr))
        if key in self.known:
            raise ValueError(f"'{item.name}' stands at two places; expected a tree, as Keras writes it")
        if len(self.known) >= _MOST_OBJECTS:
            raise ValueError(f"it holds more than {_MOST_OBJECTS} objects")
        self.known.add(key)
        self.objects.append({})
        return len(self.objects) - 1

    def _group(self, group: h5py.Group) -> tuple[dict[str, Any], list[tuple[h5py.Group, int]]]:
        """What is in a group, and the groups below it. Datasets are not kept open: thousands would take much memory."""
        links: dict[str, int] = {}
        below = []
        for name in group:
            self._count(len(name))
            links[name] = -1  # a link to elsewhere
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            item = group[name]
            number = links[name] = self._number(item)
            if isinstance(item, h5py.Dataset):
                self.objects[number], self.paths[number] = _facts(item), item.name
            elif isinstance(item, h5py.Group):
                below.append((item, number))
        return {"links": links, "attributes": {name: self._attribute(group, name) for name in group.attrs}}, below

    def _attribute(self, group: h5py.Group, name: str) -> Any:
        """A text, a list of texts, or None for anything else, which is not read."""
        self._count(len(name))
        try:
            stored = h5py.h5a.open(group.id, name.encode("utf-8", "surrogateescape"))
            space, kind = stored.get_space(), stored.get_type()
            count = space.get_simple_extent_npoints()
            if space.get_simple_extent_type() == h5py.h5s.SIMPLE and not count:
                return []  # Keras writes no names as no numbers
            if not isinstance(kind, h5py.h5t.TypeStringID):
                return None
            self._count(count * kind.get_size())
            value = group.attrs[name]
        except (MemoryError, _TooMuchError):
            raise
        except Exception:  # of a kind that h5py does not know, or damaged: it is no text either way
            return None
        found: Any = _text(value)
        if isinstance(value, np.ndarray):
            texts = [_text(item) for item in value.reshape(-1).tolist()]
            found = None if None in texts else texts
        self._count(len(str(found)))
        return found

    def _count(self, size: int) -> None:
        self.text += size
        if self.text > _MOST_TEXT:
            raise _TooMuchError(f"its names and attributes hold more than {_MOST_TEXT} bytes of text")


def _facts(data: h5py.Dataset) -> dict[str, Any]:
    """What is known of a dataset before it is read; of ``chunks``, the bytes of one and of all that hold its data."""
    kept, dtype, shape = data.id.get_create_plist(), data.dtype, data.shape
    plain = shape is not None and not kept.get_external_count() and kept.get_layout() != h5py.h5d.VIRTUAL
    chunks = None
    if plain and kept.get_layout() == h5py.h5d.CHUNKED:
        chunk = kept.get_chunk()
        one = math.prod(chunk) * dtype.itemsize
        chunks = one, one * math.prod(-(-extent // part) for extent, part in zip(shape, chunk, strict=True))
    return {
        "shape": list(shape) if plain else None,
        "dtype": dtype.str if dtype.kind in "fiu" else None,
        "stored": int(data.id.get_storage_size()) if plain else 0,
        "chunks": chunks,
    }


class _TooMuchError(ValueError):
    """More text than a file may hold."""


def _text(value: Any) -> str | None:
    """A text; None for what is none, and for bytes that are none in UTF-8 (h5py makes halves of characters of them)."""
    try:
        if isinstance(value, bytes):
            return value.decode("utf-8")
        return value.encode("utf-8").decode("utf-8") if isinstance(value, str) else None
    except UnicodeError:
        return None


class _Reader:
    """What requests are answered with."""

    def __init__(self, source: BinaryIO) -> None:
        self.source = source
        self.file: h5py.File | None = None
        self.index: _Index | None = None
        self.before = 0
        """Bytes of memory before the file was opened."""

    def grant(self, request: dict[str, Any]) -> bool:
        """Grant processor time, and memory beyond that before the file. Returns whether there may be so much."""
        left, _ = signal.getitimer(signal.ITIMER_PROF)
        signal.setitimer(signal.ITIMER_PROF, left + request["seconds"])  # its signal ends the process, whatever it does
        if request["do"] == "open":
            self.before = _held()
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        wanted = self.before + request["memory"] + _SPARE
        narrow = most != resource.RLIM_INFINITY and most < wanted
        resource.setrlimit(resource.RLIMIT_AS, (most if narrow else wanted, most))
        return not narrow

    def open(self, request: dict[str, Any]) -> Any:
        if "path" in request:
            at: Any = request["path"]
            if "offset" in request:
                at = io.BufferedReader(_Span(at, request["offset"], request["size"]))
        else:
            at = io.BytesIO(self.source.read(request["size"]))
        self.file = h5py.File(at, "r")
        self.index = _Index(self.file)
        return json.dumps(self.index.objects, ensure_ascii=False).encode("utf-8", "surrogatepass")

    def read(self, request: dict[str, Any]) -> Any:
        assert self.file is not None and self.index is not None
        data = self.file[self.index.paths[request["dataset"]]][()]
        return np.ascontiguousarray(data).reshape(-1).view(np.uint8).data

    def close(self, request: dict[str, Any]) -> Any:
        if self.file is not None:
            self.file.close()
        self.file = self.index = None
        signal.setitimer(signal.ITIMER_PROF, 0)
        return b""


def _held() -> int:
    """Bytes of addresses that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _answered(reader: _Reader, request: dict[str, Any]) -> tuple[bytes, Any]:
    """The mark and the content of an answer."""
    granted = False
    try:
        granted = reader.grant(request)
        content = getattr(reader, request["do"])(request)
        if len(content) > request["most"]:
            raise ValueError(f"it answers with {len(content)} bytes, more than the {request['most']} allowed")
        return b"+", content
    except MemoryError:
        text = f"it takes more than {_SPARE >> 20} MiB besides its data" if granted else "there is not enough memory"
        return (b"-" if granted else b"!"), text.encode()
    except Exception as error:  # this is the border: h5py raises many kinds for damaged files
        return b"-", f"{type(error).__name__}: {error}"[:500].encode("ascii", "backslashreplace")[:1000]


def main(word: str) -> None:
    """Say ``word``, then answer requests until there are no more."""
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")

    def say(mark: bytes, content: Any) -> None:
        answers.write(mark + len(content).to_bytes(8, "little"))
        answers.write(content)
        answers.flush()

    say(b"+", word.encode())
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # whatever a library prints is no answer, and nobody reads it
        os.dup2(nowhere, descriptor)
    reader = _Reader(source)
    while len(header := source.read(4)) == 4:
        request = json.loads(source.read(int.from_bytes(header, "little")))
        say(*_answered(reader, request))


if __name__ == "__main__":
    main(sys.argv[1])
