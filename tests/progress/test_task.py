"""Tasks: who is told what, and that nobody pays for what nobody looks at."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

import hlsgen
from hlsgen import progress
from hlsgen.errors import InputError
from hlsgen.progress import visibility, watcher
from hlsgen.progress.rows import Row, duration


class Screen:
    """A display that keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[list[tuple[str, int | None, int, str]]] = []
        self.closed = 0

    def show(self, rows: Sequence[Row]) -> None:
        self.shown.append([(row.what, row.total, row.done, row.detail) for row in rows])

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """Somebody looks; rows are shown when the test says so, by :func:`refresh`."""
    screen = Screen()
    monkeypatch.setattr(progress, "visible", lambda: True)
    monkeypatch.setattr(watcher, "SHOWN_AFTER", 0.0)
    monkeypatch.setattr(watcher, "_PERIOD", 3600.0)
    monkeypatch.setattr(watcher, "_new_display", lambda: screen)
    monkeypatch.setattr(progress, "WATCHER", watcher.Watcher())
    yield screen


def refresh() -> None:
    progress.WATCHER._refresh()


def test_rows_follow_their_tasks(looking: Screen) -> None:
    with progress.task("sweeping", total=3) as sweep:
        with progress.task("converting"):
            progress.say("fuse_batchnorm")
            refresh()
        sweep.advance()
        sweep.advance(2)
        sweep.say("last")
        refresh()
    assert looking.shown[0] == [("sweeping", 3, 0, ""), ("converting", None, 0, "fuse_batchnorm")]
    assert looking.shown[-1] == [("sweeping", 3, 3, "last")]
    assert looking.closed == 1


def test_a_task_of_the_same_name_is_the_one_around_it(looking: Screen) -> None:
    with progress.task("predicting"), progress.task("predicting", total=10) as inner:
        inner.reached(4)
        inner.advance()
        inner.say("half")
        refresh()
    assert looking.shown == [[("predicting", 10, 5, "half")]]
    assert looking.closed == 1


def test_what_is_said_outside_of_tasks(looking: Screen) -> None:
    progress.say("nobody")
    with progress.task("one"):
        pass
    progress.say("nobody")
    assert looking.shown == []


def test_tasks_of_other_threads(looking: Screen) -> None:
    """They are rows of their own; what a thread says is about its own task."""
    with progress.task("outer", total=800) as outer:

        def work() -> None:
            progress.say("lost")
            with progress.task("outer"):
                progress.say("theirs")
                refresh()
            for _ in range(100):
                outer.advance()

        first = threading.Thread(target=work)
        first.start()
        first.join()
        others = [threading.Thread(target=work) for _ in range(7)]
        for thread in others:
            thread.start()
        for thread in others:
            thread.join()
        refresh()
    assert looking.shown[0] == [("outer", 800, 0, ""), ("outer", None, 0, "theirs")]
    assert looking.shown[-1] == [("outer", 800, 800, "")]


def test_an_exception_closes_what_was_open_within(looking: Screen) -> None:
    with pytest.raises(KeyboardInterrupt), progress.task("outer"):
        inner = progress.task("inner")
        inner.__enter__()  # an interrupt may come before the block is entered, and then nothing ends it
        raise KeyboardInterrupt
    with progress.task("next"):
        progress.say("mine")
        refresh()
    assert ("next", None, 0, "mine") in looking.shown[-1]


def test_a_display_that_fails_ends_no_work(looking: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(rows: Sequence[Row]) -> None:
        raise OSError("gone")

    monkeypatch.setattr(looking, "show", fail)
    with progress.task("one"):
        refresh()
        refresh()
    assert looking.closed == 0


def test_beside_what_is_shown(looking: Screen) -> None:
    with progress.task("one"):
        refresh()
        with progress.aside():
            assert looking.closed == 1
        refresh()
        assert len(looking.shown) == 2
    assert looking.closed == 2


def test_a_large_batch_says_how_far_it_is(looking: Screen, hls_project: type[hlsgen.Project]) -> None:
    project = hls_project("example-models/mnist_cnn_bn/model.keras")
    sample = np.zeros((1, *project.design.inputs[0].shape), np.float32)
    told: list[int] = []
    many = np.broadcast_to(sample, (400_000, *sample.shape[1:]))  # a second or more on one processor
    project.emulator._instance.predict([many], 1, False, told.append)
    assert told == sorted(told) and told[0] > 0 and told[-1] <= len(many)
    assert len(set(told)) == len(told)


def test_predict_tells_the_number_of_samples(looking: Screen, hls_project: type[hlsgen.Project]) -> None:
    project = hls_project("example-models/xor_mlp/model.keras")
    with progress.task("predicting"):
        project.predict(np.zeros((100, *project.design.inputs[0].shape)))
        refresh()
        assert looking.shown[-1] == [("predicting", 100, 0, "")]


def test_nobody_looks_in_tests() -> None:
    assert not progress.visible()
    assert progress.task("one") is progress.task("two")


def test_the_log_says_how_long(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hlsgen"):
        with progress.task("loud"):
            progress.say("something")
        with progress.task("quiet", level=logging.DEBUG):
            pass
        with pytest.raises(ValueError), progress.task("failing"):
            raise ValueError
    said = [record.getMessage() for record in caplog.records]
    assert [text.partition(":")[0] for text in said] == ["loud", "failing"]
    assert said[1].endswith(" s (ended by ValueError)")


def test_quiet_work_imports_no_display() -> None:
    code = """
import sys, hlsgen
from hlsgen.progress import task
with task("one"): pass
hlsgen.convert("example-models/xor_mlp/model.keras").design
assert not {name for name in sys.modules if name.partition(".")[0] in ("rich", "IPython", "ipywidgets")}
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)


def test_show_progress_takes_a_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visibility._SETTING, "wanted", True)
    with pytest.raises(InputError, match=r"show_progress\(\): found 'off', expected True or False"):
        hlsgen.show_progress("off")  # type: ignore[arg-type]
    hlsgen.show_progress(False)
    assert not visibility._SETTING.wanted


def test_durations() -> None:
    assert [duration(s) for s in (0.04, 59.94, 60, 3599, 3600, 36061)] == [
        "0.0 s",
        "59.9 s",
        "1:00 min",
        "59:59 min",
        "1:00:00 h",
        "10:01:01 h",
    ]
    row = Row("sweep", total=4, began=0.0)
    assert row.left is None
    row.done = 3
    assert row.left == pytest.approx(row.seconds / 3, rel=0.1)
    row.done = 5  # more than was said
    assert row.left is None and row.figures.startswith("5/4, ")
