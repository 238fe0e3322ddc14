"""mnist_gru: a GRU that reads a digit from above and one that reads it from below (Keras 3).

To run:

    pip install tensorflow keras
    python example-models/mnist_gru/train.py --data mnist.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import keras  # noqa: E402
from keras import layers  # noqa: E402
from sequences import train  # noqa: E402


def build() -> keras.Model:
    """(28, 28) -> 10 class probabilities."""
    return keras.Sequential(
        [
            keras.Input((28, 28), name="rows"),
            layers.Bidirectional(layers.GRU(16), name="gru"),
            layers.Dense(10, activation="softmax", name="classes"),
        ],
        name="mnist_gru",
    )


if __name__ == "__main__":
    train(FOLDER, build, epochs=8)
