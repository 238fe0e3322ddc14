"""A process that computes trials: a program of its own, started by :mod:`~hlsgen.explore.workers.handle`.

It runs nothing of the program that started it, and loads no framework. It ends with that program, however that ends.

    python process.py OWNER CHANNEL PARCEL IDLE

are a process, a socket, a file with the work of the search, and the seconds without a trial after which it ends (0:
never).
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import mmap
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from hlsgen.errors import said_by
from hlsgen.explore.trial import Work
from hlsgen.explore.workers.computing import computed, shortened
from hlsgen.explore.workers.messages import Computed, Ready, Unfit
from hlsgen.explore.workers.packing import unpacked
from hlsgen.tools import forget_start

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until there is nobody to serve."""
    owner, channel, parcel, idle = map(int, sys.argv[1:])
    _end_with(owner)
    faulthandler.enable()
    forget_start()
    with Connection(channel) as connection, contextlib.suppress(EOFError, ConnectionError):  # the owner wants no more
        _serve(connection, parcel, idle or None)


def _serve(connection: Connection, parcel: int, idle: int | None) -> None:
    sys.path[:] = connection.recv()
    try:
        work = _read(parcel)
    except BaseException as error:  # a module of the user's that cannot be imported here, say
        connection.send(Unfit(shortened(said_by(error))))
        return
    connection.send(Ready(_memory()))
    while connection.poll(idle):
        number, ask = connection.recv()
        outcome = computed(work, ask, interruptible=False)
        connection.send(Computed(number, outcome, _memory()))


def _read(parcel: int) -> Work:
    """The work of the search; its arrays stay in the file, of which the system holds one copy for all processes."""
    return unpacked(memoryview(mmap.mmap(parcel, 0, access=mmap.ACCESS_READ)))


def _end_with(owner: int) -> None:
    """Let the system kill this process when its owner ends: what it computes here would be computed again."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != owner:  # it has ended before
        sys.exit()


def _memory() -> int:
    resident, shared = map(int, Path("/proc/self/statm").read_text(encoding="ascii").split()[1:3])
    return (resident - shared) * mmap.PAGESIZE


if __name__ == "__main__":
    main()
