"""mnist_lstm: an LSTM that reads a digit row by row (Keras 3).

To run:

    pip install tensorflow keras
    python example-models/mnist_lstm/train.py --data mnist.npz
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
            layers.LSTM(32, name="lstm"),
            layers.Dense(10, activation="softmax", name="classes"),
        ],
        name="mnist_lstm",
    )


if __name__ == "__main__":
    train(FOLDER, build, epochs=8)
