"""mnist_transformer: a transformer encoder block over the rows of a digit (Keras 3).

To run:

    pip install tensorflow keras
    python example-models/mnist_transformer/train.py --data mnist.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import keras  # noqa: E402
from keras import layers  # noqa: E402
from sequences import train  # noqa: E402

WIDTH, HEADS = 32, 4


def build() -> keras.Model:
    """(28, 28) -> 10 class probabilities; the bias of the embedding tells the places apart."""
    rows = keras.Input((28, 28), name="rows")
    x = layers.EinsumDense("abc,cd->abd", (28, WIDTH), bias_axes="bd", name="embedding")(rows)
    attended = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name="attention")(x, x)
    x = layers.LayerNormalization(name="norm1")(layers.Add(name="add1")([x, attended]))
    hidden = layers.Dense(2 * WIDTH, activation="gelu", name="hidden")(x)
    x = layers.Add(name="add2")([x, layers.Dense(WIDTH, name="back")(hidden)])
    x = layers.LayerNormalization(name="norm2")(x)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    return keras.Model(rows, layers.Dense(10, activation="softmax", name="classes")(x), name="mnist_transformer")


if __name__ == "__main__":
    train(FOLDER, build, epochs=8)
