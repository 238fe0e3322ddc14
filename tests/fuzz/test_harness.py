"""The harness finds what it is there to find: faults are planted, and each is told apart."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ModelError
from hlsgen.ir.types import FixedType
from tests.fuzz import exact
from tests.fuzz.cases import Case, WrongError, case_of, drawn
from tests.fuzz.cases.base import shorter
from tests.fuzz.cases.files import FileCase, RawCase
from tests.fuzz.cases.networks import NetworkCase
from tests.fuzz.cases.planted import PlantedCase
from tests.fuzz.cases.types import TypeCase
from tests.fuzz.damage.base import Damage
from tests.fuzz.findings import PENDING, Pending, corpus, judged, load, pending, simplest, store
from tests.fuzz.worker import Outcome, Worker, attempt, below, place_in, state_of

FAULTS = {
    "none": ("right", ""),
    "refused": ("refused", ""),
    "silent": ("wrong", "silent"),
    "tool": ("wrong", "ToolError"),
    "wrong": ("wrong", "planted"),
    "code": ("wrong", "code"),
    "foreign": ("foreign exception", "KeyError"),
    "memory": ("foreign exception", "MemoryError"),
    "hang": ("hang", ""),
    "crash": ("crash", "SIGSEGV"),
    "exit": ("crash", "exit status 3"),
    "unprepared": ("case", ""),
}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(seconds=2) as made:
        yield made


def test_faults_are_told_apart(worker):
    """One after the other: none leaves the next one anything."""
    outcomes = {fault: worker.try_case(PlantedCase(fault)) for fault in FAULTS}
    assert {fault: (found.what, found.error) for fault, found in outcomes.items()} == FAULTS
    assert {fault for fault, found in outcomes.items() if not found.is_finding} == {"none", "refused"}
    assert "planted.py" in outcomes["hang"].details, "it says where it was"


def test_a_case_that_waits_beside_an_idle_helper_hangs_and_both_end(monkeypatch):
    waited, real = [], Worker._answer

    def answer(worker: Worker, seconds: float) -> object:
        waited.append(seconds)
        return real(worker, seconds)

    monkeypatch.setattr(Worker, "_answer", answer)
    with Worker(seconds=0.5) as worker:
        assert worker.try_case(PlantedCase("idle helper")).what == "hang"
    assert waited[1:] == [0.5], "it is given no more time, for it would not use it"
    assert not any("3599.25" in line for line in command_lines())


def test_all_that_wants_a_processor_below_a_process_counts():
    """The compiler works, and its driver waits for it."""
    driver = subprocess.Popen(["sh", "-c", "sh -c 'while :; do :; done' & wait"], start_new_session=True)
    try:
        until = time.monotonic() + 20
        while sum(state_of(number)[1] for number in below(driver.pid)) < 0.05 and time.monotonic() < until:
            time.sleep(0.01)
        (busy,) = below(driver.pid)
        assert state_of(busy)[0] == "R" and state_of(driver.pid)[0] == "S"
    finally:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
    assert state_of(driver.pid) == ("X", 0.0) and below(driver.pid) == []


def command_lines() -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield (process / "cmdline").read_text()


def test_the_innermost_function_of_the_program_is_the_place():
    text = 'File "/a/hlsgen/config.py", line 3, in load\n  x\nFile "/b/hlsgen/ir/types.py", line 4, in parse\n'
    assert place_in(text) == "hlsgen/ir/types.py:parse"
    assert place_in("nothing") == ""


# -- findings --------------------------------------------------------------------------------------


def test_a_finding_is_made_simpler():
    outcome = Outcome("wrong", "planted")
    assert simplest(PlantedCase("wrong", (1, 2, 3)), outcome).noise == ()


def test_a_finding_is_stored_and_read_again(tmp_path):
    case, outcome = (
        PlantedCase("foreign", (1,)),
        Outcome("foreign exception", "KeyError", place="hlsgen/config.py:load"),
    )
    path = store(case, outcome, tmp_path)
    assert path == store(case, outcome, tmp_path) and len(list(tmp_path.iterdir())) == 1
    entry = load(path)
    assert entry.case == case and "KeyError" in entry.found and "planted_foreign_exception_keyerror" in entry.name


@pytest.mark.parametrize("kind", ["type", "configuration", "file", "network"])
def test_cases_are_the_same_whenever_they_are_drawn(kind):
    for number in range(3):
        text = json.dumps(drawn(kind, 5, number).to_json())
        assert text == json.dumps(drawn(kind, 5, number).to_json()) == json.dumps(case_of(text).to_json())
        assert text != json.dumps(drawn(kind, 6, number).to_json())


@pytest.fixture
def waiting(tmp_path: Path) -> Callable[[Case, Outcome], Pending]:
    """What is pending, of a case that is stored."""

    def make(case: Case, outcome: Outcome) -> Pending:
        return Pending("it is being repaired", store(case, outcome, tmp_path).stem, *outcome.signature)

    return make


def test_what_is_pending_covers_what_ends_the_same_at_the_same_place(waiting, tmp_path):
    outcome = Outcome("foreign exception", "KeyError", place="hlsgen/config.py:load")
    known = waiting(PlantedCase("foreign"), outcome)
    assert known.covers(PlantedCase("foreign"), outcome, tmp_path)
    assert known.covers(PlantedCase("another"), outcome, tmp_path)
    assert not known.covers(TypeCase("x"), outcome, tmp_path)
    for changed in ({"what": "wrong"}, {"error": "ValueError"}, {"place": "hlsgen/config.py:other"}, {"place": ""}):
        assert not known.covers(PlantedCase("foreign"), replace(outcome, **changed), tmp_path)


def test_a_wrong_result_that_is_pending_hides_no_other(waiting, tmp_path):
    outcome = Outcome("wrong", "arithmetic", "differs")
    known = waiting(PlantedCase("wrong", (1,)), outcome)
    assert known.covers(PlantedCase("wrong", (1,)), outcome, tmp_path)
    assert not known.covers(PlantedCase("wrong", (2,)), outcome, tmp_path)


def test_a_stored_case_has_to_become_what_is_said_of_it(waiting, tmp_path):
    """Nothing if nothing is said; the finding that is pending, for as long as it is."""
    outcome = Outcome("hang", place="hlsgen/config.py")
    known = waiting(PlantedCase("hang"), outcome)
    entry, other = load(tmp_path / f"{known.case}.json"), Outcome("crash", "SIGSEGV")
    assert judged(entry, outcome, [known], tmp_path) == ("it is being repaired", "")
    for changed in (Outcome("right"), Outcome("refused"), other):
        reason, wrong = judged(entry, changed, [known], tmp_path)
        assert reason is None and "take the entry out" in wrong
    assert judged(entry, Outcome("refused"), [], tmp_path) == (None, "")
    assert judged(entry, other, [], tmp_path) == (None, str(other))


def test_what_is_pending_is_read(tmp_path):
    """The example in the file's head is one."""
    example = PENDING.read_text(encoding="utf-8").partition("# [[pending]]")
    (tmp_path / "p.toml").write_text("".join(example[1:]).replace("# ", ""), encoding="utf-8")
    (found,) = pending(tmp_path / "p.toml")
    assert found.case in {entry.name for entry in corpus()} and found.what == "hang"


def test_every_branch_is_left_out_once():
    assert list(shorter({"a": [1, 2], "b": {}})) == [{"b": {}}, {"a": [1, 2]}, {"a": [2], "b": {}}, {"a": [1], "b": {}}]


# -- properties can fail ---------------------------------------------------------------------------


def tried(case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    monkeypatch.chdir(tmp_path)
    return attempt(case, tmp_path)


def sound_file() -> FileCase:
    cases = (drawn("file", 1, i) for i in range(400))
    return replace(
        next(c for c in cases if isinstance(c, FileCase) and "kernel" in str(c.model)), damages=(), refused=False
    )


def test_a_sound_file_that_is_refused_is_a_finding(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise ModelError("planted")

    assert tried(sound_file(), tmp_path, monkeypatch).what == "right"
    monkeypatch.setattr(hlsgen, "convert", refuse)
    (tmp_path / "again").mkdir()
    assert tried(sound_file(), tmp_path / "again", monkeypatch).error == "refused"


def test_what_a_refusal_leaves_behind_is_a_finding(tmp_path, monkeypatch):
    def leave(*_: object, **__: object) -> None:
        (tmp_path / "half").write_text("x")
        raise ModelError("planted")

    monkeypatch.setattr(hlsgen, "convert", leave)
    damaged = replace(sound_file(), damages=(Damage("twice"),))
    assert tried(damaged, tmp_path, monkeypatch).error == "left behind"


def test_an_accepted_weight_of_another_shape_is_a_finding(tmp_path, monkeypatch):
    shaped = next(c for c in (drawn("file", 1, i) for i in range(400)) if isinstance(c, FileCase) and c.refused)
    assert tried(shaped, tmp_path, monkeypatch).what == "refused"
    (tmp_path / "again").mkdir()
    harmless = replace(shaped, damages=(Damage("attribute", ("/", "something", 1)),), emulate=False)
    assert tried(harmless, tmp_path / "again", monkeypatch).error == "shape"


def test_a_wrong_cast_is_a_finding(tmp_path, monkeypatch):
    case = TypeCase("fixed<8,3>", "fixed<8,3>", ((1234, 9),))
    assert tried(case, tmp_path, monkeypatch).what == "right"
    monkeypatch.setattr(FixedType, "cast", lambda self, mantissas, frac: np.asarray(mantissas))
    assert tried(case, tmp_path, monkeypatch).error == "cast"


def test_wrong_arithmetic_is_a_finding(tmp_path, monkeypatch):
    found = (drawn("network", 1, i) for i in range(100))
    case = next(c for c in found if isinstance(c, NetworkCase) and c.exact and "Dense" in str(c.model))
    case = replace(case, emulate=False)
    before = tried(case, tmp_path, monkeypatch)
    monkeypatch.setitem(exact.MEANINGS, "Dense", lambda layer: exact.Value(exact._dense(layer).mantissas + 1, 0))
    assert before.error != "arithmetic" and tried(case, tmp_path, monkeypatch).error == "arithmetic"


def test_a_raw_file_holds_every_byte(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(bytes(range(256)))
    (tmp_path / "again").mkdir()
    again = RawCase.of(path).prepare(tmp_path / "again")[0]
    assert again.read_bytes() == path.read_bytes()


def test_a_case_that_is_none_says_so():
    with pytest.raises(WrongError, match="is wrong"):
        PlantedCase("wrong").check(None, Path())
