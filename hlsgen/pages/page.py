"""The report as a text: a page (:mod:`~hlsgen.pages.content`) by the template of reports."""

from __future__ import annotations

import re
from dataclasses import asdict
from math import isfinite

from markupsafe import Markup

from hlsgen.pages.content import Chart, LayerView, Page
from hlsgen.pages.document import document, joined
from hlsgen.pictures.svg import MARKER, printable

MARK = "report of hlsgen"
"""Stands at the beginning of every report: what may be replaced by another one."""
_DIGITS = 6
"""Significant digits of the numbers of charts."""


def html(page: Page) -> str:
    """The text of a page; the same for the same content."""
    return document(
        "page.html.j2",
        joined("uplot.min.css", "page.css") + "\n" + "\n".join(page.graph.rules),
        [joined("locale.js", "uplot.min.js"), joined("shared.js", "page.js")],
        _data(page),
        page=page,
        mark=MARK,
        shapes=Markup(page.graph.shapes),
        marker=Markup(MARKER),
        uplot=uplot_version(),
    )


def uplot_version() -> str:
    """The version of the library of charts, as its text says."""
    found = re.search(r"\(v([\d.]+)\)", joined("uplot.min.js")[:200])
    assert found is not None, "uplot.min.js begins with its version"
    return found[1]


def _data(page: Page) -> object:
    """What the script shows when it is asked to."""
    data = {
        "remarks": [[r.weight.value, r.title, r.text, r.layer] for r in page.remarks],
        "layers": [_layer(layer) for layer in page.layers],
        "charts": {panel.key: [_chart(chart) for chart in panel.charts] for panel in page.panels if panel.charts},
    }
    return _clean(data)


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
