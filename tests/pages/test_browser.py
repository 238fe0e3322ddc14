"""The report in a real browser: what a person sees and does, by mouse and by keyboard, on a screen and on paper."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hlsgen.pages.page import html
from tests.pages.conftest import Shown
from tests.pages.content import page_of, two_hundred_layers
from tests.pages.models import project, samples

Show = Callable[..., Shown]
FAULTY = {"layers": {"fc2": {"precision": {"result": "fixed<8,2,RND,SAT>"}}}}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a design of which a layer saturates."""
    file = tmp_path_factory.mktemp("pages") / "faulty.html"
    return project(config=FAULTY).report(file, samples())


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of every kind of thing that a page can show."""
    file = tmp_path_factory.mktemp("pages") / "content.html"
    file.write_text(html(page_of()), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pages") / "long.html"
    file.write_text(html(two_hundred_layers()), encoding="utf-8")
    return file


# -- what is seen at once ------------------------------------------------------------------------


def test_the_fault_is_seen_at_once(show: Show, faulty: Path) -> None:
    shown = show(faulty)
    first = shown.page.locator(".remark").first
    assert first.get_attribute("class") == "remark fault"
    assert "fc2" in first.inner_text() and "saturat" in first.inner_text() and "layers:" in first.inner_text()
    box = first.bounding_box()
    assert box["y"] + box["height"] < 900, "without scrolling"
    marked = shown.page.locator("#drawing .layer:has(.badge_fault)")
    assert [one.get_attribute("aria-label").partition(",")[0] for one in marked.all()] == ["fc2"]
    assert shown.text("#detail h3") == "fc2"
    shown.screenshot("faulty")


def test_a_fault_its_numbers_and_its_cure(show: Show, content: Path) -> None:
    shown = show(content)
    assert shown.text(".verdict").startswith("1 fault found")
    fault = shown.page.locator(".remark").first
    assert fault.get_attribute("class") == "remark fault"
    assert "saturates" in fault.inner_text() and "needs ±11.2" in fault.inner_text()
    assert shown.page.locator(".layer:has(.badge_fault)").count() == 1
    order = [one.text_content() for one in shown.page.locator(".remark .tag").all()]
    assert order == ["fault", "warning", "note"]
    shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    fault.get_by_role("button", name="Copy").click()
    shown.page.wait_for_function("document.querySelector('.copy').textContent === 'Copied'")
    assert shown.page.evaluate("navigator.clipboard.readText()") == page_of().remarks[0].fix


# -- the graph -----------------------------------------------------------------------------------


def test_a_click_shows_a_layer(show: Show, faulty: Path) -> None:
    shown = show(faulty)
    shown.page.locator(".layer", has_text="fc1").click()
    assert shown.text("#detail h3") == "fc1"
    assert shown.page.locator(".layer.chosen").get_attribute("data-layer") == "1"
    detail = shown.text("#detail")
    for wanted in (
        "outside of the type",
        "zeros",
        "strategy",
        "multiplications",
        "layer 'fc1' (Gemm)",
        "hlsgen::dense<",
    ):
        assert wanted in detail, wanted
    assert shown.page.locator("#detail canvas").count() >= 2
    assert shown.page.url.endswith("#layer-1")
    shown.page.reload()
    assert shown.text("#detail h3") == "fc1", "the address leads to it again"
    shown.asked.clear()
    shown.asked.append(faulty.as_uri())


def test_tab_and_enter_show_a_layer(show: Show, faulty: Path) -> None:
    shown = show(faulty)
    shown.page.focus("#canvas")
    seen = []
    for _ in range(3):
        shown.page.keyboard.press("Tab")
        shown.page.keyboard.press("Enter")
        seen.append(shown.text("#detail h3"))
    assert seen == ["x", "fc1", "relu0"]
    shown.page.keyboard.press("Shift+Tab")
    shown.page.keyboard.press(" ")
    assert shown.text("#detail h3") == "fc1"


def test_the_next_layer_by_button_and_by_list(show: Show, faulty: Path) -> None:
    shown = show(faulty)
    shown.page.select_option("#choose", label="x")
    assert shown.page.get_by_role("button", name="Previous layer").is_disabled()
    names = ["x"]
    while shown.page.get_by_role("button", name="Next layer").is_enabled():
        shown.page.get_by_role("button", name="Next layer").click()
        names.append(shown.text("#detail h3"))
    assert names == ["x", "fc1", "relu0", "fc2", "relu1", "scores"]
    assert shown.page.evaluate("document.activeElement.ariaLabel") == "Previous layer"


def test_zoom_by_keys_buttons_and_wheel(show: Show, faulty: Path) -> None:
    shown = show(faulty)
    shown.page.focus("#canvas")
    shown.page.keyboard.press("0")
    whole = shown.view()
    shown.page.keyboard.press("+")
    closer = shown.view()
    assert closer[2] == pytest.approx(whole[2] * 0.8, rel=1e-3)
    shown.page.keyboard.press("-")
    assert shown.view()[2] == pytest.approx(whole[2], rel=1e-3)
    shown.page.click("#zoom-in")
    shown.page.click("#zoom-in")
    assert shown.view()[2] == pytest.approx(whole[2] * 0.64, rel=1e-3)
    shown.page.click("#zoom-out")
    shown.page.click("#zoom-fit")
    assert shown.view() == whole
    box = shown.page.locator("#canvas").bounding_box()
    shown.page.mouse.move(box["x"] + 100, box["y"] + 50)
    scrolled = shown.page.evaluate("scrollY")
    shown.page.mouse.wheel(0, -200)
    wheeled = shown.view()
    assert wheeled[2] < whole[2] and shown.page.evaluate("scrollY") == scrolled
    before = whole[0] + whole[2] * 100 / box["width"]
    assert wheeled[0] + wheeled[2] * 100 / box["width"] == pytest.approx(before, abs=2), (
        "what is under the pointer stays"
    )


def test_arrows_and_dragging_move_the_graph(show: Show, faulty: Path) -> None:
    shown = show(faulty)
    shown.page.focus("#canvas")
    shown.page.keyboard.press("0")
    x, y, width, height = shown.view()
    shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("ArrowDown")
    moved = shown.view()
    assert moved == pytest.approx([x + width / 10, y + height / 10, width, height], abs=0.1)
    chosen = shown.text("#detail h3")
    layer = shown.page.locator(".layer").first.bounding_box()
    start = layer["x"] + layer["width"] / 2, layer["y"] + layer["height"] / 2
    shown.page.mouse.move(*start)
    shown.page.mouse.down()
    shown.page.mouse.move(start[0] + 60, start[1] + 40, steps=5)
    shown.page.mouse.up()
    dragged = shown.view()
    assert dragged[0] < moved[0] and dragged[1] < moved[1] and dragged[2] == moved[2]
    assert shown.text("#detail h3") == chosen, "dragging chooses nothing"


def test_keys_with_others_are_the_browsers(show: Show, faulty: Path) -> None:
    shown = show(faulty)
    shown.page.focus("#canvas")
    before = shown.view()
    shown.page.evaluate(
        "document.getElementById('canvas').dispatchEvent(new KeyboardEvent('keydown', {key: '+', ctrlKey: true}))"
    )
    assert shown.view() == before


# -- the rest ------------------------------------------------------------------------------------


def test_the_table_of_layers(show: Show, faulty: Path) -> None:
    shown = show(faulty)
    shown.page.fill("#filter", "dense FC")
    rows = shown.page.locator("#layer-table tbody tr:visible")
    assert rows.count() == 2 and shown.text("#count") == "2 of 6 layers"
    rows.last.get_by_role("button").click()
    assert shown.text("#detail h3") == "fc2"
    shown.page.fill("#filter", "")
    assert shown.page.locator("#layer-table tbody tr:visible").count() == 6


def test_light_and_dark(show: Show, content: Path) -> None:
    shown = show(content, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = shown.page.evaluate(ground)
    shown.screenshot("content-dark")
    shown.page.get_by_role("button", name="Change to light colours").click()
    light = shown.page.evaluate(ground)
    assert dark != light
    shown.page.reload()
    assert shown.page.evaluate(ground) == light, "it is kept"
    shown.page.evaluate("localStorage.clear()")
    shown.page.emulate_media(color_scheme="light")
    shown.page.reload()
    assert shown.page.evaluate(ground) == light
    shown.screenshot("content-light", full_page=True)
    shown.asked[:] = [content.as_uri()]


def test_charts_are_drawn(show: Show, content: Path) -> None:
    """Each canvas has pixels of several colours; each chart says in words what it shows."""
    shown = show(content)
    colours = shown.page.evaluate(
        """() => [...document.querySelectorAll("canvas")].map((canvas) => {
          const found = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          return new Set(new Uint32Array(found.buffer)).size;
        })"""
    )
    assert len(colours) >= 2 and min(colours) > 3
    labels = [one.get_attribute("aria-label") for one in shown.page.get_by_role("img").all()]
    assert any("97.5 %" in label for label in labels)


def test_a_language_that_is_none(show: Show, content: Path, chromium: Any) -> None:
    """A system without a locale calls its language ``en-US@posix``, which no formatter of numbers takes."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    context.add_init_script(
        "Object.defineProperty(navigator, 'language', {get: () => 'en-US@posix', configurable: true})"
    )
    shown = Shown(context.new_page())
    shown.page.goto(content.as_uri())
    shown.settled()
    drawn = shown.page.locator("canvas").count()
    context.close()
    assert shown.said == [] and drawn >= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["faulty", "content"])
def test_everybody_can_use_it(show: Show, which: str, scheme: str, request: pytest.FixtureRequest) -> None:
    """What axe finds: names of controls, order of headings, contrast, roles."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is missing; pip install 'hlsgen[dev]'"
    )
    shown = show(request.getfixturevalue(which), color_scheme=scheme)
    shown.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")
    shown.page.locator(".layer").nth(1).click()
    found = axe.Axe().run(shown.page).response
    wrong = [
        f"{v['id']}: {node['html'][:120]}: {node['failureSummary'][:200]}"
        for v in found["violations"]
        for node in v["nodes"]
    ]
    assert not wrong, "\n".join(wrong)
    assert len(found["passes"]) > 20


def test_it_prints(show: Show, content: Path) -> None:
    shown = show(content, color_scheme="dark")
    paper = shown.page.pdf(format="A4")
    assert paper.startswith(b"%PDF") and len(paper) > 20_000
    shown.page.emulate_media(media="print")
    shown.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    shown.settled()
    assert shown.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert not shown.page.locator("#theme").is_visible() and shown.page.locator(".remark").first.is_visible()
    assert shown.page.locator("details:not([open])").count() == 0
    shown.screenshot("print", full_page=True)
    shown.page.evaluate("dispatchEvent(new Event('afterprint'))")
    shown.page.emulate_media(media="screen")
    assert shown.page.evaluate("document.documentElement.dataset.theme") is None


def test_small_screens(show: Show, content: Path) -> None:
    shown = show(content, viewport={"width": 390, "height": 800})
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390
    shown.screenshot("phone")


def test_without_scripts(show: Show, content: Path) -> None:
    shown = show(content, java_script_enabled=False)
    text = shown.page.locator("body").inner_text()
    assert "Scripts are off" in text and "saturates" in text


def test_two_hundred_layers(show: Show, long: Path) -> None:
    """Everything works at that size; how long a frame takes is measured and kept beside the screenshots."""
    shown = show(long)
    assert shown.page.locator(".layer").count() == 201
    shown.page.focus("#canvas")
    shown.page.keyboard.press("0")
    whole = shown.view()
    shown.screenshot("long")
    assert whole[2] > 1000
    frames = shown.page.evaluate(
        """async () => {
          const canvas = document.getElementById("canvas"), box = canvas.getBoundingClientRect(), times = [];
          const frame = () => new Promise(requestAnimationFrame);
          let before = await frame();
          for (let k = 0; k < 60; k++) {
            canvas.dispatchEvent(new WheelEvent("wheel", {deltaY: k < 30 ? -60 : 60, clientX: box.x + 300, clientY: box.y + 200, cancelable: true}));
            const now = await frame();
            times.push(now - before);
            before = now;
          }
          const began = performance.now();
          for (let k = 0; k < 40; k++) document.querySelector(`[data-layer="${5 * k}"]`).dispatchEvent(new MouseEvent("click", {bubbles: true}));
          const choosing = (performance.now() - began) / 40;
          const input = document.getElementById("filter"), start = performance.now();
          input.value = "block17"; input.dispatchEvent(new Event("input"));
          return {median: times.sort((a, b) => a - b)[30], slowest: times[59], choosing, filtering: performance.now() - start};
        }"""
    )
    file = shown.screenshot("long-zoomed")
    file.with_suffix(".json").write_text(json.dumps(frames, indent=1))
    assert shown.page.locator("#layer-table tbody tr:visible").count() == 4
    shown.page.keyboard.press("Tab")
    last = shown.page.locator("[data-layer='200']")
    shown.page.select_option("#choose", value="200")
    shown.settled()
    assert last.bounding_box()["height"] > 40, "a chosen layer is brought into view, large enough to be read"
    inside, outside = last.bounding_box(), shown.page.locator("#canvas").bounding_box()
    assert outside["x"] <= inside["x"] and inside["x"] + inside["width"] <= outside["x"] + outside["width"]


HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus=alert(1) autofocus='",
    "{{7*7}}{% raw %}",
    "<!--<script>",
    "]]></svg><script>alert(1)</script>",
    "javascript:alert(1)",
    "a\u202ebc",
]


def test_hostile_names(show: Show, tmp_path: Path) -> None:
    """Names of layers are text wherever they stand, and nothing that they say happens."""
    names = [*HOSTILE, "a\x07b\x00c"]
    hostile: Any = project(names)
    shown = show(hostile.report(tmp_path / "hostile.html"))
    for number, name in enumerate(op.name for op in hostile.design):
        shown.page.evaluate(
            "n => document.querySelector(`[data-layer='${n}']`).dispatchEvent(new MouseEvent('click', {bubbles: true}))",
            number,
        )
        wanted = name.replace("\x07", "\ufffd").replace("\x00", "\ufffd")
        assert shown.page.evaluate("document.querySelector('#detail h3').textContent") == wanted
    assert shown.page.evaluate("document.scripts.length") == 3
    assert shown.page.locator("img").count() == 0
    cells = shown.page.evaluate("[...document.querySelectorAll('#layer-table tbody button')].map(b => b.textContent)")
    assert cells[1] == HOSTILE[0]
    shown.screenshot("hostile")


def test_no_script_but_its_own_runs(show: Show, content: Path) -> None:
    """The page's own policy forbids others, and any request."""
    shown = show(content)
    shown.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.hit = 1'; document.body.append(s) }"
    )
    shown.page.evaluate(
        "() => new Promise(d => { const i = new Image(); i.onerror = d; i.src = 'http://localhost:1/x.png'; document.body.append(i) })"
    )
    assert shown.page.evaluate("window.hit") is None
    refused = [text for text in shown.said if "Content Security Policy" in text]
    assert len(refused) == len(shown.said) == 2
    shown.said.clear()
    shown.asked[:] = [content.as_uri()]
