"""digits_mlp: a 6 bit multilayer perceptron on scikit-learn's 8x8 digits (QKeras 0.9.0 on legacy Keras).

To run:

    pip install tensorflow tf_keras qkeras==0.9.0 scikit-learn      # scikit-learn only for the data
    python example-models/digits_mlp/train.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before TensorFlow is imported
FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import numpy as np  # noqa: E402
import tf_keras as keras  # noqa: E402
from common import accuracy, check_reload, make_reproducible, save_arrays  # noqa: E402
from exactness import integer_logits  # noqa: E402
from qkeras import QActivation, QDense, quantized_bits  # noqa: E402
from qkeras.utils import load_qmodel  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402

TRAIN_SAMPLES = 1_400
STORED_SAMPLES = 300
EPOCHS = 60


def dense(units: int, name: str) -> QDense:
    """A dense layer whose kernel and bias are multiples of 1/32 in [-1, 31/32]."""
    return QDense(
        units,
        kernel_quantizer=quantized_bits(6, 0, alpha=1),
        bias_quantizer=quantized_bits(6, 0, alpha=1),
        name=name,
    )


def build() -> keras.Model:
    """64 pixels in sixteenths -> 32 -> 32 -> 10 class probabilities."""
    return keras.Sequential(
        [
            keras.Input((64,), name="pixels"),
            dense(32, "fc1"),
            QActivation("quantized_relu(6,2)", name="relu1"),
            dense(32, "fc2"),
            QActivation("quantized_relu(6,2)", name="relu2"),
            dense(10, "logits"),
            keras.layers.Activation("softmax", name="softmax"),
        ],
        name="digits_mlp",
    )


def main() -> None:
    """Train, save the model and its samples, check what was saved."""
    make_reproducible()
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.data))
    x, y = (digits.data[order] / 16).astype(np.float32), digits.target[order]
    x_test, y_test = x[TRAIN_SAMPLES:], y[TRAIN_SAMPLES:]

    trained = build()
    steps = EPOCHS * -(-TRAIN_SAMPLES // 32)
    rate = keras.optimizers.schedules.CosineDecay(0.003, steps)
    trained.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    trained.fit(x[:TRAIN_SAMPLES], y[:TRAIN_SAMPLES], batch_size=32, epochs=EPOCHS, verbose=0)

    model = build()  # without the optimiser's state
    model.set_weights(trained.get_weights())
    model.save(FOLDER / "model.keras")
    model.save(FOLDER / "model.h5")
    held_out = accuracy(model.predict(x_test, verbose=0), y_test)
    x, y = x_test[:STORED_SAMPLES], y_test[:STORED_SAMPLES]
    logits = keras.Model(model.input, model.get_layer("logits").output).predict(x, verbose=0)
    softmax = model.predict(x, verbose=0)
    save_arrays(FOLDER, x=x, y=y, expected=logits, expected_softmax=softmax)
    print(f"held-out accuracy {held_out:.4f} ({len(x_test)} samples), stored {accuracy(softmax, y):.4f}")
    np.testing.assert_array_equal(integer_logits(model, x, input_fraction=4, input_limit=16), logits)
    print("integer arithmetic gives the same logits")
    check_reload(FOLDER, load_qmodel, "model.keras", "model.h5")


if __name__ == "__main__":
    main()
