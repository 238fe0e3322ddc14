"""The text of the page of a sweep: whole, safe, and nothing in it from elsewhere."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from pathlib import Path

import pytest

from hlsgen.explore.looking import sweep_page
from hlsgen.pages.sweep import sweep_html
from tests.explore.studies import GOALS, study
from tests.pages.test_page import Parts, data_of


@pytest.fixture(scope="module")
def text() -> str:
    return sweep_html(sweep_page(study(80), Path("/data")))


def test_its_policy_names_its_script_and_style_and_nothing_else(text: str) -> None:
    policy = next(a["content"] for tag, a in Parts(text).elements if tag == "meta" and a.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    blocks = re.findall(r"<(script|style)>(.*?)</\1>", text, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["style", "script"]
    for kind, block in blocks:
        digest = b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in next(p for p in policy.split("; ") if p.startswith(kind))


def test_nothing_is_loaded_and_nothing_runs_from_attributes(text: str) -> None:
    for tag, attributes in Parts(text).elements:
        assert tag not in ("img", "iframe", "link", "object", "embed", "base", "form")
        assert not {"src", "style", "action", "srcset"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert (attributes.get("href") or "#").startswith("#"), "links lead to parts of the page"


def test_every_link_and_label_leads_somewhere(text: str) -> None:
    elements = Parts(text).elements
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        for name in ("href", "aria-labelledby", "data-copy"):
            target = attributes.get(name)
            assert target is None or target.removeprefix("#") in ids, target


def test_hostile_texts_stay_texts() -> None:
    bad = "<!--<script></script x></style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}\x00\ud800\u2028"
    from dataclasses import replace

    found = study(80, layer=bad.replace("\ud800", ""))
    goals = (replace(GOALS[0], unit=bad), *GOALS[1:])
    trials = tuple(
        replace(one, outcome=replace(one.outcome, reason=f"{bad}{one.outcome.reason}", worker=bad))
        for one in found.trials
    )
    page = sweep_page(replace(found, name=bad, goals=goals, trials=trials), Path("/data"))
    text = sweep_html(page)
    assert text.encode(), "every character has an encoding"
    assert text.count("<script") == 2 and text.count("</script") == 2 and "<img" not in text
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", text)[0]
    data = data_of(text)
    assert data["axes"][0]["name"] == found.space.axes[0].name.replace("\x00", "\ufffd")  # type: ignore[index]


def test_ten_thousand_trials_are_small() -> None:
    """What configurations have in common is there once: 300 trials take less than 200 bytes each beside the scripts."""
    few, many = (len(sweep_html(sweep_page(study(count), Path("/data")))) for count in (60, 360))
    assert (many - few) / 300 < 200
