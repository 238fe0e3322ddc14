"""What the tests of known hazards share: build, convert both ways, compare with Keras and with the emulator."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import UnsupportedError
from hlsgen.project import Project
from tests.ladder.harness import ALL, DIAGONAL, Variant, convert, dyadic_weights, grid_input
from tests.oracle import processor_independent
from tests.qkeras_layers.random_models import LIBRARY, Generator

INPUT = "fixed<8,4>"
BOTH = ("keras", "tf_keras")
OLD_QKERAS = pytest.mark.skipif(LIBRARY != "qkeras", reason="needs qkeras 0.9")
NEW_QKERAS = pytest.mark.skipif(LIBRARY != "qkeras-v3", reason="needs qkeras-v3")

__all__ = ["BOTH", "INPUT", "NEW_QKERAS", "OLD_QKERAS", "Generator"]


def framework(library: str) -> Any:
    """Keras 3 or tf_keras; the test is skipped where it is not installed."""
    return pytest.importorskip(library)


def qkeras() -> tuple[Any, Any]:
    """QKeras and the Keras it stands on."""
    if LIBRARY is None:
        pytest.skip("needs a qkeras")
    return importlib.import_module("qkeras"), importlib.import_module("tf_keras" if LIBRARY == "qkeras" else "keras")


def stack(keras: Any, shape: Sequence[int], *layers: Any) -> Any:
    """A functional model of layers one behind the other."""
    x = first = keras.Input(tuple(shape))
    for layer in layers:
        x = layer(x)
    return keras.Model(first, x)


def exact(model: Any) -> Any:
    """Give a model weights with which Keras's float32 computes exactly; return it."""
    dyadic_weights(model)
    return model


def random_weights(model: Any, seed: int = 0) -> Any:
    """Give a QKeras model weights that lie on no grid, and BatchNormalization statistics; return it."""
    Generator(seed).randomize(model)
    return model


def data_for(model: Any, samples: int = 24) -> Any:
    """Inputs on the grid of ``INPUT``, the ends of its range included; one array, or one for each input."""
    arrays = [grid_input(t.shape[1:], seed=i, bound=32, samples=samples) for i, t in enumerate(model.inputs)]
    return arrays if len(arrays) > 1 else arrays[0]


def answers(model: Any, x: Any) -> list[Any]:
    """What Keras computes at inference, one array for each output; normalisation on any processor the same."""
    y = processor_independent(model)(x, training=False)
    return [np.asarray(v, dtype=np.float64) for v in (y if isinstance(y, list | tuple) else [y])]


def check(
    model: Any,
    x: Any = None,
    bound: float = 0.0,
    variants: Sequence[Variant] = DIAGONAL,
    source: Any = None,
    **settings: Any,
) -> Project:
    """Assert that hlsgen means what Keras means, within ``bound``, and that every executor gives the same integers.

    ``source`` is what is converted where that is not the live model itself. Returns the first variant's project.
    """
    x = data_for(model) if x is None else x
    wanted = answers(model, x)
    common = {"input_precision": INPUT} | settings
    projects = [convert(model if source is None else source, variant, **common) for variant in variants]
    measure = _outputs(projects[0], projects[0].evaluate(x, raw=True))
    for variant, project in zip(variants, projects, strict=True):
        raw, real = (_list(project.predict(x, raw=r), len(wanted)) for r in (True, False))
        for right, mantissas, values, expected in zip(measure, raw, real, wanted, strict=True):
            np.testing.assert_array_equal(mantissas, right, err_msg=f"emulator against NumPy, {variant}")
            assert values.shape == expected.shape
            np.testing.assert_allclose(values, expected, rtol=0, atol=bound, err_msg=f"against Keras, {variant}")
    return projects[0]


def _outputs(project: Project, by_key: dict[str, Any]) -> list[Any]:
    keys = project.trace_keys()
    return [next(by_key[k] for k, v in keys.items() if v is output) for output in project.design.outputs]


def _list(result: Any, count: int) -> list[Any]:
    return list(result) if count > 1 else [result]


def refused(model: Any, *words: str, **settings: Any) -> str:
    """Assert that the model is refused as unsupported and that the message holds all words; return it."""
    with pytest.raises(UnsupportedError) as caught:
        hlsgen.convert(model, **settings)
    message = str(caught.value)
    for word in words:
        assert word in message, f"{word!r} is not in: {message}"
    return message


def right_or_refused(model: Any, *words: str, bound: float = 0.0) -> None:
    """For what may become supported: Keras's result, or a refusal that holds all words."""
    try:
        hlsgen.convert(model)
    except UnsupportedError:
        refused(model, *words)
    else:
        check(model, bound=bound, variants=ALL)
