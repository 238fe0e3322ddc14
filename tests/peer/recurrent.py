"""Scenarios of recurrent layers and of TimeDistributed."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tests.peer.scenario import EQUAL, KERAS2, KERAS3, Floats, Kit, Scenario, Shape, Within, centred, integers

BOTH = (KERAS2, KERAS3)
TWENTIETH = Within(0.05)
INITIAL = {f"{name}_initializer": "lecun_uniform" for name in ("kernel", "recurrent", "bias")}
CELLS = ("SimpleRNN", "LSTM", "GRU")


def _recurrent(name: str, shape: Shape, units: int, **options: Any) -> Any:
    return lambda kit: kit.stack(shape, getattr(kit.layers, name)(units, **options))


def _both_ways(shape: Shape, units: tuple[int, int], **options: Any) -> Any:
    """An LSTM forwards and a GRU backwards."""

    def build(kit: Kit) -> Any:
        forwards = kit.layers.LSTM(units[0], **options)
        backwards = kit.layers.GRU(units[1], go_backwards=True, **options)
        return kit.stack(shape, kit.layers.Bidirectional(forwards, backward_layer=backwards))

    return build


def _bidirectional(name: str, units: int = 4, merge_mode: str | None = "concat", **options: Any) -> Any:
    def build(kit: Kit) -> Any:
        inner = getattr(kit.layers, name)(units, **options)
        return kit.stack((5, 8), kit.layers.Bidirectional(inner, merge_mode=merge_mode))

    return build


def _fine(rng: np.random.Generator, shape: Shape) -> Floats:
    return np.round(centred(rng, shape) * 2**22) * 2.0**-22


def recurrent() -> list[Scenario]:
    found = []
    for sequences, cell in product((True, False), (*CELLS, "Bidirectional")):
        options = {"return_sequences": sequences}
        of_cell = _recurrent(cell, (3, 8), 64, **options)
        model = _both_ways((3, 8), (37, 27), **options) if cell == "Bidirectional" else of_cell
        name = f"{cell}{', sequences' if sequences else ''}"
        found.append(Scenario("rnn", f"{name}, 64 units", model, TWENTIETH, centred, samples=20, libraries=BOTH))
        options |= INITIAL
        of_cell = _recurrent(cell, (12, 8), 32, **options)
        model = _both_ways((12, 8), (15, 17), **options) if cell == "Bidirectional" else of_cell
        slow = sequences or cell == "Bidirectional"
        found.append(
            Scenario("rnn", name, model, TWENTIETH, _fine, "fixed<32,10>", samples=20, libraries=BOTH, slow=slow)
        )
    wide: dict[str, Any] = {"tolerance": TWENTIETH, "precision": "fixed<32,10>", "samples": 20, "libraries": BOTH}
    for cell in ("LSTM", "GRU"):
        found.append(Scenario("rnn", f"{cell}, no bias", _recurrent(cell, (5, 8), 4, use_bias=False), **wide))
        model = _bidirectional(cell, use_bias=False)
        found.append(Scenario("rnn", f"both ways, {cell}, no bias", model, **wide, slow=cell == "LSTM"))
        model = _recurrent(cell, (12, 8), 8, **INITIAL)
        found.append(Scenario("dense_unrolled", cell, model, TWENTIETH, centred, "fixed<32,16>", samples=20))
    found.append(Scenario("rnn", "both ways, GRU", _bidirectional("GRU"), **wide))
    return found


def options() -> list[Scenario]:
    """What the other tool's reader takes or refuses; here all of it is computed."""
    models = {
        "LSTM no bias": _recurrent("LSTM", (5, 8), 4, use_bias=False),
        "GRU reset before": _recurrent("GRU", (5, 8), 4, reset_after=False),
        "LSTM backwards": _recurrent("LSTM", (5, 8), 4, go_backwards=True),
        "both ways, sum": _bidirectional("LSTM", merge_mode="sum"),
        "both ways, concat": _bidirectional("LSTM"),
        "both ways, two outputs": _bidirectional("LSTM", merge_mode=None),
        "both ways, SimpleRNN": _bidirectional("SimpleRNN"),
    }
    return [Scenario("keras_converter", name, model, TWENTIETH, centred, samples=20) for name, model in models.items()]


# -- a layer at every step -----------------------------------------------------------------------


def _conv_and_pool(kit: Kit) -> list[Any]:
    conv = kit.layers.Conv2D(4, 3, kernel_initializer="ones", use_bias=False)
    return [conv, kit.layers.MaxPooling2D(2)]


def _distributed(kit: Kit) -> Any:
    return kit.stack((5, 10, 10, 3), *map(kit.layers.TimeDistributed, _conv_and_pool(kit)))


def _model_at_each_step(kit: Kit) -> Any:
    inner = kit.stack((10, 10, 3), *_conv_and_pool(kit))
    return kit.stack((5, 10, 10, 3), kit.layers.TimeDistributed(inner, name="steps"))


def _lstm_and_dense(kit: Kit) -> Any:
    dense = kit.layers.TimeDistributed(kit.layers.Dense(1))
    return kit.stack((8, 8), kit.layers.LSTM(4, return_sequences=True), dense)


def time_distributed() -> list[Scenario]:
    whole: dict[str, Any] = {"tolerance": EQUAL, "draw": integers(0, 5), "precision": "fixed<10,8>", "samples": 10}
    return [
        Scenario("time_distributed", "convolution, pool", _distributed, **whole, libraries=BOTH),
        Scenario("time_distributed", "a model", _model_at_each_step, **whole, libraries=BOTH),
        Scenario(
            "time_distributed", "LSTM, dense", _lstm_and_dense, TWENTIETH, centred, "fixed<32,16>", 10, libraries=BOTH
        ),
    ]


SCENARIOS = [*recurrent(), *options(), *time_distributed()]
