"""What the networks share that read an MNIST digit row by row: 28 steps of 28 pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
from common import (
    STORED_IMAGES,
    accuracy,
    check_reload,
    make_reproducible,
    mnist_from_command_line,
    save_arrays,
)

BATCH = 32


def train(folder: Path, build: Callable[[], keras.Model], epochs: int) -> None:
    """Train what ``build`` makes, (28, 28) -> 10 class probabilities, and write the files of ``folder``."""
    make_reproducible()
    data = mnist_from_command_line()
    rows_train, rows_test = data.x_train[..., 0], data.x_test[..., 0]

    trained = build()
    steps = epochs * -(-len(rows_train) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(0.003, steps)
    trained.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    trained.fit(rows_train, data.y_train, batch_size=BATCH, epochs=epochs, verbose=2)

    model = build()  # without the optimiser's state
    model.set_weights(trained.get_weights())
    model.save(folder / "model.keras")
    held_out = accuracy(model.predict(rows_test, verbose=0), data.y_test)
    x, y = rows_test[:STORED_IMAGES], data.y_test[:STORED_IMAGES]
    expected = model.predict(x, verbose=0)
    save_arrays(folder, x=x, y=y, expected=expected)
    print(f"held-out accuracy {held_out:.4f} ({len(rows_test)} images), stored {accuracy(expected, y):.4f}")
    check_reload(folder, keras.models.load_model, "model.keras")
