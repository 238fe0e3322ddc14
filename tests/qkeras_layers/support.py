"""What the tests of QKeras's layers share: one layer as a model, seeded weights, the library's answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hlsgen import convert
from hlsgen.project import Project
from tests.qkeras_layers.random_models import LIBRARY, Generator, frameworks

__all__ = ["LIBRARY", "answer", "assert_same", "frameworks", "grid", "project_of", "restore_old_names", "single"]

INPUT = "fixed<8,3>"


def single(kind: str, shape: tuple[int, ...], seed: int = 0, **options: Any) -> Any:
    """A model of one QKeras layer named 'layer', with seeded weights."""
    qkeras, keras = frameworks()
    inputs = keras.Input(shape)
    model = keras.Model(inputs, getattr(qkeras, kind)(**options, name="layer")(inputs))
    Generator(seed).randomize(model)
    return model


def restore_old_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """QKeras 0.9 calls functions of TensorFlow's by names that they have not had since 2.13."""
    import tensorflow
    from tensorflow.python.ops import array_ops
    from tensorflow.python.util import nest

    monkeypatch.setattr(nest, "is_sequence", nest.is_nested, raising=False)
    monkeypatch.setattr(array_ops, "unstack", tensorflow.unstack, raising=False)


def grid(shape: tuple[int, ...], seed: int = 0, samples: int = 16) -> NDArray[np.float32]:
    """Every kind of value of the input type, its ends included."""
    mantissas = np.random.default_rng(seed).integers(-128, 128, (samples, *shape))
    mantissas[0], mantissas[1] = -128, 127
    return (mantissas / 32).astype(np.float32)


def answer(model: Any, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the library computes at inference.

    In qkeras 0.9 the compiled ``predict`` may differ from a call by a unit in the last place (constants are folded).
    """
    called = np.asarray(model(x, training=False), dtype=np.float64)
    np.testing.assert_allclose(model.predict(x, verbose=0), called, rtol=2.0**-22, atol=2.0**-22)
    return called


def project_of(model: Any) -> Project:
    return convert(model, input_precision=INPUT)


def assert_same(model: Any, shape: tuple[int, ...], bound: float = 0.0) -> Project:
    """NumPy reference and emulator agree to the bit, and with the library up to ``bound``."""
    project, x = project_of(model), grid(shape)
    reference = project.evaluate(x)[model.layers[-1].name]
    np.testing.assert_array_equal(project.trace(x)[model.layers[-1].name], reference)
    theirs = answer(model, x)
    if bound:
        assert float(np.abs(reference - theirs).max()) <= bound
    else:
        np.testing.assert_array_equal(reference, theirs)
    return project
