"""iris_mlp: a float multilayer perceptron on Fisher's iris data (Keras 3).

To run:

    pip install tensorflow keras scikit-learn      # scikit-learn only for the data
    python example-models/iris_mlp/train.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import keras  # noqa: E402
from common import accuracy, check_reload, make_reproducible, save_arrays  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402

TRAIN_SAMPLES = 120


def build() -> keras.Model:
    """4 lengths in cm -> 16 -> 16 -> 3 class probabilities."""
    return keras.Sequential(
        [
            keras.Input((4,), name="features"),
            keras.layers.Dense(16, activation="relu", name="fc1"),
            keras.layers.Dense(16, activation="relu", name="fc2"),
            keras.layers.Dense(3, activation="softmax", name="classes"),
        ],
        name="iris_mlp",
    )


def main() -> None:
    """Train, save the model and its samples, check what was saved."""
    make_reproducible()
    iris = load_iris()
    order = np.random.default_rng(0).permutation(len(iris.data))
    x, y = iris.data[order].astype(np.float32), iris.target[order]

    trained = build()
    trained.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    trained.fit(x[:TRAIN_SAMPLES], y[:TRAIN_SAMPLES], batch_size=16, epochs=60, verbose=0)

    model = build()  # without the optimiser's state
    model.set_weights(trained.get_weights())
    model.save(FOLDER / "model.keras")
    expected = model.predict(x, verbose=0)
    save_arrays(FOLDER, x=x, y=y, expected=expected)
    print(f"held-out accuracy {accuracy(expected[TRAIN_SAMPLES:], y[TRAIN_SAMPLES:]):.4f} (30 samples)")
    print(f"accuracy on all   {accuracy(expected, y):.4f} (150 samples)")
    check_reload(FOLDER, keras.models.load_model, "model.keras")


if __name__ == "__main__":
    main()
