"""Settings of every test: which Keras, where compiled designs go, which tests are slow."""

from __future__ import annotations

import importlib.metadata
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import sanitized, selection

settings.register_profile("seeded", derandomize=True, deadline=None)  # the same examples on every machine
settings.load_profile("seeded")

if not any(d.name == "qkeras-v3" for d in importlib.metadata.distributions()):
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # for QKeras 0.9.0; `import keras` is Keras 3 all the same
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")
    parser.addoption("--sanitize", action="store_true", help="build what the ladder runs with sanitizers")


def pytest_configure(config: pytest.Config) -> None:
    sanitized.enabled = config.getoption("--sanitize")
    selection.slow = config.getoption("--slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        _check_name(item)
    if config.getoption("--slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow; run with --slow"))


def _check_name(item: pytest.Item) -> None:
    """Raise UsageError for a name with a set in it: each process spells it in another order, and shares no tests then."""
    given = getattr(item, "callspec", None)
    for value in () if given is None else given.params.values():
        if isinstance(value, set | frozenset) and len(value) > 1 and str(value) in item.name:
            raise pytest.UsageError(f"{item.nodeid}: give it a name that has an order (ids=)")


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of compiled designs for the session, shared by its workers; one that was given is kept."""
    given = os.environ.get("HLSGEN_CACHE")
    if given:
        return Path(given)
    base = tmp_path_factory.getbasetemp()
    workers = "PYTEST_XDIST_WORKER" in os.environ
    folder = (base.parent if workers else base) / "hlsgen_cache"
    folder.mkdir(mode=0o700, exist_ok=True)
    os.environ["HLSGEN_CACHE"] = str(folder)
    return folder


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, as at a terminal; a shell's background jobs ignore it."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def examples(repository: Path) -> Path:
    return repository / "example-models"
