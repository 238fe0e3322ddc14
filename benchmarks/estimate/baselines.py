"""The designs of hls4ml's regression baselines as projects of ours, and what was reported of them.

Each is a layer or two of a test of hls4ml (``test/pytest/test_keras_api.py``). A baseline says which test it is of; what that
converts is written down here. Weights are drawn as Keras draws them, by another seed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from reports import DATA, FIGURES

from hlsgen.config import make_config
from hlsgen.estimation.estimate import Estimate
from hlsgen.estimation.figure import Figure
from hlsgen.frontends.keras.build import build_graph
from hlsgen.frontends.keras.source import InputSpec, LayerCall, SourceModel, Tensor
from hlsgen.project import Project

PART, CLOCK_PERIOD, UNCERTAINTY = "xcvu13p-flga2577-2-e", 5.0, 27.0
"""What hls4ml takes if nothing is said."""
WORD = "fixed<16,6>"


@dataclass(frozen=True)
class Spec:
    """A layer of Keras: its class, its configuration, and how its weights are drawn."""

    class_name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    weights: Callable[[np.random.Generator], Mapping[str, np.ndarray]] = lambda _: {}


def _glorot(rng: np.random.Generator, *shape: int, fans: int) -> np.ndarray:
    limit = np.sqrt(6.0 / fans)
    return rng.uniform(-limit, limit, shape)


_DENSE = Spec("Dense", {"units": 2}, lambda rng: {"kernel": rng.uniform(1, 10, (1, 2)), "bias": np.zeros(2)})
_WIDE = Spec(
    "Dense",
    {"units": 64},
    lambda rng: {"kernel": rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), (1, 64)), "bias": np.zeros(64)},
)
_ELU = Spec("ELU", {"alpha": 1.0})
_ACTIVATIONS = {
    "relu": Spec("ReLU"),
    "leaky_relu": Spec("LeakyReLU", {"negative_slope": 1.0}),
    "elu": _ELU,
    "prelu": Spec("PReLU", {}, lambda _: {"alpha": np.zeros(64)}),
    "sigmoid": Spec("Activation", {"activation": "sigmoid"}),
}
_DEPTHWISE = Spec(
    "DepthwiseConv1D",
    {"kernel_size": [3]},
    lambda rng: {"depthwise_kernel": _glorot(rng, 3, 3, 1, fans=3 * 3 + 3), "bias": np.zeros(3)},
)


@dataclass(frozen=True)
class Baseline:
    """``case``: as hls4ml names it; ``figures``: by their names in the reports."""

    version: str
    case: str
    figures: Mapping[str, int]

    @property
    def test(self) -> str:
        """``dense``, ``activations``, ``depthwise1d`` or ``pooling``."""
        return self.case.removeprefix("test_").split("_")[0]

    @property
    def design(self) -> str:
        """What it is, for a reader: reports of several versions are of one."""
        if self.test == "pooling":
            return f"{self._end}, {self.case.split('-')[-2]}"
        kind = {"dense": "dense of 2, elu", "depthwise1d": "depthwise convolution"}.get(
            self.test, f"dense, {self._end}"
        )
        return f"{kind}; {'streams' if self.io_type == 'io_stream' else 'arrays'}"

    @property
    def kind(self) -> str:
        """Those whose errors are counted together."""
        if self.test in ("pooling", "depthwise1d"):
            return self.test.removesuffix("1d")
        kind = "elu" if self.test == "dense" or self._end == "elu" else "rectifiers"
        return f"{kind}, {'streams' if self.io_type == 'io_stream' else 'arrays'}"

    @property
    def io_type(self) -> str:
        return "io_stream" if "io_stream" in self.case else "io_parallel"

    @property
    def _end(self) -> str:
        return self.case.split("-")[-1]

    @property
    def layers(self) -> tuple[tuple[int, ...], tuple[Spec, ...]]:
        """The shape of its input, and its layers. Raises ValueError for a test that is not known."""
        if self.test == "dense":
            return (1,), (_DENSE, _ELU)
        if self.test == "activations":
            return (1,), (_WIDE, _ACTIVATIONS[self._end])
        if self.test == "depthwise1d":
            return (32, 3), (_DEPTHWISE,)
        if self.test == "pooling":
            flat = self._end.endswith("1D")
            pool, padding = [2] * (1 if flat else 2), self.case.split("-")[-2]
            shape = (121, 3) if flat else (18, 15, 3)
            return shape, (Spec(self._end, {"pool_size": pool, "strides": pool, "padding": padding}),)
        raise ValueError(f"{self.case}: what this test converts is not known")

    def project(self, seed: int = 0) -> Project:
        """A project of the same layers, types, device and clock."""
        shape, specs = self.layers
        rng = np.random.default_rng(seed)
        name, calls = "x", []
        for index, spec in enumerate(specs):
            arrays = {role: np.asarray(of, dtype=np.float32) for role, of in spec.weights(rng).items()}
            before, name = name, f"layer{index}"
            calls.append(LayerCall(name, name, spec.class_name, "", dict(spec.config), arrays, (Tensor(before),)))
        source = SourceModel(
            "net", "keras3", (InputSpec("x", shape, "float32"),), tuple(calls), (Tensor(name),), (name,)
        )
        config = make_config(
            None,
            io_type=self.io_type,
            pipeline="flat" if self.io_type == "io_parallel" else "auto",
            strategy="latency",
            precision={"weight": WORD, "bias": WORD, "accum": WORD, "result": WORD},
            input_precision=WORD,
            part=PART,
            clock_period=CLOCK_PERIOD,
            clock_uncertainty=UNCERTAINTY,
        )
        return Project(build_graph(source), config)


@cache
def baselines() -> tuple[Baseline, ...]:
    """Those of Vitis HLS: Vivado HLS, which is older, is another tool."""
    rows = json.loads(DATA.read_text(encoding="utf-8"))["baselines"]["reports"]
    return tuple(
        Baseline(version, case, dict(zip(FIGURES, figures, strict=True)))
        for tool, version, case, *figures in rows
        if tool == "Vitis"
    )


def figures_of(found: Estimate) -> dict[str, Figure]:
    """By their names in the reports."""
    values = (found.dsp, found.lut, found.ff, found.bram, found.latency, found.interval)
    return dict(zip(FIGURES, values, strict=True))


def compare_baselines() -> str:
    """What the model says of each design / what was reported of it, and how far off that is by kind."""
    rows = [f"| design | {' | '.join(FIGURES)} |", f"|---|{'---|' * len(FIGURES)}"]
    errors: dict[tuple[str, str], list[float]] = {}
    held: list[bool] = []
    designs: dict[str, list[Baseline]] = {}
    for baseline in baselines():
        designs.setdefault(baseline.design, []).append(baseline)
    for design, reports in designs.items():
        found = figures_of(reports[0].project().estimate())
        cells = []
        for name in FIGURES:
            real = [report.figures[name] for report in reports]
            cells.append(f"{found[name].value:,} / {_range(real)}")
            held += [found[name].holds(one) for one in real]
            for one in real:
                errors.setdefault((reports[0].kind, name), []).append(abs(found[name].value - one) / max(one, 1))
        rows.append(f"| {design} | {' | '.join(cells)} |")
    kinds = list(dict.fromkeys(kind for kind, _ in errors))
    table = [f"| median error | reports | {' | '.join(FIGURES)} |", f"|---|---|{'---|' * len(FIGURES)}"]
    for kind in kinds:
        cells = [f"{np.median(errors[kind, name]):.0%}" for name in FIGURES]
        table.append(f"| {kind} | {len(errors[kind, FIGURES[0]])} | {' | '.join(cells)} |")
    share = f"Of the {len(held)} figures of these reports, {np.mean(held):.0%} lie in the intervals of the estimates."
    return "\n".join([*rows, "", *table, "", share])


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
