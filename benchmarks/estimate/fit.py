"""Fit the coefficients of estimates on reports of Vitis HLS, and say how far off they are on networks left out.

``python benchmarks/estimate/fit.py`` prints; with ``--write`` it also writes ``hlsgen/estimation/coefficients.json``
and the figures in ``docs/estimate.md``. The model is linear in most coefficients: what one of them is multiplied by is what
the model says when it is 1 and all others are 0.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from baselines import baselines, compare_baselines, figures_of
from check import compare
from reports import DATA, EXPONENTIAL, FIGURES, Network, costs, figure, module_cost, networks, reuse_of

from hlsgen.estimation.coefficients import FITTED, Coefficients
from hlsgen.estimation.digits import signed_digits
from hlsgen.estimation.spread import spread

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "estimate.md"
LUT = ("adder", "shifted", "delayed", "shared", "output")
FF = ("adder", "hard", "delayed")
ZERO = Coefficients(
    dict.fromkeys(LUT, 0.0),
    dict.fromkeys(FF, 0.0),
    {"scale": 0.0, "power": 1.0},
    {"lut": 0.0, "ff": 0.0},
    {"lut": 0.0, "lut_rest": 0.0, "ff": 0.0, "ff_rest": 0.0, "cycles": 0.0, "level": 0.0},
    {},
)
SHARE = 0.9
"""Of the residuals that an interval is to hold; of four networks, so that four of five reports should."""
LEAST = 0.15
"""That figures may at least be off, however near those of four networks come: others are others."""
LEAST_OF_BASELINES = 0.25
"""The same of designs of two shapes and one width."""
BY_HAND = {
    "other_device": {"dsp": (0.95, 1.05), "lut": (0.7, 1.4), "ff": (0.6, 1.6), "bram": (1, 1), "latency": (0.6, 1.7)},
    "model": {"dsp": (0.5, 1.3), "lut": (0.5, 2.0), "ff": (0.5, 2.0), "bram": (0.5, 2.0), "latency": (0.6, 1.7)},
    "guess": {"dsp": (0.0, 3.0), "lut": (0.25, 4.0), "ff": (0.25, 4.0), "bram": (0.0, 3.0), "latency": (0.3, 3.0)},
}
"""Where there are no reports: factors that nobody measured, wider the less is known."""


@dataclass(frozen=True)
class Residual:
    """One figure of a module, or of a whole network (``total``)."""

    network: str
    variant: str
    module: str
    figure: str
    expected: float
    reported: int

    @property
    def error(self) -> float:
        """Relative to the report; of one of 0, the whole difference."""
        return abs(self.expected - self.reported) / max(self.reported, 1)

    @property
    def ratio(self) -> float:
        return self.reported / self.expected if self.expected else 1.0


def modules(known: Sequence[Network], kind: str) -> Iterable[tuple[Network, int, str]]:
    for network in known:
        for variant, reported in network.reports.items():
            for index, layer in enumerate(network.layers):
                if layer.kind == kind and layer.config in reported:
                    yield network, index, variant


def fitted_on(known: Sequence[Network]) -> Coefficients:
    """All coefficients but the spreads."""
    found = replace(ZERO, multiplier=_multiplier(known), element=_element(known))
    found = replace(found, softmax=_softmax(known, found))
    for group, names, name in (("lut", LUT, "LUT"), ("ff", FF, "FF")):
        values = _linear(known, found, group, names, name)
        found = replace(found, **{group: values})
    return found


def _linear(
    known: Sequence[Network], base: Coefficients, group: str, names: Sequence[str], name: str
) -> dict[str, float]:
    """By least squares of relative errors, over the dense layers."""
    units = [replace(base, **{group: dict.fromkeys(names, 0.0) | {unit: 1.0}}) for unit in names]
    rows, rest = [], []
    for network, index, variant in modules(known, "dense"):
        reported = network.reports[variant][network.layers[index].config][name]
        constant = figure(module_cost(network, index, variant, base), name)
        rows.append([(figure(module_cost(network, index, variant, u), name) - constant) / reported for u in units])
        rest.append((reported - constant) / reported)
    solved = _positive(np.array(rows), np.array(rest))
    return {unit: round(float(value), 3) for unit, value in zip(names, solved, strict=True)}


def _positive(rows: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Least squares of what costs something: a coefficient below zero is left out, the lowest first."""
    kept = list(range(rows.shape[1]))
    while True:
        solved = np.linalg.lstsq(rows[:, kept], rest, rcond=None)[0]
        if (solved >= 0).all():
            break
        del kept[int(solved.argmin())]
    found = np.zeros(rows.shape[1])
    found[kept] = solved
    return found


def _multiplier(known: Sequence[Network]) -> dict[str, float]:
    """From what the same modules have more of LUTs when their products are not in DSPs, at the longer clock period."""
    per_product: dict[str, list[float]] = {"dense": [], "softmax": []}
    for kind, found in per_product.items():
        for network, index, variant in modules(known, kind):
            if variant != "DSP_reuse1" or network.clock_period < 5:
                continue
            dsp, lut = (network.reports[v][network.layers[index].config] for v in (variant, "LUT_reuse1"))
            found.append((lut["LUT"] - dsp["LUT"]) / dsp["DSP"])
    small, large = (float(np.median(found)) for found in per_product.values())
    bits, wide = 8 * 8, EXPONENTIAL.width**2
    power = math.log(large / small) / math.log(wide / bits)
    return {"scale": round(small / bits**power, 4), "power": round(power, 4)}


def _element(known: Sequence[Network]) -> dict[str, float]:
    """LUTs, and where there are some FFs, of a bit of a rectifier's input."""
    per_bit: dict[str, list[float]] = {"LUT": [], "FF": []}
    for network, index, variant in modules(known, "relu"):
        reported = network.reports[variant][network.layers[index].config]
        bits = network.live(index) * network.layers[index].input.width
        for name, found in per_bit.items():
            found += [reported[name] / bits] if reported[name] else []
    return {name.lower(): round(float(np.median(found)), 3) if found else 2.1 for name, found in per_bit.items()}


def _softmax(known: Sequence[Network], base: Coefficients) -> dict[str, float]:
    """Lines through the figures over the places; cycles at the longer clock period, over the levels of its trees."""
    result = {}
    for name in ("LUT", "FF"):
        rows, rest = [], []
        for network, index, variant in modules(known, "softmax"):
            layer = network.layers[index]
            reported = network.reports[variant][layer.config][name]
            products = figure(module_cost(network, index, variant, base), name)
            rows.append([(layer.n_in - 1) * layer.input.width / reported, 1 / reported])
            rest.append((reported - products) / reported)
        slope, start = _positive(np.array(rows), np.array(rest))
        result |= {name.lower(): round(float(slope), 3), f"{name.lower()}_rest": round(float(start), 1)}
    cycles = [
        (network.reports[variant][network.layers[index].config]["latency"], network.layers[index].n_in)
        for network, index, variant in modules(known, "softmax")
        if variant.startswith("DSP") and network.clock_period >= 5
    ]
    levels = np.array([[1, (n - 1).bit_length()] for _, n in cycles], dtype=float)
    start, slope = np.linalg.lstsq(levels, np.array([c for c, _ in cycles], dtype=float), rcond=None)[0]
    return result | {"cycles": round(float(start), 2), "level": round(float(slope), 2)}


def residuals(known: Sequence[Network], coefficients: Coefficients) -> list[Residual]:
    found = []
    for network in known:
        for variant, reported in network.reports.items():
            expected = costs(network, variant, coefficients)
            found += [
                Residual(network.name, variant, module, name, figure(expected[module], name), figures[name])
                for module, figures in reported.items()
                for name in FIGURES
            ]
    return found


def factors(found: Sequence[Residual], at_least: float = LEAST) -> dict[str, tuple[float, float]]:
    """Between which parts of the estimates the reports of modules lie, but for the farthest."""
    result = {}
    for key, name in (("dsp", "DSP"), ("lut", "LUT"), ("ff", "FF"), ("bram", "BRAM_18K"), ("latency", "latency")):
        ratios = [r.ratio for r in found if r.figure == name and r.module != "total" and r.expected]
        low, high = np.quantile(ratios, [(1 - SHARE) / 2, (1 + SHARE) / 2]) if ratios else (1.0, 1.0)
        least = at_least if name in ("LUT", "FF", "latency") else 0.02
        result[key] = (round(min(float(low), 1 - least), 2), round(max(float(high), 1 + least), 2))
    return result | {"bram": (1.0, 1.0)}


@cache
def left_out() -> tuple[list[Residual], list[tuple[Residual, bool]]]:
    """What each network's figures are off by when the others alone are known; and of each, whether the interval that
    these others give holds it."""
    everything, held = [], []
    for network in networks():
        others = [other for other in networks() if other is not network]
        inner = []
        for second in others:
            inner += residuals([second], fitted_on([other for other in others if other is not second]))
        spreads = factors(inner)
        found = residuals([network], fitted_on(others))
        everything += found
        for residual in found:
            pair = spreads.get(residual.figure.lower().split("_")[0])
            if residual.figure == "interval":
                pair = spreads["latency"] if residual.expected < reuse_of(residual.variant) else (1.0, 1.0)
            known = spread(residual.expected, pair)
            held.append((residual, known.holds(residual.reported)))
    return everything, held


def fitted() -> tuple[Coefficients, str]:
    """All coefficients, and the figures for the page."""
    everything, held = left_out()
    spreads = {"reports": factors(everything), "baselines": of_baselines()} | BY_HAND
    return replace(fitted_on(networks()), spread=spreads), _table(everything, held)


def of_baselines() -> dict[str, tuple[float, float]]:
    """The same of single layers that are a design each: those of pooling."""
    found = []
    for baseline in baselines():
        if baseline.test != "pooling":
            continue
        expected = figures_of(baseline.project().estimate())
        found += [
            Residual(baseline.case, baseline.version, baseline.test, name, expected[name].value, reported)
            for name, reported in baseline.figures.items()
        ]
    return factors(found, LEAST_OF_BASELINES) | {"latency": BY_HAND["model"]["latency"]}


def _table(everything: Sequence[Residual], held: Sequence[tuple[Residual, bool]]) -> str:
    rows = ["| | | DSP | LUT | FF | BRAM_18K | latency | interval |", "|---|---|---|---|---|---|---|---|"]
    chosen: list[tuple[str, Callable[[Residual], bool]]] = [
        ("whole designs", lambda r: r.module == "total"),
        ("modules", lambda r: r.module != "total"),
    ]
    measures: list[tuple[str, Callable[[Sequence[Residual], Sequence[bool]], str]]] = [
        ("median error", lambda found, _: f"{np.median([r.error for r in found]):.1%}"),
        ("of four in five below", lambda found, _: f"{np.quantile([r.error for r in found], 0.8):.1%}"),
        ("largest", lambda found, _: f"{max(r.error for r in found):.1%}"),
        ("interval holds", lambda _, holds: f"{np.mean(holds):.0%}"),
    ]
    for what, select in chosen:
        for measure, of in measures:
            cells = []
            for name in FIGURES:
                found = [r for r in everything if select(r) and r.figure == name]
                holds = [hit for r, hit in held if select(r) and r.figure == name]
                cells.append(of(found, holds))
            rows.append(f"| {what} | {measure} | {' | '.join(cells)} |")
    return "\n".join(rows)


def by_network(everything: Sequence[Residual]) -> str:
    """The median error of each network when it is left out."""
    rows = ["| network | DSP | LUT | FF | latency | interval |", "|---|---|---|---|---|---|"]
    for network in networks():
        cells = [
            f"{np.median([r.error for r in everything if (r.network, r.module, r.figure) == (network.name, 'total', n)]):.1%}"
            for n in ("DSP", "LUT", "FF", "latency", "interval")
        ]
        rows.append(f"| {network.name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def drawn_constants() -> str:
    """A test on reports of others: 64 products of a number and a constant of 12 bits, drawn as Keras' lecun_uniform
    draws it; the tool chose what to build of them. Each of 64 results then goes through a table, of elu alone."""
    largest = round(math.sqrt(3) * 2**10)
    share = float((signed_digits(np.arange(1, largest + 1)) >= 3).mean())
    data = json.loads(DATA.read_text(encoding="utf-8"))["baselines"]["reports"]
    found = [row[3] for row in data if row[2].startswith("test_activations")]
    tables = {row[6] for row in data if row[2].startswith("test_activations") and row[2].endswith("-elu")}
    return (
        f"expected {64 * share:.1f} DSPs of 64 products, found {min(found)} to {max(found)}, {np.mean(found):.1f} on "
        f"average of {len(found)}; expected 32 blocks of tables for 64 readers, found {', '.join(map(str, tables))}"
    )


def as_json(coefficients: Coefficients) -> str:
    """A group a line."""
    groups = {name: getattr(coefficients, name) for name in ("lut", "ff", "multiplier", "element", "softmax")}
    lines = [f' "{name}": {json.dumps(group)},' for name, group in groups.items()]
    spreads = [f'  "{basis}": {json.dumps(of)}' for basis, of in coefficients.spread.items()]
    return "{\n" + "\n".join(lines) + '\n "spread": {\n' + ",\n".join(spreads) + "\n }\n}\n"


def section(table: str, coefficients: Coefficients) -> str:
    """What the page says of the fit."""
    everything, _ = left_out()
    lut, ff, product = coefficients.lut, coefficients.ff, coefficients.multiplier
    return f"""{table}

By network, whole designs, median over its six variants:

{by_network(everything)}

Fitted on all four: a bit of an adder is {lut["adder"]:.2f} LUTs and {ff["adder"]:.2f} FFs; a bit of a product by two
digits {lut["shifted"]:.2f} LUTs; a bit of a product of a multiplier {ff["hard"]:.2f} FFs; a bit that waits a cycle
{ff["delayed"]:.2f} FFs and {lut["delayed"]:.2f} LUTs (long waits are shift registers); a bit of an output {lut["output"]:.2f}
LUTs; a bit of an input of a product that shares its multiplier {lut["shared"]:.2f} LUTs. A product of a and b bits
without a DSP is {product["scale"]:.3f} (a b)^{product["power"]:.3f} LUTs.

Reports of others, regression baselines of hls4ml (Vitis HLS 2023.1 and 2024.1, Vivado HLS 2020.1), which took no part:
{drawn_constants()}."""


BETWEEN_BASELINES = re.compile(r"(?<=<!-- baselines -->\n).*?(?=\n<!-- end of baselines -->)", re.DOTALL)
BETWEEN_PROJECTS = re.compile(r"(?<=<!-- projects -->\n).*?(?=\n<!-- end of projects -->)", re.DOTALL)
BETWEEN = re.compile(r"(?<=<!-- fit -->\n).*?(?=\n<!-- end of fit -->)", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write coefficients and page")
    parser.add_argument(
        "--projects", action="store_true", help="only compare what the networks are as projects (Keras)"
    )
    arguments = parser.parse_args()
    if arguments.projects:
        _show(compare(networks(), as_projects=True), arguments.write, BETWEEN_PROJECTS)
        return
    coefficients, table = fitted()
    text = section(table, coefficients)
    print(as_json(coefficients))
    if arguments.write:
        FITTED.write_text(as_json(coefficients), encoding="utf-8")
    _show(text, arguments.write, BETWEEN)
    _show(compare_baselines(), arguments.write, BETWEEN_BASELINES)


def _show(text: str, write: bool, between: re.Pattern) -> None:
    print(text)
    if write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(between.sub(lambda _: text, page), encoding="utf-8")


if __name__ == "__main__":
    main()
