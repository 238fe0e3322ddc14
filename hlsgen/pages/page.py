"""A page as one file of HTML that loads nothing, which its own content security policy makes sure of.

Texts are escaped by jinja2 in HTML, and as ``\\u003c`` in the JSON that the script reads; scripts and styles are let
through by their digests, so that no text of a model can become one.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from dataclasses import asdict
from functools import cache
from math import isfinite

import jinja2
from markupsafe import Markup

from hlsgen.pages.content import Chart, LayerView, Page
from hlsgen.pictures.svg import MARKER, printable
from hlsgen.templates import environment
from hlsgen.tools import templates_dir

MARK = "report of hlsgen"
"""Stands at the beginning of every page: what may be replaced by another one."""
_DIGITS = 6
"""Significant digits of the numbers of charts."""


def html(page: Page) -> str:
    """The text of a page; the same for the same content."""
    library, script = f"{_text('locale.js')}\n{_text('uplot.min.js')}", _text("page.js")
    style = f"{_text('uplot.min.css')}\n{_text('page.css')}\n" + "\n".join(page.graph.rules)
    policy = (
        f"default-src 'none'; script-src {_digest(library)} {_digest(script)}; style-src {_digest(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            mark=MARK,
            policy=policy,
            style=Markup(style),
            library=Markup(library),
            script=Markup(script),
            shapes=Markup(page.graph.shapes),
            marker=Markup(MARKER),
            data=Markup(_json(page)),
            uplot=uplot_version(),
        )
    )


def uplot_version() -> str:
    """The version of the library of charts, as its text says."""
    found = re.search(r"\(v([\d.]+)\)", _text("uplot.min.js")[:200])
    assert found is not None, "uplot.min.js begins with its version"
    return found[1]


def _json(page: Page) -> str:
    """What the script shows when it is asked to."""
    data = {
        "remarks": [[r.weight.value, r.title, r.text, r.layer] for r in page.remarks],
        "layers": [_layer(layer) for layer in page.layers],
        "charts": {panel.key: [_chart(chart) for chart in panel.charts] for panel in page.panels if panel.charts},
    }
    text = json.dumps(_clean(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _layer(layer: LayerView) -> dict[str, object]:
    sections = [
        {"title": part.title, "rows": part.rows, "charts": [_chart(chart) for chart in part.charts], "code": part.code}
        for part in layer.sections
    ]
    return {"name": layer.name, "kind": layer.kind, "sections": sections, "remarks": layer.remarks}


def _chart(chart: Chart) -> dict[str, object]:
    return asdict(chart)


def _clean(value: object) -> object:
    """The same without what JSON, or a page, does not take, and without digits that nobody sees."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, float):
        rounded = float(f"{value:.{_DIGITS}g}") if isfinite(value) else None
        return int(rounded) if rounded is not None and rounded.is_integer() and abs(rounded) < 1e15 else rounded
    if isinstance(value, dict):
        return {key: _clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    return value


def _digest(text: str) -> str:
    """As a content security policy names a text that may run, or dress the page."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _text(name: str) -> str:
    return (templates_dir() / "report" / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    return environment("report", html=True, finalize=lambda value: printable(value) if type(value) is str else value)
