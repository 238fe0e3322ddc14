"""Train the networks of the comparison, each some minutes at most; what is there already stays.

    python benchmarks/trained/train.py --digits mnist.npz                     # all, seed 0
    python benchmarks/trained/train.py --digits mnist.npz --seeds 3 resnet8   # one, three times

A network is written as ``build/trained/NAME-SEED.keras``, what Keras makes of held-out samples beside it as ``.npy``, and
what it reads as ``build/trained/TASK.npz``: ``x_given``, ``y_given`` for quantize, ``x_held``, ``y_held`` to judge by.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from files import ROOT
from tasks import LEARNT, TASKS, Array, Part, Task

FOLDER = ROOT / "build" / "trained"


def task_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.npz"


def model_file(folder: Path, name: str, seed: int) -> Path:
    return folder / f"{name}-{seed}.keras"


def outputs_file(folder: Path, name: str, seed: int) -> Path:
    return folder / f"{name}-{seed}.npy"


def _stored(folder: Path, name: str, digits: Path | None) -> Task:
    """The task, and its file written if it is not there."""
    task, file = TASKS[name](digits), task_file(folder, name)
    if not file.exists():
        arrays = {f"x_{part}": getattr(task, part).x for part in ("given", "held")}
        labels = {f"y_{part}": getattr(task, part).y for part in ("given", "held")}
        np.savez(file, **arrays, **{key: y for key, y in labels.items() if y is not None})
    return task


def train(folder: Path, name: str, seed: int, digits: Path | None) -> float:
    """Train one network, write it without its optimiser, and give its accuracy (or error) on what is held out."""
    import keras
    from networks import NETWORKS

    network, task = NETWORKS[name], _stored(folder, LEARNT[name], digits)
    keras.utils.set_random_seed(seed)
    model = network.build()
    steps = network.epochs * -(-len(task.train.x) // network.batch)
    loss = "mse" if task.train.y is None else "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(network.rate, steps)), loss)
    wanted = task.train.x if task.train.y is None else task.train.y
    model.fit(task.train.x, wanted, batch_size=network.batch, epochs=network.epochs, verbose=0)
    plain = network.build()
    plain.set_weights(model.get_weights())
    found = plain.predict(task.held.x, verbose=0, batch_size=500)
    np.save(outputs_file(folder, name, seed), found)
    plain.save(model_file(folder, name, seed))
    return _quality(found, task.held)


def _quality(found: Array, part: Part) -> float:
    """Accuracy, or root of the mean squared error of what restores its input."""
    if part.y is None:
        return float(np.sqrt(np.mean((found - part.x) ** 2)))
    return float(np.mean(found.argmax(axis=-1) == part.y))


def main() -> None:
    from networks import NETWORKS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS))
    parser.add_argument("--digits", type=Path, help=".npz with x (n, 28, 28) and y (n,); else those of scikit-learn")
    parser.add_argument("--seeds", type=int, default=1, help="how many of each")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    unknown = sorted(set(given.networks) - set(NETWORKS))
    if unknown:
        parser.error(f"no network {', '.join(unknown)}; there are {', '.join(NETWORKS)}")
    given.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(given.seeds):
        for name in given.networks or NETWORKS:
            if model_file(given.folder, name, seed).exists():
                continue
            start = time.perf_counter()
            quality = train(given.folder, name, seed, given.digits)
            print(f"{name} {seed}: {quality:.4f} in {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
