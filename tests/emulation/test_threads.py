"""One project used by several threads at once: every call has its own results and its own counts."""

from __future__ import annotations

import os
import threading
import warnings

import numpy as np
import pytest

from hlsgen.project import ClippedInputWarning, Project
from tests.passes.builders import Net, project_of


@pytest.fixture(scope="module")
def project():
    net = Net(4)
    net.dense("fc", net.input((3,)), 3, 2)
    made = project_of(net.source("fc"), input_precision="fixed<8,4,RND,SAT>")
    made.compile()
    return made


def with_outliers(count: int) -> np.ndarray:
    x = np.zeros((100, 3), dtype=np.float32)
    x.flat[:count] = 99
    return x


def in_threads(work, arguments) -> None:
    """Run work(argument) for each argument, all at once; raise what one of them raises."""
    failures: list[BaseException] = []

    def guarded(argument) -> None:
        try:
            work(argument)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(a,)) for a in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_every_call_warns_of_its_own_inputs(project, monkeypatch):
    """All threads have run before the first of them warns: a count kept on the project would be another's."""
    outliers = [0, 1, 7, 250]
    everyone = threading.Barrier(len(outliers), timeout=60)
    said: dict[int, list[str]] = {}
    real = Project._warn

    def late(self, *arguments) -> None:
        everyone.wait()
        real(self, *arguments)

    monkeypatch.setattr(Project, "_warn", late)
    monkeypatch.setattr(
        "hlsgen.project.warnings.warn", lambda text, *_, **__: said.setdefault(threading.get_ident(), []).append(text)
    )
    found: dict[int, list[str]] = {}

    def work(count: int) -> None:
        project.predict(with_outliers(count))
        found[count] = said.get(threading.get_ident(), [])

    in_threads(work, outliers)
    assert found.pop(0) == []
    assert {count: len(texts) for count, texts in found.items()} == {1: 1, 7: 1, 250: 1}
    for count, (text,) in found.items():
        assert text.startswith(f"input 'x': {count} of 300 values are outside of")


def test_counts_and_results_of_many_calls_at_once(project):
    def work(count: int) -> None:
        x = with_outliers(count)
        expected = project.evaluate(x, raw=True)["fc"]
        for i in range(100):
            (result,), clipped = project.emulator.run_and_count([x], raw=True, threads=1 + i % 2)
            assert clipped == [count]
            np.testing.assert_array_equal(result, expected)

    in_threads(work, [0, 1, 7, 250])


def test_the_warning_names_the_input_and_the_type(project):
    with pytest.warns(ClippedInputWarning, match=r"input 'x': 7 of 300 values are outside of fixed<8,4,RND,SAT>"):
        project.predict(with_outliers(7))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        project.predict(with_outliers(0))


@pytest.mark.parametrize(("given", "expected"), [(None, 3), (2, 2)])
def test_threads_are_as_many_as_processors_may_be_used(project, monkeypatch, given, expected) -> None:
    """Not as many as the machine has: a batch system or taskset may leave only some of them."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 8}, raising=False)
    used: list[int] = []

    class Instance:
        def predict(self, inputs, threads, raw, report=None):
            used.append(threads)
            return real.predict(inputs, threads, raw, report)

    real = project.emulator._instance
    monkeypatch.setattr(project.emulator, "_instance", Instance())
    x = with_outliers(0)
    np.testing.assert_array_equal(project.predict(x, threads=given), project.predict(x, threads=1))
    assert used == [expected, 1]
