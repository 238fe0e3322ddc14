"""Scenarios of whole networks, nested ones among them."""

from __future__ import annotations

from typing import Any

from tests.peer.scenario import Kit, Scenario, TopOne, Within, layer, stacked

OF_TYPES: dict[str, Any] = {"tolerance": Within(0.05, 0.02), "precision": "fixed<16,6>"}


def inferred_types() -> list[Scenario]:
    relu: dict[str, Any] = {"activation": "relu"}
    layers = [made for n in (8, 6, 4) for made in (layer("Dense", n, **relu), layer("BatchNormalization"))][:-1]
    found = [Scenario("auto_precision", "dense", stacked((4,), *layers), **OF_TYPES)]
    for rank, kind in ((1, "Conv"), (2, "Conv"), (1, "SeparableConv"), (2, "SeparableConv")):
        size = {1: 2, 2: 3}[rank]
        model = stacked(
            (12, 4) if rank == 1 else (10, 12, 4),
            layer(f"{kind}{rank}D", 8, 3),
            layer(f"AveragePooling{rank}D", 2),
            layer("ReLU"),
            layer(f"Conv{rank}D", 4, size, **relu),
            layer(f"Conv{rank}D", 4, 1, **relu),
            layer("Flatten"),
            layer("Dense", 4, **relu),
        )
        found.append(Scenario("auto_precision", f"{kind}{rank}D", model, **OF_TYPES))
    return found


def _chain(kit: Kit, shape: tuple[int, ...], *units: int) -> Any:
    return kit.stack(shape, *(kit.layers.Dense(n) for n in units))


def _nested(kit: Kit, inputs: int = 15) -> Any:
    dense = kit.layers.Dense
    inner = (_chain(kit, (5,), 5, 3), _chain(kit, (8,), 7, 6))
    return kit.stack((inputs,), dense(5), inner[0], dense(8), inner[1], dense(4))


def _nested_twice(kit: Kit) -> Any:
    dense = kit.layers.Dense
    parts = (_chain(kit, (2,), 9, 3), _chain(kit, (2,), 5, 7))
    second = kit.stack((6,), dense(2), parts[0], dense(2), parts[1], dense(2))
    return kit.stack((15,), dense(10), _nested(kit, 10), dense(6), second, dense(4))


def nested() -> list[Scenario]:
    near: dict[str, Any] = {"tolerance": Within(0.02, 0.01), "precision": "fixed<24,12>", "samples": 20}
    return [
        Scenario("keras_nested_model", "models in a model", _nested, **near),
        Scenario("keras_nested_model", "models in models", _nested_twice, **near),
    ]


def _two_heads(kit: Kit) -> Any:
    relu: dict[str, Any] = {"activation": "relu"}
    x = first = kit.keras.Input((6, 8))
    pool = kit.layers.GlobalAveragePooling1D()
    for made in (kit.layers.Dense(16, **relu), kit.layers.Dense(8, **relu), pool, kit.layers.Dense(16, **relu)):
        x = made(x)
    return kit.keras.Model(first, [kit.layers.Dense(5, **relu)(x) for _ in range(2)])


def _mnist(kit: Kit) -> Any:
    kl = kit.layers
    first = [kl.Conv2D(4, 3, padding="same", activation="relu"), kl.MaxPooling2D()]
    second = [kl.Conv2D(6, 5, activation="relu"), kl.AveragePooling2D(), kl.Flatten()]
    return kit.stack((28, 28, 1), *first, *second, kl.Dense(10, kernel_initializer="lecun_uniform"), kl.Softmax())


def whole() -> list[Scenario]:
    separable: dict[str, Any] = {"padding": "same", "activation": "relu"}
    stack = [layer("SeparableConv2D", n, 3, **separable) for n in (4, 8)]
    deep = stacked((64, 64, 3), *stack)
    return [
        Scenario("multi_graph", "two heads", _two_heads, Within(1e-3), precision="fixed<32,16>"),
        Scenario("cnn_mnist", "seeded weights", _mnist, TopOne(0.97), samples=100),
        Scenario("keras_h5_loader", "relu", stacked((10,), layer("Activation", "relu")), Within(5e-3, 5e-3)),
        Scenario("fifo_depth", "two separable convolutions", deep, Within(0.01), precision="fixed<32,16>", samples=1),
    ]


SCENARIOS = [*inferred_types(), *nested(), *whole()]
