"""How good the fronts are that each sampler finds: hypervolumes over seeds and numbers of trials.

    python benchmarks/sweep.py                      # all spaces and samplers, 5 seeds
    python benchmarks/sweep.py --spaces mlp --seeds 20 --trials 30,100,300

Designs are measured once and kept (--cache), so that samplers and seeds share them. The volume is what a front dominates
of the box between the best and the worst that any sampler saw, each objective from 0 to 1; random search is the measure.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.explore.goals import Costs, costs, hypervolume
from hlsgen.explore.objectives.table import read_objectives
from hlsgen.explore.origin import Origin
from hlsgen.explore.sampling.choose import make_sampler
from hlsgen.explore.spaces import read_space
from hlsgen.explore.sweep import _project, _work
from hlsgen.explore.trial import Ask

MODELS = Path(__file__).resolve().parents[1] / "example-models"
SPACES: dict[str, tuple[str, list[str], int, dict[str, Any]]] = {
    "mlp": (
        "digits_mlp",
        ["accuracy", "bits"],
        300,
        {
            "input_precision": "ufixed<2..8,0,RND,SAT>",
            "w": {"paths": "layers.*.precision.weight", "values": "fixed<2..9,1>", "each": True},
            "r": {"paths": "layers.relu*.precision.result", "values": "ufixed<2..9,3,RND,SAT>", "each": True},
        },
    ),
    "cnn": (
        "mnist_cnn_bn",
        ["agreement", "bits"],
        50,
        {
            "layers.conv1.precision.weight": "fixed<3..10,3>",
            "w": {"paths": ["layers.conv2.precision.weight", "layers.classes.precision.weight"],
                  "values": "fixed<2..9,1>", "each": True},
            "r": {"paths": "layers.relu*.precision.result", "values": "ufixed<2..9,4,RND,SAT>", "each": True},
        },
    ),
    "cost": (
        "digits_mlp",
        ["lut", "dsp", "latency"],
        0,
        {
            "defaults.precision.weight": "fixed<3..12,1>",
            "f": {"paths": "layers.*.reuse_factor", "values": [1, 2, 4, 8, 16, 32], "each": True},
            "s": {"paths": "layers.*.strategy", "values": ["latency", "resource"], "each": True},
            "defaults.precision.result": "fixed<8..16:2,6,RND,SAT>",
        },
    ),
}  # fmt: skip


class Known:
    """Measures points, each once."""

    def __init__(self, name: str, cache: Path) -> None:
        model, objectives, samples, space = SPACES[name]
        folder = MODELS / model
        x = np.load(folder / "x.npy")[:samples] if samples else None
        y = np.load(folder / "y.npy")[:samples] if "accuracy" in objectives else None
        chosen = read_objectives(objectives, Origin(name))
        project, base = _project(str(folder / "model.keras"), None, {})
        self.space = read_space(space, project.graph, base, Origin(name))
        self.work = _work(project, base, chosen, x, y, (None, "classification", None))
        self.work.space = self.space
        self.goals = [objective.goal for objective in chosen]
        self.file = cache / f"{name}.pickle"
        self.found: dict[tuple[int, ...], Costs | None] = (
            pickle.loads(self.file.read_bytes()) if self.file.is_file() else {}
        )
        self.new = 0

    def __call__(self, steps: tuple[int, ...]) -> Costs | None:
        if steps not in self.found:
            outcome = self.work.measured(Ask(self.space.point(steps)))
            self.found[steps] = costs(self.goals, outcome.values) if outcome.values else None
            self.new += 1
            if self.new % 200 == 0:
                self.save()
        return self.found[steps]

    def save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_bytes(pickle.dumps(self.found))

    def box(self) -> tuple[np.ndarray, np.ndarray]:
        every = np.array([found for found in self.found.values() if found is not None])
        return every.min(axis=0), every.max(axis=0)


def searched(known: Known, sampler: str, seed: int, most: int) -> Iterator[tuple[tuple[int, ...], Costs | None, float]]:
    """A search by one worker: points, what was found, and the seconds that the sampler took."""
    how = make_sampler(sampler, known.space, len(known.goals), most, seed)  # type: ignore[arg-type]
    taken: set[tuple[int, ...]] = set()
    for _ in range(most):
        began = time.perf_counter()
        steps = how.ask(taken)
        if steps is None:
            return
        taken.add(steps)
        seconds = time.perf_counter() - began
        found = known(steps)
        began = time.perf_counter()
        how.tell(steps, found)
        yield steps, found, seconds + time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spaces", default=",".join(SPACES))
    parser.add_argument("--samplers", default="random,tpe,nsga2,auto")
    parser.add_argument("--trials", default="30,100,300")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cache", type=Path, default=Path("build/sweep"))
    options = parser.parse_args()
    counts = [int(word) for word in options.trials.split(",")]
    for name in options.spaces.split(","):
        known = Known(name, options.cache)
        runs: dict[tuple[str, int], list[Costs | None]] = {}
        spent: dict[str, float] = {}
        for sampler in options.samplers.split(","):
            for seed in range(options.seeds):
                found = list(searched(known, sampler, seed, max(counts)))
                runs[sampler, seed] = [values for _, values, _ in found]
                spent[sampler] = spent.get(sampler, 0.0) + sum(seconds for *_, seconds in found)
            known.save()
        report(name, known, runs, spent, counts, options.seeds)


def report(name: str, known: Known, runs: Any, spent: dict[str, float], counts: list[int], seeds: int) -> None:
    low, high = known.box()
    scale = np.where(high > low, high - low, 1)
    print(f"{name}: {known.space.size:,} points, {len(known.found):,} measured")
    volumes: dict[tuple[str, int], list[float]] = {}
    for sampler in spent:
        for count in counts:
            for seed in range(seeds):
                found = [tuple((np.array(v) - low) / scale) for v in runs[sampler, seed][:count] if v is not None]
                volume = hypervolume(found, (1.0 + 1e-9,) * len(known.goals))
                volumes.setdefault((sampler, count), []).append(volume)
    for sampler, seconds in spent.items():
        cells = []
        for count in counts:
            own, other = volumes[sampler, count], volumes.get(("random", count), [0.0] * seeds)
            wins = sum(a > b for a, b in zip(own, other, strict=True))
            cells.append(f"{statistics.mean(own):.4f} (least {min(own):.4f}, wins {wins}/{seeds})")
        print(f"  {sampler:8} {'  '.join(cells)}  {1e3 * seconds / seeds / max(counts):.1f} ms a trial", flush=True)


if __name__ == "__main__":
    main()
