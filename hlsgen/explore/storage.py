"""The file of a study: one SQLite database, in which every trial is whole or not there, whenever a process ends.

Each trial that is done is committed, and on the disk, before anybody is told of it. The journal is SQLite's rollback
journal: unlike a write-ahead log it works on file systems of networks, and leaves one file. A process that was killed
leaves a journal, by which the next one to open the file takes back what was not committed.

Who adds trials holds a lock (a file beside it, ``sweep.db.lock``), which ends with its process, however that ends.
Reading needs none: a study can be looked at while it grows.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hlsgen.errors import StudyError, brief
from hlsgen.explore.goals import Goal
from hlsgen.explore.space import Space
from hlsgen.explore.study import Study, brief_line
from hlsgen.explore.trial import Outcome, State, Trial
from hlsgen.named_files import checked_file, named_path

_FORMAT = 1
_MARK = 0x686C7367
"""SQLite's ``application_id``: "hlsg"."""
_PATIENCE = 10.0
"""Seconds for which another process may be writing."""
_TABLES = """
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE trials (
    number INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    point TEXT NOT NULL UNIQUE,
    "values" TEXT NOT NULL,
    reason TEXT NOT NULL,
    seconds REAL NOT NULL,
    worker TEXT NOT NULL,
    seed INTEGER NOT NULL,
    version TEXT NOT NULL,
    finished TEXT NOT NULL,
    config TEXT NOT NULL
);
"""
_COLUMNS = 'number, state, point, "values", reason, seconds, worker, seed, version, config'
_MARKS = ", ".join("?" * 11)
_HELD: set[tuple[int, int]] = set()
"""Locks that this process has: those of the system are between processes alone."""


class Storage:
    """A study that grows, in a file or (``path`` None) in memory. A context: leaving it gives up the lock.

    Raises StudyError for a file that is in use, damaged or something else, and where it cannot be written.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else named_path(path, "the file of a study", StudyError)
        if self.path is not None:
            _check_kind(self.path)
        self._known: Study | None = None
        """What was read, without the trials that were added since."""
        self._added: list[Trial] = []
        self._lock = contextlib.ExitStack()
        if self.path is not None:
            self._lock.enter_context(_locked(self.path))
        try:
            self._database = _opened(self.path)
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(sqlite3.Error):  # of a disk that is full: what is committed is there
            self._database.close()
        self._lock.close()

    @property
    def facts(self) -> dict[str, Any]:
        """What was noted when the study was begun; nothing of a new one."""
        with _explained(self.path):
            return _facts(self._database)

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Note what a new study is of: whatever JSON holds, by key."""
        rows = [(key, json.dumps(value)) for key, value in facts.items()]
        with _explained(self.path), self._database:
            self._database.executemany("INSERT INTO study VALUES (?, ?)", rows)

    def add(self, *trials: Trial) -> None:
        """Keep trials, all or none; when this returns, they are on the disk."""
        rows = [_row(trial) for trial in trials]
        with _explained(self.path), self._database:
            self._database.executemany(f"INSERT INTO trials ({_COLUMNS}, finished) VALUES ({_MARKS})", rows)
        if self._known is not None:
            self._added += [_trial(row[:-1]) for row in rows]  # as they will be read

    def study(self, *, interrupted: bool = False) -> Study:
        """All that is there. The file is read once: nobody else adds to it."""
        if self._known is None:
            with _explained(self.path):
                self._known = _study(self._database, self.path)
        if self._added:
            trials = sorted([*self._known.trials, *self._added], key=lambda trial: trial.number)
            self._known = replace(self._known, trials=tuple(trials))
            self._added.clear()
        return replace(self._known, interrupted=interrupted)


def read_study(path: str | Path) -> Study:
    """The study in a file, which may be growing just now. Raises StudyError for a file that holds none."""
    file = checked_file(path, "the file of a study", StudyError)
    with (
        _explained(file),
        contextlib.closing(_connection(file, "rw" if os.access(file, os.W_OK) else "ro")) as database,
    ):
        _check_ours(database, file)
        return _study(database, file)


def _check_kind(path: Path) -> None:
    """Raise StudyError for what is there and can hold no study, or cannot be there."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:  # ValueError: a NUL
        reason = getattr(error, "strerror", None) or error
        raise StudyError(f"{brief(str(path))}: it cannot be written ({reason}); name another file") from error
    if stat.S_ISDIR(mode):
        raise StudyError(f"{str(path)!r}: this is a folder; name a file in it, as sweep.db")
    if not stat.S_ISREG(mode):
        raise StudyError(f"{str(path)!r}: this is a device or a pipe; name a file, as sweep.db")


# -- the database ---------------------------------------------------------------------------------


def _connection(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_PATIENCE)


def _opened(path: Path | None) -> sqlite3.Connection:
    """The database of a study, made where there is none."""
    with _explained(path):
        if path is None:
            database = sqlite3.connect(":memory:")
            _make(database)
            return database
        database = _connection(path, "rwc")
        try:
            database.execute("PRAGMA journal_mode = DELETE")
            database.execute("PRAGMA synchronous = FULL")
            if _is_new(database):
                _make(database)
            _check_ours(database, path)
            _check_whole(database, path)
        except BaseException:
            database.close()
            raise
        return database


def _is_new(database: sqlite3.Connection) -> bool:
    """Whether it is an empty file, as one is that was killed before its first commit."""
    return not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _make(database: sqlite3.Connection) -> None:
    database.executescript(
        f"BEGIN; PRAGMA application_id = {_MARK}; PRAGMA user_version = {_FORMAT}; {_TABLES} COMMIT;"
    )


def _check_ours(database: sqlite3.Connection, path: Path) -> None:
    mark, version = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if mark != _MARK:
        if _is_new(database):
            raise StudyError(f"{path}: an empty file; a sweep that names it as its storage begins a study in it")
        raise StudyError(f"{path}: an SQLite database, but no study of hlsgen; name another file")
    if version != _FORMAT:
        raise StudyError(
            f"{path}: a study in format {version}, this hlsgen reads format {_FORMAT}; use the hlsgen that wrote it"
        )


def _check_whole(database: sqlite3.Connection, path: Path) -> None:
    found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StudyError(f"{path}: the database is damaged ({found}); restore it from a copy, or begin anew elsewhere")


def _facts(database: sqlite3.Connection) -> dict[str, Any]:
    """What was noted; nothing of a study that was not begun."""
    facts = {key: json.loads(value) for key, value in database.execute("SELECT key, value FROM study")}
    if facts:
        _check_kinds("the study", facts, _FACTS)
    return facts


def _study(database: sqlite3.Connection, path: Path | None) -> Study:
    facts = _facts(database)
    if not facts:  # killed before anything was noted
        raise StudyError(f"{path}: a study that was not begun yet, without trials; run the sweep again")
    goals, space = _goals(facts.pop("goals")), Space.of_json(facts.pop("space"))
    trials = tuple(_trial(row) for row in database.execute(f"SELECT {_COLUMNS} FROM trials ORDER BY number"))
    _check_trials(trials, goals, space)
    return Study(
        name=facts.pop("name"),
        goals=goals,
        space=space,
        trials=trials,
        seed=facts.pop("seed"),
        version=facts.pop("version"),
        samples=facts.pop("samples"),
        base=facts.pop("config"),
        facts=facts,
        path=path,
    )


def _trial(row: tuple[Any, ...]) -> Trial:
    number, state, point, values, reason, seconds, worker, seed, version, config = row
    outcome = Outcome(State(state), json.loads(values), reason, seconds, worker)
    plain = {"number": number, "reason": reason, "seconds": seconds, "worker": worker, "seed": seed, "version": version}
    _check_kinds("a trial", plain, _TRIAL)
    return Trial(number, json.loads(point), outcome, seed, version, json.loads(config))


def _goals(entries: Any) -> tuple[Goal, ...]:
    """Objectives as they were noted. Raises TypeError and ValueError for others."""
    goals = tuple(Goal(*entry) for entry in entries)
    for goal in goals:
        _check_kinds("an objective", vars(goal), {"name": str, "higher_is_better": bool, "unit": str})
    if not goals:
        raise ValueError("there are no objectives")
    return goals


_FACTS = {"name": str, "seed": int, "version": str, "samples": int, "config": dict}
_TRIAL = {"number": int, "reason": str, "seconds": float, "worker": str, "seed": int, "version": str}


def _check_kinds(whose: str, found: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """Raise ValueError for entries of other kinds than those that are written here."""
    for name, kind in kinds.items():
        if type(found[name]) is not kind or (kind is float and not isfinite(found[name])):
            raise ValueError(f"{name} of {whose} is {brief(found[name])}")


def _row(trial: Trial) -> tuple[Any, ...]:
    """The reverse of :func:`_trial`, and when it was finished."""
    outcome = trial.outcome
    return (
        trial.number,
        outcome.state.value,
        json.dumps(dict(trial.point)),
        json.dumps(dict(outcome.values)),
        outcome.reason,
        outcome.seconds,
        outcome.worker,
        trial.seed,
        trial.version,
        json.dumps(dict(trial.config)),
        datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def _check_trials(trials: tuple[Trial, ...], goals: tuple[Goal, ...], space: Space) -> None:
    """Raise ValueError for trials that were not written here: of no point of the space, or without numbers."""
    known = {axis.name: {repr(value) for value in axis.values} for axis in space.axes}
    names = {goal.name for goal in goals}
    for trial in trials:
        mappings = all(isinstance(each, dict) for each in (trial.point, trial.values, trial.config))
        if not mappings or any(repr(trial.point.get(name)) not in values for name, values in known.items()):
            raise ValueError(f"trial {trial.number} is of no point of its space")
        numbers = all(isinstance(value, float | int) and isfinite(value) for value in trial.values.values())
        if not numbers or (trial.is_done and names - trial.values.keys()):
            raise ValueError(f"trial {trial.number} lacks numbers of objectives")


@contextlib.contextmanager
def _explained(path: Path | None) -> Iterator[None]:
    """What SQLite and files complain of, in words that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StudyError(f"{path}: {_advice(error)}") from error
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StudyError(
            f"{path}: the study is damaged ({brief_line(str(error))}); restore it from a copy, or begin anew"
        ) from error


def _advice(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name == "SQLITE_NOTADB":
        return "this is no SQLite database, so no study of hlsgen; name another file"
    if name.startswith("SQLITE_CORRUPT"):
        return f"the database is damaged ({error}); restore it from a copy, or begin anew elsewhere"
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return f"it cannot be written ({error}); what is in it stays: make room, and run the sweep again to go on"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"another program keeps it locked ({error}); end that, and run the sweep again to go on"
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return f"it cannot be opened for writing ({error}); look at its rights and those of its folder"
    return f"it cannot be used ({error})"


# -- the lock -------------------------------------------------------------------------------------


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """While this process alone adds to a file. Raises StudyError if another does.

    POSIX locks of a file of their own: they end with the process, are not those of its children, and file systems of
    networks know them. Where there are none, none is taken.
    """
    lock = path.with_name(f"{path.name}.lock")
    while True:
        _check_not_held(path, lock)
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StudyError(
                f"{path}: it cannot be written ({reason}); name a file in a folder that is there and can be written to"
            ) from error
        status = os.fstat(descriptor)
        key = status.st_dev, status.st_ino
        if key in _HELD:  # and not closed, which would give up the lock that there is
            raise StudyError(_in_use(path, "this process"))
        try:
            _take(descriptor, path, lock)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(status, lock.stat()):  # else whoever had it has just removed it
                    break
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    key = status.st_dev, status.st_ino
    _HELD.add(key)
    try:
        yield
    finally:
        _HELD.discard(key)
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _check_not_held(path: Path, lock: Path) -> None:
    """Before the file is opened: to close it once more would give up the lock that this process has."""
    with contextlib.suppress(OSError, ValueError):
        status = lock.stat()
        if (status.st_dev, status.st_ino) in _HELD:
            raise StudyError(_in_use(path, "this process"))


def _take(descriptor: int, path: Path, lock: Path) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        with contextlib.suppress(OSError):
            raise StudyError(_in_use(path, lock.read_text(encoding="utf-8").strip() or "another process")) from error
        raise StudyError(_in_use(path, "another process")) from error
    except OSError:  # a file system without locks
        return
    with contextlib.suppress(OSError):  # of a full disk: nobody needs to know who it is
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)


def _in_use(path: Path, who: str) -> str:
    return f"{path}: {who} is adding trials to it just now; wait for that to end, or name another file"
