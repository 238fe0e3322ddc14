"""xor_mlp: the smallest network that needs a hidden layer, for a first circuit on a board (Keras 3).

To run:

    pip install tensorflow keras
    python example-models/xor_mlp/train.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import keras  # noqa: E402
from common import check_reload, make_reproducible, save_arrays  # noqa: E402

TIMES = 64
"""How often each row of the truth table is stored."""


def build() -> keras.Model:
    """2 bits -> 4 -> the probability that one of them is set, and one is not."""
    return keras.Sequential(
        [
            keras.Input((2,), name="bits"),
            keras.layers.Dense(4, activation="relu", name="hidden"),
            keras.layers.Dense(1, activation="sigmoid", name="odd"),
        ],
        name="xor_mlp",
    )


def main() -> None:
    """Train, save the model and its samples, check what was saved."""
    make_reproducible(seed=2)
    bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    x = np.random.default_rng(0).permutation(np.tile(bits, (TIMES, 1)))
    y = x[:, 0].astype(np.int64) ^ x[:, 1].astype(np.int64)

    trained = build()
    trained.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    trained.fit(x, y, batch_size=32, epochs=100, verbose=0)

    model = build()  # without the optimiser's state
    model.set_weights(trained.get_weights())
    model.save(FOLDER / "model.keras")
    expected = model.predict(x, verbose=0)
    save_arrays(FOLDER, x=x, y=y, expected=expected)
    for row, probability in zip(bits, model.predict(bits, verbose=0)[:, 0], strict=True):
        print(f"{row.astype(int).tolist()}: {probability:.4f}")
    np.testing.assert_array_equal(np.rint(expected[:, 0]), y)
    check_reload(FOLDER, keras.models.load_model, "model.keras")


if __name__ == "__main__":
    main()
