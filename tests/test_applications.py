"""Every family of keras.applications converts and agrees with Keras, or is refused with the name of a layer.

Weights are Keras's seeded ones, and the statistics of every BatchNormalization are those of seeded images that run
through the network, as training would leave them. Images are small and have 8 x 8 pixels of one colour, so that deep
layers still see differences.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import hlsgen

pytestmark = pytest.mark.slow
FAMILIES = [
    ("ConvNeXtTiny", 64), ("DenseNet121", 64), ("EfficientNetB0", 64), ("EfficientNetV2B0", 64),
    ("InceptionResNetV2", 75), ("InceptionV3", 75), ("MobileNet", 64), ("MobileNetV2", 64), ("MobileNetV3Large", 64), ("MobileNetV3Small", 64), ("NASNetMobile", 64),
    ("ResNet50", 64), ("ResNet50V2", 64), ("VGG16", 32), ("Xception", 71),
]  # fmt: skip
COARSE = 0.1
"""Of the outputs' deviation between images, in root mean square: 16 bits round each of up to 200 layers to some 12 bits
of what is there, and random weights amplify that on the way."""
FINE = 0.02
"""The same with 24 bits, where what is left are the 2^14 steps of functions by table; without those it is 1e-4."""


@pytest.fixture(scope="module")
def keras() -> Any:
    return pytest.importorskip("keras")


def network(keras: Any, name: str, size: int) -> tuple[Any, NDArray[np.float32], NDArray[np.float32]]:
    """The network, images for it, and what it makes of them."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    build = getattr(keras.applications, name)
    model = build(weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # the next statistics alone count
            for weight, mean, deviation in ((layer.gamma, 1.0, 0.1), (layer.beta, 0.0, 0.1)):
                if weight is not None:
                    weight.assign(rng.normal(mean, deviation, weight.shape))
        elif type(layer).__name__ == "LayerScale":
            layer.gamma.assign(rng.normal(1.0, 0.1, layer.gamma.shape))  # of a millionth, branches would add nothing
    blocks = rng.integers(0, 256, (12, size // 8 + 1, size // 8 + 1, 3)).astype(np.float32)
    images = blocks.repeat(8, axis=1).repeat(8, axis=2)[:, :size, :size]
    if not any(isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization) for layer in model.layers):
        images = images / 127.5 - 1
    model(images, training=True)
    return model, images, np.asarray(model(images, training=False))


def error(project: hlsgen.Project, images: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Root mean square of the difference, by that of the differences between images; the best class is the same."""
    (output,) = project.design.outputs
    key = next(key for key, tensor in project.trace_keys().items() if tensor is output)
    found = project.evaluate(images)[key].reshape(expected.shape)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()
    return float(np.sqrt(np.square(found - expected).mean() / np.square(expected - expected.mean(axis=0)).mean()))


@pytest.mark.parametrize(("name", "size"), FAMILIES, ids=lambda value: str(value))
def test_family_agrees_with_keras(keras: Any, name: str, size: int) -> None:
    model, images, expected = network(keras, name, size)
    project = hlsgen.convert(model, calibration=images)
    few = slice(0, 4)
    assert error(project, images[few], expected[few]) < COARSE
    assert error(project.with_settings(default_width=24), images[few], expected[few]) < FINE
