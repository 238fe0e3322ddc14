"""residual_cnn: a float residual CNN, one identity block and one projection block (Keras 3, functional).

To run:

    pip install tensorflow keras
    python example-models/residual_cnn/train.py --data mnist.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import keras  # noqa: E402
from common import (  # noqa: E402
    STORED_IMAGES,
    accuracy,
    check_reload,
    make_reproducible,
    mnist_from_command_line,
    save_arrays,
)
from keras import layers  # noqa: E402

EPOCHS = 16
BATCH = 32


def normalised_convolution(x: keras.KerasTensor, channels: int, size: int, stride: int, name: str) -> keras.KerasTensor:
    """`same` convolution without bias, then batch normalisation."""
    x = layers.Conv2D(channels, size, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)


def residual_block(x: keras.KerasTensor, channels: int, stride: int, name: str) -> keras.KerasTensor:
    """Two 3x3 convolutions beside a shortcut: the identity, or a 1x1 projection where the shape changes."""
    inner = normalised_convolution(x, channels, 3, stride, f"{name}_a")
    inner = layers.ReLU(name=f"{name}_a_relu")(inner)
    inner = normalised_convolution(inner, channels, 3, 1, f"{name}_b")
    keeps_shape = stride == 1 and x.shape[-1] == channels
    shortcut = x if keeps_shape else normalised_convolution(x, channels, 1, stride, f"{name}_projection")
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([inner, shortcut]))


def build() -> keras.Model:
    """(28, 28, 1) -> stem (14, 14, 8) -> block1 (14, 14, 8) -> block2 (7, 7, 16) -> 16 means -> 10."""
    image = keras.Input((28, 28, 1), name="image")
    x = normalised_convolution(image, 8, 3, 2, "stem")
    x = layers.ReLU(name="stem_relu")(x)
    x = residual_block(x, 8, 1, "block1")
    x = residual_block(x, 16, 2, "block2")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="classes")(x), name="residual_cnn")


def main() -> None:
    """Train, save the model and its samples, check what was saved."""
    make_reproducible()
    data = mnist_from_command_line()

    trained = build()
    steps = EPOCHS * -(-len(data.x_train) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(0.01, steps)
    trained.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    trained.fit(data.x_train, data.y_train, batch_size=BATCH, epochs=EPOCHS, verbose=2)

    model = build()  # without the optimiser's state
    model.set_weights(trained.get_weights())
    model.save(FOLDER / "model.keras")
    held_out = accuracy(model.predict(data.x_test, verbose=0), data.y_test)
    x, y = data.x_test[:STORED_IMAGES], data.y_test[:STORED_IMAGES]
    expected = model.predict(x, verbose=0)
    save_arrays(FOLDER, x=x, y=y, expected=expected)
    print(f"held-out accuracy {held_out:.4f} ({len(data.x_test)} images), stored {accuracy(expected, y):.4f}")
    check_reload(FOLDER, keras.models.load_model, "model.keras")


if __name__ == "__main__":
    main()
