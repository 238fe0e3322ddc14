"""mnist_cnn_bn: a float CNN with batch normalisation after each convolution (Keras 3).

To run:

    pip install tensorflow keras
    python example-models/mnist_cnn_bn/train.py --data mnist.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import keras  # noqa: E402
import numpy as np  # noqa: E402
from common import (  # noqa: E402
    STORED_IMAGES,
    accuracy,
    check_reload,
    make_reproducible,
    mnist_from_command_line,
    save_arrays,
)
from keras import layers  # noqa: E402

EPOCHS = 10
BATCH = 32


def build() -> keras.Model:
    """(28, 28, 1) -> 10 class probabilities; convolutions without bias, which the normalisation supplies."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Conv2D(8, 3, use_bias=False, name="conv1"),
            layers.BatchNormalization(momentum=0.9, name="bn1"),
            layers.ReLU(name="relu1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(16, 3, use_bias=False, name="conv2"),
            layers.BatchNormalization(momentum=0.9, name="bn2"),
            layers.ReLU(name="relu2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="softmax", name="classes"),
        ],
        name="mnist_cnn_bn",
    )


def main() -> None:
    """Train, save the model and its samples, check what was saved."""
    make_reproducible()
    data = mnist_from_command_line()

    trained = build()
    steps = EPOCHS * -(-len(data.x_train) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(0.003, steps)
    trained.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    trained.fit(data.x_train, data.y_train, batch_size=BATCH, epochs=EPOCHS, verbose=2)

    model = build()  # without the optimiser's state
    model.set_weights(trained.get_weights())
    model.save(FOLDER / "model.keras")
    held_out = accuracy(model.predict(data.x_test, verbose=0), data.y_test)
    x, y = data.x_test[:STORED_IMAGES], data.y_test[:STORED_IMAGES]
    expected = model.predict(x, verbose=0)
    save_arrays(FOLDER, x=x, y=y, expected=expected)
    pixels = (data.x_test[..., 0] * 256).astype(np.uint8)
    np.savez_compressed(FOLDER / "held_out.npz", x=pixels, y=data.y_test.astype(np.uint8))
    print(f"held-out accuracy {held_out:.4f} ({len(data.x_test)} images), stored {accuracy(expected, y):.4f}")
    check_reload(FOLDER, keras.models.load_model, "model.keras")


if __name__ == "__main__":
    main()
