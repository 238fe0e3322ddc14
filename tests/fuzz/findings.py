"""Findings: made as simple as they get, stored as files, and those that are known and wait for their repair."""

from __future__ import annotations

import hashlib
import json
import re
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.cases import Case, case_of
from tests.fuzz.cases.files import FileCase, RawCase, has_bytes
from tests.fuzz.worker import Outcome, Workers

CORPUS = Path(__file__).parent / "corpus"
PENDING = Path(__file__).parent / "pending.toml"


# -- simpler ---------------------------------------------------------------------------------------


_HANGS = 5.0
"""Seconds after which a simpler case is taken to hang, too; the last one is given all its time."""


def simplest(case: Case, outcome: Outcome, seconds: float = 30.0) -> Case:
    """The simplest case found in some ``seconds`` of which the same becomes."""
    until = time.monotonic() + seconds
    found: Case | None = case
    simpler = case
    with Workers(seconds=_HANGS if outcome.what == "hang" else None) as worker:
        while found is not None:
            simpler = found
            found = next((one for one in _until(simpler.simpler(), until) if _same(one, outcome, worker)), None)
        simpler = _as_bytes(simpler, outcome, worker)
    with Workers() as worker:
        return simpler if _same(simpler, outcome, worker) else case


def _until(cases: Iterator[Case], until: float) -> Iterator[Case]:
    for case in cases:
        if time.monotonic() > until:
            return
        yield case


def _same(case: Case, outcome: Outcome, worker: Workers) -> bool:
    return worker.try_case(case).signature == outcome.signature


def _as_bytes(case: Case, outcome: Outcome, worker: Workers) -> Case:
    """The very bytes, where a damage depends on where another version of a library would put them."""
    if not isinstance(case, FileCase) or not has_bytes(case.damages) or case.layout.startswith("json"):
        return case
    with TemporaryDirectory() as folder:
        raw = RawCase.of(case.prepare(Path(folder))[0])
    return raw if _same(raw, outcome, worker) else case


# -- stored ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A stored case, and what was once found with it."""

    path: Path
    case: Case
    found: str

    @property
    def name(self) -> str:
        return self.path.stem


def corpus(folder: Path = CORPUS) -> list[Entry]:
    return [load(path) for path in sorted(folder.glob("*.json"))]


def load(path: Path) -> Entry:
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Entry(path, case_of(json.dumps(stored["case"])), stored["found"])


def store(case: Case, outcome: Outcome, folder: Path = CORPUS) -> Path:
    """Write a finding, with how to try it again; two findings of one case are one file."""
    fields = case.to_json()
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:8]
    words = "_".join(filter(None, (case.kind, outcome.what, outcome.error, outcome.place.rpartition("/")[2])))
    path = folder / f"{re.sub(r'[^a-z0-9]+', '_', words.lower()).strip('_')}_{digest}.json"
    stored = {"found": str(outcome), "again": f"python -m tests.fuzz {path.name}", "case": fields}
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in stored.items())
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    return path


# -- known -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pending:
    """A stored case that waits for its repair, and what becomes of it meanwhile (see ``pending.toml``)."""

    reason: str
    case: str
    """Its name in the corpus."""
    what: str
    error: str = ""
    place: str = ""

    def covers(self, case: Case, outcome: Outcome, folder: Path = CORPUS) -> bool:
        """Whether a finding is this one: that of the stored case, or one that ends the same at the same place.

        What has no place, as a wrong result has none, has nothing by which two of one cause could be told.
        """
        stored = load(folder / f"{self.case}.json").case
        is_alike = case.kind == stored.kind and bool(self.place)
        return outcome.signature == (self.what, self.error, self.place) and (is_alike or case == stored)


def pending(path: Path = PENDING) -> list[Pending]:
    return [Pending(**found) for found in tomllib.loads(path.read_text(encoding="utf-8")).get("pending", [])]


def reason_for(case: Case, outcome: Outcome) -> str | None:
    """Why a finding is no news; None if it is."""
    return next((known.reason for known in pending() if known.covers(case, outcome)), None)


def judged(entry: Entry, outcome: Outcome, known: Sequence[Pending], folder: Path = CORPUS) -> tuple[str | None, str]:
    """Of a stored case: why it is waited for, and what is wrong with what became of it ('' if nothing is)."""
    waited = next((one for one in known if one.case == entry.name), None)
    if waited is None:
        return None, str(outcome) if outcome.is_finding else ""
    if waited.covers(entry.case, outcome, folder):
        return waited.reason, ""
    return None, f"{outcome}: not what pending.toml says of it; take the entry out if it is repaired"
