"""Estimates beside reports that the model has not seen.

``python benchmarks/estimate/check.py REPORTS.json WEIGHTS.npz`` reads reports in the form in which those of the fit came, and prints
figure by figure what the model says of hls4ml's modules, how far off it is, and how many intervals hold; with
``--projects`` what it says of the same networks as projects of ours (needs Keras); with ``--store`` it only writes
``reports.json``, as it was written from those of the fit.

The form: a list of designs, each with ``dataset``, ``variant`` (``DSP_reuse2``), ``layer_types`` (``input_t``, ``layer2_t``,
``result_t``), ``layers`` (``layer``, ``config``, ``kind``, ``n_in``, ``n_out``, ``types``) and ``modules`` (their name, part, clock
and figures, as in csynth.xml); the weights are arrays ``dataset/w2`` and ``dataset/b2`` for ``config2``.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from projects import project_of
from reports import DATA, FIGURES, Network, costs, figure, networks_of, reuse_of

from hlsgen.estimation.coefficients import fitted
from hlsgen.estimation.figure import Figure
from hlsgen.estimation.spread import spread
from hlsgen.ir.types import FixedType

KINDS = {"dense_config": "dense", "batchnorm_config": "scale"}
UNCERTAINTY = 12.5
"""%, as hls4ml sets it if nothing is said."""


def read(designs: Sequence[Mapping[str, Any]], weights: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The networks in the form of ``reports.json``."""
    found: dict[str, Any] = {}
    for design in designs:
        modules = design["modules"]
        network = found.setdefault(
            design["dataset"],
            {
                "clock_period": float(modules[0]["target_ns"]),
                "part": modules[0]["part"],
                "layers": _layers(design, weights),
                "reports": {},
            },
        )
        network["reports"][design["variant"]] = {
            _config(module["module"], design): [int(module[name]) for name in FIGURES] for module in modules
        }
    return found


def _config(module: str, design: Mapping[str, Any]) -> str:
    """The configuration of a module; its name ends with it, but for the top function."""
    configs = [layer["config"] for layer in design["layers"]]
    return next((config for config in configs if module.endswith(f"_{config}_s")), "total")


def _layers(design: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    types, found = design["layer_types"], []
    before = types["input_t"]
    for layer in design["layers"]:
        number = re.findall(r"\d+", layer["config"])[0]
        is_last = layer is design["layers"][-1]
        result = types["result_t"] if is_last else types.get(f"layer{number}_t", types["result_t"])
        named = next((kind for kind in ("softmax", "relu", "linear") if kind in layer["config"]), "table")
        kind = KINDS.get(layer["kind"], named)
        one = {"name": layer["layer"], "config": layer["config"], "input": before, "result": result, "kind": kind}
        before = result
        bias = weights.get(f"{design['dataset']}/b{number}")
        if kind == "dense":
            of = layer["types"]
            matrix = weights[f"{design['dataset']}/w{number}"]
            one |= {"n_in": layer["n_in"], "n_out": layer["n_out"]}
            one |= {"weight": of["weight_t"], "bias": of["bias_t"], "accum": of["accum_t"]}
            one |= {"weights": _packed(matrix, of["weight_t"]), "biases": _packed(bias, of["bias_t"])}
        else:
            one["n_in"] = len(bias) if kind == "scale" else layer["n_in"]
        found.append(one)
    return found


def _packed(values: np.ndarray, spelt: str) -> str:
    """Mantissas as base64 of compressed words of 16 bits."""
    fixed = FixedType.parse(spelt)
    exact = np.ldexp(values.astype(np.float64), fixed.frac)
    words = np.ascontiguousarray(np.floor(exact).astype("<i2"))
    return base64.b64encode(zlib.compress(words.tobytes(), 9)).decode()


def store(found: Mapping[str, Any]) -> None:
    """Put the networks into the stored file, a layer or a report a line; what else is in it stays."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    text = json.dumps(data | {"networks": found}, indent=1)
    for deep in (r"\[[^\[\]{}]*\]", r"\{[^{}]*\}"):  # the innermost lists and objects on a line each
        text = re.sub(deep, lambda match: re.sub(r"\s*\n\s*", " ", match[0]), text)
    DATA.write_text(text + "\n", encoding="utf-8")


def expected(network: Network, variant: str, as_projects: bool) -> dict[str, Figure]:
    """The figures of a whole design, with their intervals."""
    if as_projects:
        found = project_of(network, reuse_of(variant)).estimate(multipliers=variant.split("_")[0].lower())
        return {
            "DSP": found.dsp,
            "LUT": found.lut,
            "FF": found.ff,
            "latency": found.latency,
            "interval": found.interval,
        }
    cost = costs(network, variant, fitted())["total"]
    of = fitted().spread["reports"]
    shared = cost.interval < reuse_of(variant)
    pairs = {name: of.get(name.lower().split("_")[0], of["latency"] if shared else (1.0, 1.0)) for name in FIGURES}
    return {name: spread(figure(cost, name), pairs[name]) for name in FIGURES}


def compare(known: Sequence[Network], as_projects: bool) -> str:
    """A row for each design and one for the errors: estimate / report."""
    names = [name for name in FIGURES if name != "BRAM_18K"]
    rows = [f"| network, variant | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    errors: dict[str, list[float]] = {name: [] for name in names}
    held: dict[str, list[bool]] = {name: [] for name in names}
    for network in known:
        for variant, reported in network.reports.items():
            found = expected(network, variant, as_projects)
            for name in names:
                real = reported["total"][name]
                errors[name].append(abs(found[name].value - real) / max(real, 1))
                held[name].append(found[name].holds(real))
            cells = [f"{found[name].value:,} / {reported['total'][name]:,}" for name in names]
            rows.append(f"| {network.name}, {variant} | {' | '.join(cells)} |")
    rows.append(f"| median error | {' | '.join(f'{np.median(errors[name]):.1%}' for name in names)} |")
    rows.append(f"| interval holds | {' | '.join(f'{np.mean(held[name]):.0%}' for name in names)} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--projects", action="store_true", help="the networks as projects of ours")
    parser.add_argument("--store", action="store_true", help="only write reports.json")
    arguments = parser.parse_args()
    with np.load(arguments.weights) as weights:
        found = read(json.loads(arguments.reports.read_text(encoding="utf-8")), dict(weights))
    if arguments.store:
        store(found)
    else:
        print(compare(networks_of(found, UNCERTAINTY), arguments.projects))


if __name__ == "__main__":
    main()
