"""A minute of fuzzing in every run: what was found before, then the first cases of one seed, the same every time.

More, with other seeds: ``make fuzz``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.fuzz.cases import DRAWN, Case, drawn
from tests.fuzz.cases.networks import NetworkCase
from tests.fuzz.findings import Entry, corpus, judged, pending, reason_for
from tests.fuzz.worker import Outcome, Workers

SEED = 20
PARTS = {
    "type": [range(200)],
    "configuration": [range(100)],
    "file": [range(220), range(220, 440)],
    "network": [range(30), range(30, 60)],
    "keras": [range(8)],
}
"""The cases of each test, such that all together take about a minute of processor time."""


@pytest.fixture(scope="module")
def worker() -> Iterator[Workers]:
    with Workers() as made:
        yield made


def explained(name: str, case: Case, outcome: Outcome) -> str:
    return f"{name}: {outcome}\n{outcome.details[-2000:]}\n{json.dumps(case.to_json())[:5000]}"


@pytest.mark.parametrize("entry", corpus(), ids=lambda entry: entry.name)
def test_what_was_found_before(entry: Entry, worker: Workers) -> None:
    outcome = worker.try_case(entry.case)
    reason, wrong = judged(entry, outcome, pending())
    assert not wrong, f"{wrong}\n{explained(entry.name, entry.case, outcome)}"
    if reason is not None:
        pytest.xfail(reason)


def test_what_is_pending_has_a_case() -> None:
    assert {known.case for known in pending()} <= {entry.name for entry in corpus()}


@pytest.mark.parametrize(
    "kind,numbers",
    [(k, part) for k, parts in PARTS.items() for part in parts],
    ids=lambda v: v if isinstance(v, str) else f"{v[0]}",
)
def test_nothing_new(kind: str, numbers: range, worker: Workers) -> None:
    new, seen = [], set()
    for number in numbers:
        case = drawn(kind, SEED, number)
        outcome = worker.try_case(case)
        seen.add(outcome.what)
        if outcome.is_finding and reason_for(case, outcome) is None:
            new.append(explained(f"{kind} {number} of seed {SEED}", case, outcome))
    assert not new, "\n\n".join(new)
    assert "right" in seen, "nothing at all was accepted"
    assert "refused" in seen or kind in ("network", "keras"), "nothing at all was refused"


@pytest.mark.parametrize("number", [1, 4])
def test_the_vendor_agrees(number: int, worker: Workers) -> None:
    case = drawn("network", SEED, number)
    assert isinstance(case, NetworkCase)
    checked = replace(case, vendor=True)
    outcome = worker.try_case(checked)
    if outcome.is_finding and reason_for(checked, outcome) is None:
        pytest.fail(explained(f"network {number}", checked, outcome))


def test_every_kind_is_tried() -> None:
    assert set(PARTS) == set(DRAWN)
