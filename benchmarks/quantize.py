"""How narrow `hlsgen.quantize` makes trained networks, how they decide then, and what plain calibration makes of so many bits.

    python benchmarks/trained/train.py --digits mnist.npz --seeds 3    # once
    python benchmarks/quantize.py                                      # all that are trained
    python benchmarks/quantize.py resnet8 --seeds 1 --target 0.99

What is judged by was seen by nothing before: neither in training nor by quantize. Agreement is the share of held-out samples
of which the design names the class that Keras names; of a network that restores numbers, the share of their variance that
is met. Bits are counted here, from the finished design, and not taken from what quantize says of itself (hlsgen.design.bits):
a judge has a count of its own.

* of weights, every one of every layer with products, biases apart;
* of results, every value that a layer of the source model yields, or that is rounded on the way to one; inputs apart.

Both as the mean of tensors and as that of elements. Plain calibration has one width for all weights and one for all results,
no fewer bits than quantize took by either mean, and binary points by the largest values: as large as weights are, and as
results were on the same samples.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hlsgen

FOLDER = Path(__file__).resolve().parents[1] / "build" / "trained"
sys.path.insert(0, str(Path(__file__).resolve().parent / "trained"))


@dataclass(frozen=True)
class Mean:
    """Bits on average: of tensors, each counting once, and of their elements."""

    tensors: float
    elements: float

    @classmethod
    def of(cls, tensors: list[tuple[int, int]]) -> Mean:
        """Of widths and sizes."""
        bits = [width for width, _ in tensors]
        return cls(sum(bits) / len(bits), sum(w * n for w, n in tensors) / sum(n for _, n in tensors))

    def __str__(self) -> str:
        return f"{self.tensors:.2f} / {self.elements:.2f}"


@dataclass(frozen=True)
class Bits:
    """What a design takes."""

    weights: Mean
    results: Mean
    inputs: str
    total_of_weights: int
    """Of weights and biases together: what has to be stored."""

    @classmethod
    def of(cls, project: hlsgen.Project) -> Bits:
        weights, biases, results = [], [], []
        named = set(project.design.aliases.values())
        for op in project.design.ops:
            for role, constant in op.layer.constants().items():
                kind = biases if role == "bias" else weights
                if op.layer.products or role == "bias":
                    kind.append((constant.type.width, int(np.size(constant.fixed[0]))))
            if not op.is_input:
                results += [(t.type.width, t.size) for t in op.outputs if t in named or op.rounds(t)]
        stored = sum(width * size for width, size in (*weights, *biases))
        return cls(Mean.of(weights), Mean.of(results), ", ".join(str(t.type) for t in project.design.inputs), stored)


@dataclass(frozen=True)
class Case:
    """A trained network with what it reads."""

    name: str
    seed: int
    model: Path
    x: Any
    held: Any
    expected: Any
    """Keras' outputs for ``held``."""
    labels: Any = None

    @classmethod
    def read(cls, folder: Path, name: str, seed: int, task: str) -> Case:
        with np.load(folder / f"{task}.npz") as data:
            labels = data.get("y_held")
            arrays = data["x_given"], data["x_held"]
        stem = folder / f"{name}-{seed}"
        return cls(name, seed, stem.with_suffix(".keras"), *arrays, np.load(stem.with_suffix(".npy")), labels)

    def agreement(self, project: hlsgen.Project) -> float:
        found = project.predict(self.held)
        if self.labels is None:
            errors = ((found - self.expected) ** 2).mean()
            return float(1 - errors / self.expected.var(axis=0).mean())
        return float(np.mean(found.argmax(axis=-1) == self.expected.argmax(axis=-1)))

    def accuracy(self, outputs: Any) -> float | None:
        return None if self.labels is None else float(np.mean(outputs.argmax(axis=-1) == self.labels))


@dataclass(frozen=True)
class Row:
    """What became of one network."""

    name: str
    seed: int
    seconds: float
    agreement: float
    accuracy: float | None
    float_accuracy: float | None
    bits: Bits
    plain: dict[str, float]
    """Agreement of plain calibration by its widths (weights/results)."""

    def passes(self, target: float) -> bool:
        weights, results = self.bits.weights, self.bits.results
        narrow = max(weights.tensors, weights.elements) <= 8 and max(results.tensors, results.elements) <= 10
        return narrow and self.agreement >= target and self.seconds < 120 and self.agreement > max(self.plain.values())

    def cells(self) -> list[str]:
        accuracy = "" if self.accuracy is None else f"{self.accuracy:.2%} ({self.float_accuracy:.2%})"
        plain = ", ".join(f"{widths}: {value:.2%}" for widths, value in self.plain.items())
        bits = [str(self.bits.weights), str(self.bits.results), self.bits.inputs]
        return [self.name, str(self.seed), f"{self.agreement:.2%}", accuracy, *bits, f"{self.seconds:.0f}", plain]


HEADER = (
    "network",
    "seed",
    "agreement",
    "accuracy (float)",
    "bits of weights, tensors / elements",
    "bits of results",
    "inputs",
    "s",
    "plain calibration",
)


def plain(case: Case, weights: int, results: int, inputs: Any) -> hlsgen.Project:
    """One width for all weights, one for all results, binary points by the largest values: what every tool does."""
    return hlsgen.convert(
        case.model,
        calibration=case.x,
        calibration_method="max",
        input_precision=inputs,
        weight_granularity="tensor",
        skip_passes=["equalise_channels"],
        defaults={"width": {"weight": weights, "result": results}},
    )


def compared(case: Case, project: hlsgen.Project, bits: Bits) -> dict[str, float]:
    """Plain calibration with the least whole widths that are no fewer bits, and with those by elements alone."""
    inputs = {t.name: str(t.type) for t in project.design.inputs}
    only = next(iter(inputs.values())) if len(inputs) == 1 else inputs
    pairs = {
        (
            math.ceil(max(bits.weights.tensors, bits.weights.elements)),
            math.ceil(max(bits.results.tensors, bits.results.elements)),
        ),
        (math.ceil(bits.weights.elements), math.ceil(bits.results.elements)),
    }
    return {f"{w}/{r}": case.agreement(plain(case, w, r, only)) for w, r in sorted(pairs)}


def measured(case: Case, target: float, options: dict[str, Any]) -> Row:
    start = time.perf_counter()
    found = hlsgen.quantize(case.model, case.x, target=target, **options)
    seconds = time.perf_counter() - start
    print(found, flush=True)
    project, bits = found.project, Bits.of(found.project)
    outputs = project.predict(case.held)
    return Row(
        case.name,
        case.seed,
        seconds,
        case.agreement(project),
        case.accuracy(outputs),
        case.accuracy(case.expected),
        bits,
        compared(case, project, bits),
    )


def main() -> None:
    from tasks import LEARNT

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(LEARNT))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--target", type=float, default=0.99)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="of quantize, as YAML")
    parser.add_argument("-o", "--output", type=Path, help="write all figures as JSON")
    given = parser.parse_args()
    import yaml

    options = {name: yaml.safe_load(value) for name, value in (option.split("=", 1) for option in given.option)}
    rows = []
    for name in given.networks or LEARNT:
        for seed in range(given.seeds):
            if not (given.folder / f"{name}-{seed}.keras").exists():
                continue
            rows.append(measured(Case.read(given.folder, name, seed, LEARNT[name]), given.target, options))
            print(" | ".join(rows[-1].cells()), flush=True)
    print()
    print(f"| {' | '.join(HEADER)} | met |")
    print(f"|{' --- |' * (len(HEADER) + 1)}")
    for row in rows:
        print(f"| {' | '.join(row.cells())} | {'yes' if row.passes(given.target) else 'no'} |")
    if given.output:
        given.output.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
