"""Load every stored model in a fresh process and compare its prediction on x.npy with the stored one.

    python example-models/check.py                # all folders
    python example-models/check.py digits_mlp     # one

Logits of the QKeras models have to be equal: float32 computes them exactly. Softmax and the float models
are rounded, so another processor or TensorFlow build may differ in the last bits; up to 1e-5 is accepted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # for QKeras; `import keras` is Keras 3 all the same
FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

from common import Array, accuracy, make_reproducible  # noqa: E402

ROUNDING = 1e-5


def predict_float(path: Path, x: Array) -> dict[str, Array]:
    """A Keras 3 model's output."""
    import keras

    return {"expected": keras.models.load_model(path).predict(x, verbose=0)}


def predict_qkeras(path: Path, x: Array) -> dict[str, Array]:
    """A QKeras model's logits and output."""
    import tf_keras
    from qkeras.utils import load_qmodel

    model: Any = load_qmodel(str(path))
    logits = tf_keras.Model(model.input, model.get_layer("logits").output)
    return {"expected": logits.predict(x, verbose=0), "expected_softmax": model.predict(x, verbose=0)}


def check(path: Path) -> bool:
    """Compare one model file with the arrays beside it; print what was found."""
    folder = path.parent
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    has_logits = (folder / "expected_softmax.npy").exists()
    results = (predict_qkeras if has_logits else predict_float)(path, x)
    good = True
    for name, found in results.items():
        difference = float(np.abs(found - np.load(folder / f"{name}.npy")).max())
        allowed = 0.0 if has_logits and name == "expected" else ROUNDING
        good &= difference <= allowed
        print(f"{folder.name}/{path.name} {name}: {len(x)} samples, largest difference {difference:g}")
    print(f"{folder.name}/{path.name}: accuracy on the stored samples {accuracy(results['expected'], y):.4f}")
    return good


def main() -> None:
    """Check the folders named on the command line, or all."""
    make_reproducible()
    folders = [FOLDER / name for name in sys.argv[1:]] or sorted(p.parent for p in FOLDER.glob("*/train.py"))
    files = [path for folder in folders for path in sorted(folder.glob("model.*"))]
    if not files:
        raise SystemExit(f"no model.keras or model.h5 in {', '.join(str(f) for f in folders)}")
    results = [check(path) for path in files]  # all of them, so that every failure is printed
    if not all(results):
        raise SystemExit("a stored model does not reproduce its stored predictions")


if __name__ == "__main__":
    main()
