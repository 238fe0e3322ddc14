"""jet_tagging: a float perceptron that tells five kinds of jets by sixteen features (Keras 3).

To run:

    pip install tensorflow keras
    python example-models/jet_tagging/train.py
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import keras  # noqa: E402
import numpy as np  # noqa: E402
from common import accuracy, check_reload, make_reproducible, save_arrays  # noqa: E402
from jets import CLASSES, FEATURES, make  # noqa: E402
from keras import layers  # noqa: E402

TRAINING_JETS, TRAINING_SEED = 40_000, 1
HELD_OUT_JETS, HELD_OUT_SEED = 20_000, 2
STORED_JETS = 1_000
EPOCHS = 20
BATCH = 128


NOISE = 0.1
"""Of each hidden value while it learns, as dropout of so large a share would bring: what bears noise bears few bits."""
DECAY = 3e-5


def build(training: bool = False) -> keras.Model:
    """(16,) -> 5 class probabilities; with what makes it robust, if it is to be trained."""
    parts: list[layers.Layer] = [keras.Input((len(FEATURES),), name="jet")]
    regularizer = keras.regularizers.L1(DECAY) if training else None
    for name, units in {"fc1": 64, "fc2": 32, "fc3": 32}.items():
        parts.append(layers.Dense(units, activation="relu", kernel_regularizer=regularizer, name=name))
        if training:
            parts.append(layers.GaussianDropout(NOISE, seed=len(parts), name=f"{name}_noise"))
    last = layers.Dense(len(CLASSES), activation="softmax", kernel_regularizer=regularizer, name="classes")
    return keras.Sequential([*parts, last], name="jet_tagging")


def main() -> None:
    """Train, save the model and its samples, check what was saved."""
    make_reproducible()
    raw, y_train = make(TRAINING_JETS, TRAINING_SEED)
    held_out, y_test = make(HELD_OUT_JETS, HELD_OUT_SEED)
    mean, deviation = raw.mean(axis=0, dtype=np.float64), raw.std(axis=0, dtype=np.float64)
    x_train, x_test = (((x - mean) / deviation).astype(np.float32) for x in (raw, held_out))

    trained = build(training=True)
    steps = EPOCHS * -(-len(x_train) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(0.003, steps)
    trained.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    trained.fit(x_train, y_train, batch_size=BATCH, epochs=EPOCHS, verbose=2)

    model = build()  # without noise and the optimiser's state
    for layer in model.layers:
        layer.set_weights(trained.get_layer(layer.name).get_weights())
    model.save(FOLDER / "model.keras")
    reached = accuracy(model.predict(x_test, verbose=0), y_test)
    x, y = x_test[:STORED_JETS], y_test[:STORED_JETS]
    expected = model.predict(x, verbose=0)
    save_arrays(FOLDER, x=x, y=y, expected=expected)
    print(f"held-out accuracy {reached:.4f} ({len(x_test)} jets), stored {accuracy(expected, y):.4f}")
    check_reload(FOLDER, keras.models.load_model, "model.keras")


if __name__ == "__main__":
    main()
