"""The text of a page: whole, safe, the same every time, and nothing in it from elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from math import inf, nan
from pathlib import Path

import pytest

from hlsgen.pages.content import Chart, Series, Weight
from hlsgen.pages.findings import in_order
from hlsgen.pages.page import html, uplot_version
from tests.pages.content import BARS, page_of

LIBRARY = Path(__file__).resolve().parents[2] / "hls_templates" / "report"
DIGESTS = {
    "uplot.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uplot.LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
"""Of uPlot 1.6.32, as the npm package has it: dist/uPlot.iife.min.js, dist/uPlot.min.css, LICENSE."""


class Parts(HTMLParser):
    """The elements of a page with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.raw.append((self.open[-1], data))

    def of(self, tag: str) -> list[str]:
        """The texts of scripts or styles; parsers hand them over in pieces."""
        return [data for kind, data in self.raw if kind == tag]


def data_of(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize("name", DIGESTS)
def test_the_library_of_charts_is_what_it_was(name: str) -> None:
    assert hashlib.sha256((LIBRARY / name).read_bytes()).hexdigest() == DIGESTS[name]
    assert uplot_version() == "1.6.32"


def test_a_page_is_the_same_every_time() -> None:
    assert html(page_of()) == html(page_of.__wrapped__())


def test_its_policy_names_its_scripts_and_styles_and_nothing_else() -> None:
    text = html(page_of())
    parts = Parts(text)
    policy = next(a["content"] for tag, a in parts.elements if tag == "meta" and a.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    blocks = re.findall(r"<(script|style)>(.*?)</\1>", text, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["style", "script", "script"]
    for kind, block in blocks:
        digest = b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in next(p for p in policy.split("; ") if p.startswith(kind))


def test_nothing_is_loaded_and_nothing_runs_from_attributes() -> None:
    for tag, attributes in Parts(html(page_of())).elements:
        assert tag not in ("img", "iframe", "link", "object", "embed", "base", "form")
        assert not {"src", "style", "action", "srcset"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert (attributes.get("href") or "#").startswith("#"), "links lead to parts of the page"


def test_every_link_and_label_leads_somewhere() -> None:
    elements = Parts(html(page_of())).elements
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        for name in ("href", "aria-labelledby", "data-copy"):
            target = attributes.get(name)
            assert target is None or target.removeprefix("#") in ids, target


def test_hostile_texts_stay_texts() -> None:
    bad = "<!--<script></script x></style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}\x00\ud800\u2028"
    page = page_of()
    remark = replace(page.remarks[0], title=bad, text=bad, numbers=((bad, bad),), fix=bad, effect=bad, advice=bad)
    chart = replace(BARS, title=bad, text=bad, series=(replace(BARS.series[0], name=bad),), x_label=bad)
    layer = replace(page.layers[0], name=bad, kind=bad)
    panel = replace(page.panels[0], title=bad, text=bad, charts=(chart,), code=bad)
    table = replace(page.table, rows=((bad,) * len(page.table.header), *page.table.rows[1:]))
    hostile = replace(
        page, title=bad, about=bad, remarks=(remark,), checked=bad, layers=(layer, *page.layers[1:]), table=table,
        panels=(panel, *page.panels[1:]), written_by=bad,
    )  # fmt: skip
    text = html(hostile)
    assert text.encode(), "every character has an encoding"
    before, after = Parts(html(page)).elements, Parts(text).elements
    assert [tag for tag, _ in after].count("script") == [tag for tag, _ in before].count("script")
    assert "img" not in [tag for tag, _ in after]
    assert not [a for _, a in after for name in a if name.startswith("on")]
    assert "<" not in text.partition('id="data">')[2].partition("</script>")[0], (
        "nothing there begins or ends an element"
    )
    data = data_of(text)
    assert data["layers"][0]["name"] == bad.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert "{{7*7}}" in text


def test_numbers_that_json_has_not() -> None:
    chart = Chart("odd", "lines", (0.0, 1.0, 2.0), (Series("s", (nan, inf, 1 / 3)),))
    panel = replace(page_of().panels[0], charts=(chart,))
    data = data_of(html(replace(page_of(), panels=(panel,))))
    assert data["charts"][panel.key][0]["series"][0]["values"] == [None, None, 0.333333]


def test_remarks_by_weight() -> None:
    fault, warning, note = page_of().remarks
    other = replace(warning, title="other")
    joined = replace(warning, text="One value of 1,000.\nother. One value of 1,000.")
    assert in_order([note, warning, other, fault, warning]) == (fault, joined, note)
    assert in_order([replace(note, layer=1), warning])[0].weight is Weight.WARNING
    assert in_order([replace(other, layer=2), warning]) == (replace(other, layer=2), warning)
    assert [weight.order for weight in Weight] == [0, 1, 2]
