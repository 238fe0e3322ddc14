"""The page of a sweep in a real browser: fronts, ranges, the table and the chosen trial, by mouse and by keyboard."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from hlsgen.explore.goals import dominates
from hlsgen.explore.space import Space
from hlsgen.explore.study import Study
from hlsgen.explore.trial import Outcome, State, Trial
from tests.explore.studies import GOALS, axis, study
from tests.pages.conftest import SCREENSHOTS, Shown
from tests.pages.test_browser import HOSTILE

Show = Callable[..., Shown]
FOUND = study(200, seed=4)
_IDLE = "async () => { do await new Promise(requestAnimationFrame); while (!canvas.idle()); }"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FOUND.page(tmp_path_factory.mktemp("sweep") / "front.html")


def idle(shown: Shown) -> None:
    """Wait until all is drawn, and what a range changes a moment later is changed."""
    shown.page.wait_for_timeout(200)
    shown.page.evaluate(_IDLE)


def chosen(shown: Shown) -> int:
    return int(shown.text("#detail h3").removeprefix("Trial "))


def listed(shown: Shown) -> list[int]:
    return [int(one) for one in shown.page.locator("#trials-body tr td:first-child").all_inner_texts()]


def place_of(shown: Shown, trial: Trial, x: str = "bits", y: str = "accuracy") -> tuple[float, float]:
    """Where a trial is drawn, from the numbers at the ends: 4 % of the whole are left on each side."""
    box = shown.page.locator("#points").bounding_box()
    left, top, right, bottom = 62, 12, 14, 46
    shares = []
    for name in (x, y):
        values = [one.values[name] for one in FOUND.done]
        low, high = min(values), max(values)
        more = (high - low) * 0.04
        shares.append((trial.values[name] - low + more) / (high - low + 2 * more))
    return (
        box["x"] + left + shares[0] * (box["width"] - left - right),
        box["y"] + top + (1 - shares[1]) * (box["height"] - top - bottom),
    )


# -- the plane -----------------------------------------------------------------------------------


def test_a_click_shows_a_trial(show: Show, page: Path) -> None:
    shown = show(page)
    idle(shown)
    assert chosen(shown) == FOUND.front[0].number, "the best by the first objective is chosen at first"
    wanted = next(t for t in FOUND.done if sum(o.values == t.values for o in FOUND.done) == 1 and t not in FOUND.front)
    same = {t.number for t in FOUND.done if all(t.values[n] == wanted.values[n] for n in ("accuracy", "bits"))}
    shown.page.mouse.click(*place_of(shown, wanted))
    assert chosen(shown) in same
    trial = FOUND.trial(chosen(shown))
    detail = shown.text("#detail")
    for goal in FOUND.goals:
        assert f"{trial.values[goal.name]:g}" in detail
    assert shown.page.evaluate("document.getElementById('yaml').textContent") == FOUND.yaml_of(trial, page.parent)
    assert f"{trial.point['layers.fc1.precision.weight']} (before: fixed<16,6>)" in detail
    assert shown.page.url.endswith(f"#trial-{trial.number}")
    assert f"Trial {trial.number}: accuracy" in shown.text("#said")
    shown.page.reload()
    assert chosen(shown) == trial.number, "the address leads to it again"
    shown.asked[:] = [page.as_uri()]
    shown.screenshot("sweep")


def test_the_front_of_any_two(show: Show, page: Path) -> None:
    """What arrows go along is the front of the two objectives that are shown, by brute force."""
    shown = show(page)
    for x, y in (("bits", "accuracy"), ("latency (ns)", "lut"), ("accuracy", "bits")):
        shown.page.select_option("#x", label=x)
        shown.page.select_option("#y", label=y)
        idle(shown)
        goals = [FOUND.goal(name.split(" ")[0]) for name in (x, y)]
        costs = {t.number: tuple(goal.cost(t.values[goal.name]) for goal in goals) for t in FOUND.done}
        best = {point for point in costs.values() if not any(dominates(other, point) for other in costs.values())}
        shown.page.focus("#plane")
        shown.page.keyboard.press("Home")
        walked = [chosen(shown)]
        for _ in range(len(best) - 1):
            shown.page.keyboard.press("ArrowRight")
            walked.append(chosen(shown))
        shown.page.keyboard.press("ArrowRight")
        assert chosen(shown) == walked[-1], "it ends there"
        assert {costs[number] for number in walked} == best and len(set(walked)) == len(best)
        across = [FOUND.trial(number).values[goals[0].name] for number in walked]
        assert across == sorted(across)


def test_all_points_by_keyboard(show: Show, page: Path) -> None:
    shown = show(page)
    idle(shown)
    shown.page.focus("#plane")
    shown.page.keyboard.press("Shift+Home")
    seen = [chosen(shown)]
    for _ in range(len(FOUND.done) - 1):
        shown.page.keyboard.press("Shift+ArrowRight")
        seen.append(chosen(shown))
    assert sorted(seen) == [trial.number for trial in FOUND.done]


def test_points_are_drawn_where_they_lie(show: Show, page: Path) -> None:
    shown = show(page)
    idle(shown)
    box = shown.page.locator("#points").bounding_box()
    spots = [place_of(shown, trial) for trial in FOUND.done]
    colours = shown.page.evaluate(
        """spots => {
          const node = document.getElementById("points"), found = node.getContext("2d").getImageData(0, 0, node.width, node.height);
          const at = ([x, y]) => 4 * (Math.round(y * devicePixelRatio) * node.width + Math.round(x * devicePixelRatio));
          return spots.map((spot) => [...found.data.slice(at(spot), at(spot) + 4)]);
        }""",
        [[x - box["x"], y - box["y"]] for x, y in spots],
    )
    assert all(a > 200 and max(r, g, b) - min(r, g, b) > 60 for r, g, b, a in colours)


def test_logarithmic_scales_and_colours(show: Show, page: Path) -> None:
    shown = show(page)
    assert shown.page.is_disabled("#y-log"), "accuracy can be 0"
    shown.page.check("#x-log")
    shown.page.select_option("#tone", label="defaults.reuse_factor")
    idle(shown)
    assert shown.page.locator("#key canvas").count() == 1 and "front of these two" in shown.text("#key")
    shown.page.select_option("#x", label="trial")
    idle(shown)
    assert "best so far" in shown.text("#key")
    shown.page.select_option("#x", label="layers.fc1.precision.weight")
    idle(shown)
    assert shown.page.is_disabled("#x-log") and "front of" not in shown.text("#key")
    shown.screenshot("sweep-colours")


def test_pairs_lead_to_the_large_plane(show: Show, page: Path) -> None:
    shown = show(page)
    assert shown.page.locator(".pair").count() == 6
    shown.page.get_by_role("button", name="lut against latency (ns)").click()
    assert shown.page.locator("#x option:checked").inner_text() == "latency (ns)"
    assert shown.page.locator("#y option:checked").inner_text() == "lut"
    assert shown.page.locator(".pair[aria-pressed='true']").count() == 1


# -- the chosen trial ----------------------------------------------------------------------------


def test_its_configuration_is_copied_and_kept(show: Show, page: Path, tmp_path: Path) -> None:
    shown = show(page, accept_downloads=True)
    shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    trial = FOUND.front[0]
    shown.page.locator("#detail").get_by_role("button", name="Copy").click()
    shown.settled()
    assert shown.page.evaluate("navigator.clipboard.readText()") == FOUND.yaml_of(trial, page.parent)
    with shown.page.expect_download() as waiting:
        shown.page.get_by_role("button", name="Download").click()
    file = tmp_path / "kept.yml"
    waiting.value.save_as(file)
    assert waiting.value.suggested_filename == f"trial-{trial.number}.yml"
    assert file.read_text() == FOUND.yaml_of(trial, page.parent)
    assert yaml.safe_load(file.read_text())["layers"] == trial.config["layers"]
    shown.asked[:] = [address for address in shown.asked if not address.startswith("blob:")]


def test_the_front_one_after_the_other(show: Show, page: Path) -> None:
    shown = show(page)
    assert shown.page.get_by_role("button", name="Previous trial of the front").is_disabled()
    seen = [chosen(shown)]
    for _ in FOUND.front[1:]:
        shown.page.get_by_role("button", name="Next trial of the front").click()
        seen.append(chosen(shown))
    assert seen == [trial.number for trial in FOUND.front]


def test_trials_that_were_not_measured_are_listed_with_their_reasons(show: Show, page: Path) -> None:
    shown = show(page)
    for row in shown.page.locator("#reasons tbody tr").all():
        state, count, reason, _ = (cell.inner_text() for cell in row.locator("td").all())
        same = [t for t in FOUND.trials if (t.outcome.state.value, t.outcome.reason) == (state, reason)]
        assert len(same) == int(count)
        row.get_by_role("button").click()
        assert chosen(shown) == same[0].number and reason in shown.text("#detail")
    numbers = {t.number for t in FOUND.trials if not t.is_done}
    drawn = shown.page.evaluate("[...trials.measured].map((place) => trials.data.numbers[place])")
    assert not numbers & set(drawn) and len(drawn) == len(FOUND.done)


# -- ranges --------------------------------------------------------------------------------------


def drag(shown: Shown, name: str, begin: float, end: float) -> None:
    """Along an axis, from and to shares of its length, upwards."""
    track = shown.page.get_by_role("group", name=name, exact=True).locator(".track")
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    middle = box["x"] + box["width"] / 2
    shown.page.mouse.move(middle, box["y"] + (1 - begin) * box["height"])
    shown.page.mouse.down()
    shown.page.mouse.move(middle, box["y"] + (1 - (begin + end) / 2) * box["height"], steps=3)
    shown.page.mouse.move(middle, box["y"] + (1 - end) * box["height"], steps=3)
    shown.page.mouse.up()
    idle(shown)


def test_ranges_by_mouse(show: Show, page: Path) -> None:
    """Bits lie from 100 to 800, less is better and at the top: the upper half is up to 450."""
    shown = show(page)
    drag(shown, "bits", 0.5, 0.99)
    kept = {t.number for t in FOUND.done if 100 < t.values["bits"] <= 450}
    assert shown.text("#inside") == f"{len(kept)} of {len(FOUND.done)} trials are in the ranges"
    shown.page.select_option("#state", label="done")
    assert set(listed(shown)) <= kept and shown.text("#which").endswith(f"of {len(kept)} trials")
    assert shown.page.locator("#command").is_hidden(), "of a study without a file"
    drag(shown, "accuracy", 0.4, 0.6)
    both = {number for number in kept if 0.4 <= FOUND.trial(number).values["accuracy"] / 0.875 <= 0.6}
    assert shown.text("#inside").startswith(f"{len(both)} of")
    shown.screenshot("sweep-ranges", full_page=True)
    track = shown.page.get_by_role("group", name="bits", exact=True).locator(".track")
    track.click(position={"x": 13, "y": 300})
    idle(shown)
    only = [t for t in FOUND.done if 0.4 <= t.values["accuracy"] / 0.875 <= 0.6]
    assert shown.text("#inside").startswith(f"{len(only)} of"), "a click drops a range"
    shown.page.click("#clear")
    idle(shown)
    assert shown.text("#inside") == f"{len(FOUND.done)} trials, no range is set"


def test_ranges_by_keyboard(show: Show, page: Path) -> None:
    shown = show(page)
    upper = shown.page.get_by_role("slider", name="defaults.reuse_factor, upper end of the range")
    upper.focus()
    shown.page.keyboard.press("ArrowDown")
    idle(shown)
    assert upper.get_attribute("aria-valuetext") == "2" and upper.get_attribute("aria-valuenow") == "50"
    kept = [t for t in FOUND.done if t.point["defaults.reuse_factor"] <= 2]
    assert shown.text("#inside").startswith(f"{len(kept)} of")
    lower = shown.page.get_by_role("slider", name="defaults.reuse_factor, lower end of the range")
    lower.focus()
    shown.page.keyboard.press("End")
    idle(shown)
    only = [t for t in FOUND.done if t.point["defaults.reuse_factor"] == 2]
    assert shown.text("#inside").startswith(f"{len(only)} of")
    assert shown.text("#said") == shown.text("#inside"), "it is said"
    shown.page.keyboard.press("Escape")
    idle(shown)
    assert shown.text("#inside").startswith(f"{len(FOUND.done)} trials")


def test_the_command_finds_what_the_ranges_keep(show: Show, tmp_path: Path) -> None:
    found = replace(FOUND, path=tmp_path / "my sweep.db")
    shown = show(found.page(tmp_path / "p.html"))
    drag(shown, "lut", 0.55, 1.0)
    drag(shown, "accuracy", 0.5, 1.0)
    most = max(t.values["lut"] for t in FOUND.done if t.values["lut"] <= 100 + 700 * 0.45)
    least = min(t.values["accuracy"] for t in FOUND.done if t.values["accuracy"] >= 0.875 / 2)
    assert shown.page.evaluate("document.getElementById('command-text').textContent") == (
        f"hlsgen sweep best 'my sweep.db' --max lut={most:g} --min accuracy={least:g} -o best.yml"
    )
    best = found.best({"lut": most}, {"accuracy": least})
    shown.page.select_option("#state", label="done")
    shown.page.locator("#trials-head").get_by_role("button", name="bits", exact=True).click()
    assert FOUND.trial(listed(shown)[0]).values["bits"] == best.values["bits"]


# -- the table -----------------------------------------------------------------------------------


def test_the_table_is_sorted_by_any_column(show: Show, page: Path) -> None:
    shown = show(page)
    front = [trial.number for trial in FOUND.front]
    assert listed(shown)[: len(front)] == front, "the front first"
    heads = shown.page.locator("#trials-head th")
    assert heads.count() == 4 + len(FOUND.goals) + len(FOUND.space.axes)
    for name, key in (
        ("lut", lambda t: t.values.get("lut")),
        ("defaults.reuse_factor", lambda t: t.point["defaults.reuse_factor"]),
        ("seconds", lambda t: t.outcome.seconds),
    ):
        button = shown.page.locator("#trials-head").get_by_role("button", name=name)
        for direction in ("ascending", "descending"):
            button.click()
            head = shown.page.locator("#trials-head th[aria-sort]")
            assert head.count() == 1 and head.get_attribute("aria-sort") == direction
            keys = [key(FOUND.trial(number)) for number in listed(shown)]
            assert keys == sorted(keys, reverse=direction == "descending")
    shown.page.locator("#trials-head").get_by_role("button", name="accuracy").click()
    assert FOUND.trial(listed(shown)[0]).values["accuracy"] == 0.875, "the better end first"


def test_the_table_goes_on(show: Show, page: Path) -> None:
    shown = show(page)
    seen = listed(shown)
    while shown.page.get_by_role("button", name="Further rows").is_enabled():
        shown.page.get_by_role("button", name="Further rows").click()
        seen += listed(shown)
    assert sorted(seen) == list(range(200)) and shown.page.get_by_role("button", name="Earlier rows").is_enabled()


def test_the_table_is_searched(show: Show, page: Path) -> None:
    shown = show(page)
    shown.page.fill("#words", "reuse_factor=4 fixed<17")
    wanted = [
        t.number
        for t in FOUND.trials
        if t.point["defaults.reuse_factor"] == 4 and t.point["layers.fc1.precision.weight"] == "fixed<17,1>"
    ]
    assert sorted(listed(shown)) == wanted
    shown.page.fill("#words", "does not divide")
    assert all("does not divide" in FOUND.trial(number).outcome.reason for number in listed(shown))
    shown.page.locator("#trials-body tr").first.click()
    assert chosen(shown) == listed(shown)[0]


# -- who looks, and on what ----------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(show: Show, page: Path, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is missing; pip install 'hlsgen[dev]'"
    )
    shown = show(page, color_scheme=scheme)
    shown.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")
    drag(shown, "bits", 0.5, 0.99)
    found = axe.Axe().run(shown.page).response
    wrong = [
        f"{v['id']}: {node['html'][:120]}: {node['failureSummary'][:200]}"
        for v in found["violations"]
        for node in v["nodes"]
    ]
    assert not wrong, "\n".join(wrong)
    assert len(found["passes"]) > 20
    shown.screenshot(f"sweep-{scheme}", full_page=True)


def test_it_prints(show: Show, page: Path) -> None:
    shown = show(page, color_scheme="dark")
    paper = shown.page.pdf(format="A4")
    assert paper.startswith(b"%PDF") and len(paper) > 20_000
    shown.page.emulate_media(media="print")
    shown.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert shown.page.evaluate("canvas.idle()"), "all is drawn before it is printed"
    assert shown.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert shown.page.locator("details:not([open])").count() == 0
    shown.screenshot("sweep-print", full_page=True)
    shown.page.evaluate("dispatchEvent(new Event('afterprint'))")
    shown.page.emulate_media(media="screen")
    assert shown.page.evaluate("document.documentElement.dataset.theme") is None


def test_small_screens(show: Show, page: Path) -> None:
    shown = show(page, viewport={"width": 390, "height": 800})
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390
    shown.screenshot("sweep-phone", full_page=True)


def test_without_scripts(show: Show, page: Path) -> None:
    shown = show(page, java_script_enabled=False)
    text = shown.page.locator("body").inner_text()
    assert "Scripts are off" in text
    rows = shown.page.locator("#trials noscript table tbody tr")
    assert rows.count() == len(FOUND.front)


def test_one_objective(show: Show, tmp_path: Path) -> None:
    shown = show(study(60, goals=GOALS[:1]).page(tmp_path / "one.html"))
    idle(shown)
    assert shown.text("#front-title") == "Progress" and "best so far" in shown.text("#key")
    shown.screenshot("sweep-one")


@pytest.mark.parametrize("trials", [0, 1])
def test_hardly_any_trials(show: Show, tmp_path: Path, trials: int) -> None:
    found = study(40)
    kept = tuple(t for t in found.trials if t.is_done)[:trials] + tuple(t for t in found.trials if not t.is_done)
    shown = show(replace(found, trials=kept).page(tmp_path / "few.html"))
    idle(shown)
    said = "No trial was measured" in shown.text("#front")
    assert said == (trials == 0) and shown.page.locator("#reasons tbody tr").count() > 0
    assert shown.page.locator("#trials-body tr").count() == len(kept)


def test_hostile_names(show: Show, tmp_path: Path) -> None:
    """Names are text wherever they stand, and nothing that they say happens."""
    for name in HOSTILE:
        found = study(40, layer=name)
        goals = (replace(GOALS[0], unit=name), *GOALS[1:])
        trials = tuple(replace(t, outcome=replace(t.outcome, worker=name, reason=name)) for t in found.trials)
        bad = replace(found, name=name, goals=goals, trials=trials, path=tmp_path / f"{name.replace('/', '_')}.db")
        shown = show(bad.page(tmp_path / "hostile.html"))
        idle(shown)
        assert shown.page.evaluate("document.scripts.length") == 2 and shown.page.locator("img").count() == 0
        assert shown.page.evaluate("document.querySelector('h1').textContent") == name
        text = shown.page.evaluate("document.getElementById('yaml').textContent")
        assert name in yaml.safe_load(text)["layers"]
        for button in shown.page.locator("#reasons button").all():
            button.click()
        shown.page.mouse.move(*place(shown))
        shown.page.get_by_role("slider").first.focus()
        shown.page.keyboard.press("PageUp")
        idle(shown)


def place(shown: Shown) -> tuple[float, float]:
    shown.page.locator("#points").scroll_into_view_if_needed()
    box = shown.page.locator("#points").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_many_settings(show: Show, tmp_path: Path) -> None:
    """Of eighty layers: all lines are there, as far apart as there is room for, and can be reached."""
    types = [f"fixed<{width},1>" for width in range(3, 9)]
    axes = Space(tuple(axis(f"layers.l{k}.precision.weight", ("layers", f"l{k}"), types) for k in range(80)))
    rng = random.Random(3)
    trials = tuple(replace(t, point=axes.point(tuple(rng.randrange(6) for _ in range(80)))) for t in FOUND.trials)
    shown = show(replace(FOUND, space=axes, trials=trials).page(tmp_path / "many.html"), device_scale_factor=2)
    idle(shown)
    assert shown.page.get_by_role("slider").count() == 2 * 84
    node = shown.page.evaluate(
        "(({width, height, clientWidth}) => [width * height, clientWidth])(document.getElementById('ways'))"
    )
    assert node[0] <= 12.1e6 and node[1] >= 80 * 56
    for labels, room, wanted in (
        (["fixed<4,1>", "fixed<12,1>"], 6, ["…4…", "…12…"]),
        (["fixed<10,1>", "fixed<11,1>"], 6, ["…10…", "…11…"]),
        (["fixed<4,1>", "fixed<12,1>"], 12, ["fixed<4,1>", "fixed<12,1>"]),
        (["latency", "resource"], 6, ["latency", "resource"]),
        (["fixed<1,11>", "fixed<1,1>"], 6, ["…11…", "…1…"]),
        (["aaaaaaa", "aaaa"], 3, ["…aaa", "…"]),
    ):
        assert shown.page.evaluate("([labels, room]) => parallel.shortened(labels, room)", [labels, room]) == wanted
    shown.page.get_by_role("slider").last.focus()
    shown.page.keyboard.press("Home")
    idle(shown)
    assert shown.page.evaluate("document.querySelector('.ways').scrollLeft") > 0
    shown.page.locator(".ways").screenshot(path=str(SCREENSHOTS / "sweep-many.png"))


def ten_thousand() -> Study:
    """Trials of ten settings and four objectives."""
    rng = random.Random(1)
    types = [f"fixed<{width},1>" for width in range(3, 13)]
    axes = Space(tuple(axis(f"layers.l{k}.precision.weight", ("layers", f"l{k}"), types) for k in range(10)))
    trials = []
    for number in range(10_000):
        steps = tuple(rng.randrange(10) for _ in range(10))
        bits = float(sum((k + 3) * 1000 for k in steps))
        accuracy = 1 - sum(0.05 * 2.0**-k for k in steps) + rng.gauss(0, 0.002)
        values = {
            "accuracy": accuracy,
            "bits": bits,
            "lut": bits * rng.uniform(2, 4),
            "latency": 5.0 * rng.randrange(9, 99),
        }
        trials.append(Trial(number, axes.point(steps), Outcome(State.DONE, values, "", 0.1, "host:1"), 0, "1.0"))
    return Study("large", GOALS, axes, tuple(trials), 0, "1.0")


def test_ten_thousand_trials(show: Show, tmp_path: Path) -> None:
    """Everything works at that size; how long a frame takes is measured and kept beside the screenshots."""
    found = ten_thousand()
    shown: Any = show(found.page(tmp_path / "large.html"))
    idle(shown)
    frames = shown.page.evaluate(
        """async () => {
          const frame = () => new Promise(requestAnimationFrame);
          const rod = document.querySelectorAll(".rod .track")[10], box = rod.getBoundingClientRect(), dragging = [], hovering = [];
          rod.setPointerCapture = () => {};
          const send = (kind, y) => rod.dispatchEvent(new PointerEvent(kind, {button: 0, clientX: box.x + 13, clientY: y, bubbles: true}));
          send("pointerdown", box.y);
          let before = await frame();
          for (let k = 0; k < 60; k++) {
            send("pointermove", box.y + 10 + 4 * k);
            const now = await frame();
            dragging.push(now - before);
            before = now;
          }
          send("pointerup", box.y + 250);
          const over = document.getElementById("points-over"), place = over.getBoundingClientRect();
          for (let k = 0; k < 60; k++) {
            const began = performance.now();
            over.dispatchEvent(new PointerEvent("pointermove", {clientX: place.x + 100 + 5 * k, clientY: place.y + 150}));
            hovering.push(performance.now() - began);
            await frame();
          }
          const began = performance.now();
          document.querySelector("#trials-head button").click();
          const middle = (times) => times.sort((a, b) => a - b)[30];
          return {dragging: middle(dragging), slowest: dragging[59], hovering: middle(hovering), sorting: performance.now() - began};
        }"""
    )
    idle(shown)
    file = shown.screenshot("sweep-large", full_page=True)
    file.with_suffix(".json").write_text(json.dumps(frames, indent=1))
    kept = set(shown.page.evaluate("[...trials.inside].flatMap((yes, number) => yes ? [number] : [])"))
    assert 0 < len(kept) < 10_000 and shown.text("#inside").startswith(f"{len(kept):,} of 10,000")
    worst = min(found.trials[number].values["accuracy"] for number in kept)
    assert kept == {t.number for t in found.trials if t.values["accuracy"] >= worst}, "a range from the top down"
