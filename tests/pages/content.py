"""Pages made by hand: everything that one can show, and one of two hundred layers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import hlsgen
from hlsgen.pages.content import Chart, Drawn, Figure, Page, Panel, Remark, Section, Series, Table, Weight
from hlsgen.pages.graph import layer_picture, page_rules
from hlsgen.pages.report import report_page
from tests.pages.models import long_network, project

FIX = "layers:\n  fc2:\n    precision:\n      result: fixed<18,5,RND,SAT>\n"
BARS = Chart(
    "Values of the model",
    "bars",
    tuple(float(k) for k in range(-12, 13)),
    (Series("values", tuple(float(144 - k * k) for k in range(-12, 13))),),
    x_label="value",
    held=(-8.0, 7.9),
    text="3.1 % of the values lie outside of what fixed<16,4> holds.",
)
LINES = Chart(
    "Accuracy against width",
    "lines",
    (2.0, 4.0, 6.0, 8.0),
    (Series("fc1 weights", (0.31, 0.9, 0.97, 0.975)), Series("fc1 results", (None, 0.4, 0.95, 0.975))),
    x_label="bits",
    y_label="accuracy",
    text="Up to 97.5 % at 8 bits.",
)
CONFUSION = Table(
    ("true", "cat", "dog"),
    (("cat", "40", "2"), ("dog", "", "58")),
    "Confusion matrix",
    numeric=(False, True, True),
    shades=((None, 10, 1), (None, 0, 10)),
)


@cache
def page_of() -> Page:
    """Every kind of thing, with a fault in front."""
    plain = report_page(project())
    design = project().design
    fault = Remark(
        Weight.FAULT,
        "fc2 saturates",
        "Layer 'fc2' saturates 3.1 % of its values: needs ±11.2, holds ±8.",
        3,
        (("outside of the type", "3.1 %"), ("needs", "±11.2"), ("holds", "±8")),
        FIX,
        "With it, 99.8 % of the samples agree with the model, 91.2 % without.",
    )
    warning = Remark(Weight.WARNING, "fc1 wraps", "One value of 1,000.", 1, advice="Give it a bit more.")
    note = Remark(Weight.NOTE, "From the conversion", "relu0: takes what is below zero off")
    picture = layer_picture(design, {3: Weight.FAULT, 1: Weight.WARNING}, buttons=True)
    layers = list(plain.layers)
    layers[3] = replace(layers[3], remarks=(0,), sections=(Section("Values", (), (BARS,)), *layers[3].sections))
    layers[1] = replace(layers[1], remarks=(1,))
    panels = (
        Panel("sensitivity", "Sensitivity", "One layer at a time.", (LINES,)),
        Panel("confusion", "Classes", tables=(CONFUSION,)),
        *plain.panels,
    )
    return replace(
        plain,
        remarks=(fault, warning, note),
        figures=(Figure("Accuracy", "97.5 %", "of the model: 97.6 %"), *plain.figures),
        graph=Drawn(picture.shapes, picture.width, picture.height, page_rules()),
        layers=tuple(layers),
        panels=panels,
    )


@cache
def two_hundred_layers() -> Page:
    """201 operations, each with two charts."""
    page = report_page(hlsgen.convert(long_network(50)))
    measured = Section("Values", (), (BARS, replace(BARS, title="Magnitudes")))
    return replace(page, layers=tuple(replace(one, sections=(measured, *one.sections)) for one in page.layers))
