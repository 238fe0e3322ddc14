"""The harness finds what it is there to find: faults are planted, and each is told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ModelError
from hlsgen.ir.types import FixedType
from tests.fuzz import exact
from tests.fuzz.cases import WrongError, case_of, drawn
from tests.fuzz.cases.base import shorter
from tests.fuzz.cases.files import FileCase, RawCase
from tests.fuzz.cases.networks import NetworkCase
from tests.fuzz.cases.planted import PlantedCase
from tests.fuzz.cases.types import TypeCase
from tests.fuzz.damage.base import Damage
from tests.fuzz.findings import Pending, load, simplest, store
from tests.fuzz.worker import Outcome, Worker, attempt, place_in

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


def test_what_is_pending_covers_what_it_names():
    known = Pending("it is being repaired", kind="planted", error="Key*", place="hlsgen/config.py:*")
    outcome = Outcome("foreign exception", "KeyError", place="hlsgen/config.py:load")
    assert known.covers(PlantedCase("foreign"), outcome)
    assert not known.covers(TypeCase("x"), outcome)
    assert not known.covers(PlantedCase("foreign"), replace(outcome, error="ValueError"))


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
