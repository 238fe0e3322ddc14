"""``python -m tests.fuzz``: what was found before, then new cases until the time is over.

``python -m tests.fuzz CASE.json ...`` tries stored cases again (``--here``: in this process, for a debugger). The exit
status is 1 if anything was found that is not known (``tests/fuzz/pending.toml``).
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.cases import DRAWN, Case, drawn
from tests.fuzz.findings import CORPUS, corpus, judged, load, pending, reason_for, simplest, store
from tests.fuzz.worker import Outcome, Workers, attempt

SHARES = {"type": 4, "configuration": 6, "file": 18, "network": 4, "keras": 2}
"""Of so many cases each kind has that many."""


def cases(seed: int, kinds: list[str]) -> Iterator[tuple[str, Case]]:
    """All cases of a seed, by the name under which each can be had again."""
    turn = [kind for kind in kinds for _ in range(SHARES[kind])]
    random.Random(0).shuffle(turn)
    numbers = Counter[str]()
    for i in count():
        kind = turn[i % len(turn)]
        yield f"{kind} {numbers[kind]}", drawn(kind, seed, numbers[kind])
        numbers[kind] += 1


@dataclass
class Run:
    """What was tried and found; used by several threads."""

    folder: Path
    counts: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    new: list[str] = field(default_factory=list)
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str, case: Case, outcome: Outcome) -> None:
        """Count an outcome; a finding that is new is simplified and stored, the first of each signature."""
        with self.lock:
            self.counts[outcome.what] += 1
            if not outcome.is_finding:
                return
            reason = reason_for(case, outcome)
            if reason is not None:
                self.known[reason] += 1
                return
            repeated = outcome.signature in self.seen
            self.seen.add(outcome.signature)
            self.new.append(f"{name}: {outcome}")
        if not repeated:
            path = store(simplest(case, outcome), outcome, self.folder)
            print(f"\n{name}: {outcome}\n  again: python -m tests.fuzz {path}", flush=True)


def fuzz(seed: int, seconds: float, processes: int, kinds: list[str], run: Run) -> None:
    stream, until, lock = cases(seed, kinds), time.monotonic() + seconds, threading.Lock()

    def work() -> None:
        with Workers() as worker:
            while time.monotonic() < until:
                with lock:
                    name, case = next(stream)
                run.take(name, case, worker.try_case(case))

    with ThreadPoolExecutor(processes) as pool:
        for done in [pool.submit(work) for _ in range(processes)]:
            done.result()


def replay(paths: list[Path], used: Counter[str], *, here: bool = False) -> int:
    """Try stored cases again; return how many became what they must not, count the reasons of those waited for."""
    bad, known = 0, pending()
    with Workers() as worker:
        for path in paths:
            entry = load(path if path.is_file() else CORPUS / path.name)
            with TemporaryDirectory() as folder:
                outcome = attempt(entry.case, Path(folder)) if here else worker.try_case(entry.case)
            reason, wrong = judged(entry, outcome, known)
            bad += bool(wrong)
            used.update([reason] if reason else [])
            print(f"{entry.name}: {wrong or outcome}" + (f"\n  known: {reason}" if reason else ""), flush=True)
            if here and outcome.details:
                print(outcome.details)
    return bad


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("cases", nargs="*", type=Path, help="stored cases to try again")
    options.add_argument("--here", action="store_true", help="try them in this process")
    options.add_argument("--seconds", type=float, default=60.0, help="for new cases (default: 60)")
    options.add_argument("--seed", type=int, default=None, help="of the cases (default: another each time, printed)")
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--kinds", nargs="+", choices=DRAWN, default=list(DRAWN))
    options.add_argument("--corpus", type=Path, default=CORPUS, help="where findings are stored")
    given = options.parse_args()
    if given.cases:
        return int(replay(given.cases, Counter(), here=given.here) > 0)
    seed = time.time_ns() % 10**9 if given.seed is None else given.seed
    run = Run(given.corpus)
    bad = replay([entry.path for entry in corpus()], run.known)
    print(f"\nnew cases of seed {seed} for {given.seconds:g} s", flush=True)
    fuzz(seed, given.seconds, given.processes, given.kinds, run)
    report(run)
    return int(bad > 0 or bool(run.new))


def report(run: Run) -> None:
    print(f"\n{run.counts.total()} new cases: " + ", ".join(f"{n} {what}" for what, n in run.counts.most_common()))
    for known in pending():
        print(f"  {run.known[known.reason] or 'no'} known: {known.reason}")
    if run.new:
        print(f"  {len(run.new)} new:\n    " + "\n    ".join(line[:300] for line in sorted(run.new)[:40]))


if __name__ == "__main__":
    sys.exit(main())
