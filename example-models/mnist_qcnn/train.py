"""mnist_qcnn: a CNN with 4 bit weights and activations on MNIST (QKeras 0.9.0 on legacy Keras).

To run:

    pip install tensorflow tf_keras qkeras==0.9.0
    python example-models/mnist_qcnn/train.py --data mnist.npz
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before TensorFlow is imported
FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import numpy as np  # noqa: E402
import tf_keras as keras  # noqa: E402
from common import (  # noqa: E402
    STORED_IMAGES,
    accuracy,
    check_reload,
    make_reproducible,
    mnist_from_command_line,
    save_arrays,
)
from exactness import integer_logits  # noqa: E402
from qkeras import QActivation, QConv2D, QDense, quantized_bits  # noqa: E402
from qkeras.utils import load_qmodel  # noqa: E402
from tf_keras import layers  # noqa: E402

EPOCHS = 12
BATCH = 64


def quantizers() -> dict[str, Any]:
    """Kernels: multiples of 1/8 in [-1, 7/8]. Biases: multiples of 1/16 in [-8, 8)."""
    return {
        "kernel_quantizer": quantized_bits(4, 0, alpha=1),
        "bias_quantizer": quantized_bits(8, 3, alpha=1),
    }


def build() -> keras.Model:
    """(28, 28, 1) -> 10 class probabilities; activations are multiples of 1/4 in [0, 15/4]."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            QConv2D(8, (3, 3), name="conv1", **quantizers()),
            QActivation("quantized_relu(4,2)", name="relu1"),
            layers.MaxPooling2D(name="pool1"),
            QConv2D(16, (3, 3), name="conv2", **quantizers()),
            QActivation("quantized_relu(4,2)", name="relu2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flatten"),
            QDense(32, name="fc1", **quantizers()),
            QActivation("quantized_relu(4,2)", name="relu3"),
            QDense(10, name="logits", **quantizers()),
            layers.Activation("softmax", name="softmax"),
        ],
        name="mnist_qcnn",
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
    logits = keras.Model(model.input, model.get_layer("logits").output).predict(x, verbose=0)
    softmax = model.predict(x, verbose=0)
    save_arrays(FOLDER, x=x, y=y, expected=logits, expected_softmax=softmax)
    print(f"held-out accuracy {held_out:.4f} ({len(data.x_test)} images), stored {accuracy(softmax, y):.4f}")
    np.testing.assert_array_equal(integer_logits(model, x, input_fraction=8, input_limit=255), logits)
    print("integer arithmetic gives the same logits")
    check_reload(FOLDER, load_qmodel, "model.keras")


if __name__ == "__main__":
    main()
