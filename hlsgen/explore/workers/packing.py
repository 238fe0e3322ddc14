"""The work of a search as bytes: pickled once, and read by any number of processes without a copy of its arrays.

Arrays stand behind the pickle as they are in memory, so that who maps a file with a parcel in it shares them with all
others who do. They cannot be written to there: no trial changes what the next one sees.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Sequence
from types import FunctionType
from typing import IO, Any, Self, cast

from hlsgen.errors import WorkersError, said_by
from hlsgen.explore.trial import Work
from hlsgen.explore.workers.computing import shortened

_NUMBER = struct.Struct("<Q")
_ALIGNED = 64
"""Arrays begin at multiples of so many bytes, as NumPy's own do."""


class Parcel:
    """A work, pickled: its head, the pickle, and the arrays that the pickle names by their order."""

    def __init__(self, parts: Sequence[bytes | memoryview]) -> None:
        self._parts = parts

    @classmethod
    def of(cls, work: Work) -> Self:
        """Pack a work. Raises WorkersError where something in it cannot be pickled, with what to do."""
        buffers: list[pickle.PickleBuffer] = []
        text = _pickled(work, buffers)
        views = [memoryview(text), *(buffer.raw() for buffer in buffers)]
        head = b"".join(_NUMBER.pack(number) for number in (len(views), *(view.nbytes for view in views)))
        parts: list[bytes | memoryview] = []
        for view in (memoryview(head), *views):
            parts += [view, bytes(-view.nbytes % _ALIGNED)]
        return cls(parts)

    def __bytes__(self) -> bytes:
        return b"".join(self._parts)

    def write(self, file: IO[bytes]) -> None:
        """Write it to a file that is empty. Raises OSError."""
        for part in self._parts:
            file.write(part)
        file.flush()


def unpacked(content: memoryview) -> Work:
    """The work of a parcel; its arrays are views of ``content``, which therefore stays as it is."""
    (count,) = _NUMBER.unpack_from(content)
    sizes = [_NUMBER.unpack_from(content, _NUMBER.size * (1 + index))[0] for index in range(count)]
    place, views = _after(_NUMBER.size * (1 + count)), []
    for size in sizes:
        views.append(content[place : place + size].toreadonly())
        place = _after(place + size)
    return cast(Work, pickle.loads(views[0], buffers=views[1:]))


def _after(place: int) -> int:
    return place + -place % _ALIGNED


# -- what can be pickled ---------------------------------------------------------------------------


def _pickled(work: Work, buffers: list[pickle.PickleBuffer]) -> bytes:
    try:
        import cloudpickle
    except ImportError:
        return _by_pickle(work, buffers)
    try:
        return cast(bytes, cloudpickle.dumps(work, protocol=5, buffer_callback=buffers.append))
    except Exception as error:  # whatever the methods of objects raise that are to be pickled
        raise _unfit(
            error,
            "an objective may hold an open file, a lock or a live model: let it make that itself, at its first call",
        ) from error


def _by_pickle(work: Work, buffers: list[pickle.PickleBuffer]) -> bytes:
    """Without functions of the program itself and lambdas."""
    file = io.BytesIO()
    try:
        _Pickler(file, protocol=5, buffer_callback=buffers.append).dump(work)
    except Exception as error:
        raise _unfit(
            error,
            "install cloudpickle (pip install cloudpickle), which takes lambdas and functions of the "
            "program too, or write objectives into a module of their own and import it",
        ) from error
    return file.getvalue()


def _unfit(error: Exception, remedy: str) -> WorkersError:
    return WorkersError(
        f"what the trials need cannot be sent to other processes: {shortened(said_by(error))}; "
        f"{remedy}; or compute all trials in this process (workers=0)"
    )


class _Pickler(pickle.Pickler):
    """Pickles as Python does, but for what another process would look for in vain: it does not run the program."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, FunctionType | type) and value.__module__ == "__main__":
            raise pickle.PicklingError(f"{value.__qualname__} stands in the program that runs the search")
        return NotImplemented
