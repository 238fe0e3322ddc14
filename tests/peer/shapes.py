"""Scenarios of activations, normalisation, merges, shapes, attention and graphs."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tests.peer.scenario import (
    EQUAL,
    KERAS3,
    Floats,
    Kit,
    Scenario,
    Shape,
    TopOne,
    Within,
    centred,
    integers,
    layer,
    normal,
    stacked,
    unit_grid,
)

ONE_PERCENT = Within(0.01, 0.01)


def _dense_elu(kit: Kit) -> Any:
    start = kit.keras.initializers.RandomUniform(1, 10)
    return kit.stack((1,), kit.layers.Dense(2, kernel_initializer=start), kit.layers.Activation("elu"))


def activations() -> list[Scenario]:
    found = []
    by_name = ("leaky_relu", "selu", "softplus", "softsign", "tanh", "sigmoid", "hard_sigmoid")
    layers: dict[str, Any] = {name: layer("Activation", name) for name in by_name} | {
        "relu": layer("ReLU"),
        "leaky 1.5": layer("LeakyReLU", 1.5),
        "elu 1.25": layer("ELU", 1.25),
        "thresholded relu": layer("ThresholdedReLU", 0.75),
        "prelu": lambda kit: kit.layers.PReLU(alpha_initializer=kit.keras.initializers.Constant(0.25)),
    }
    for (name, made), shape in product(layers.items(), ((8,), (8, 8, 3))):
        if name == "prelu" and len(shape) > 1:
            continue
        model, samples = stacked(shape, made), 1000 if len(shape) == 1 else 20
        found.append(Scenario("activations", f"{name} {shape}", model, Within(0.02, 0.02), centred, samples=samples))
    for shape in ((8,), (8, 8, 3)):
        model = stacked(shape, layer("Activation", "softsign"))
        found.append(Scenario("softsign", f"{shape}", model, TopOne(0.97), samples=1000 if len(shape) == 1 else 100))
    return found


def behind_dense() -> list[Scenario]:
    """Of both Kerases; one of LeakyReLU's slopes each."""
    layers: dict[str, Any] = {
        "relu": layer("Activation", "relu"),
        "leaky 0.5": layer("LeakyReLU", 0.5),
        "leaky 1.0": layer("LeakyReLU", 1.0),
        "elu": layer("ELU", 1.0),
        "prelu": layer("PReLU"),
        "sigmoid": layer("Activation", "sigmoid"),
    }
    first = layer("Dense", 64, kernel_initializer="lecun_uniform")
    models = {name: stacked((1,), first, made) for name, made in layers.items()} | {"dense elu": _dense_elu}
    found = [Scenario("keras_api", n, m, ONE_PERCENT) for n, m in models.items() if n != "leaky 0.5"]
    newer: dict[str, Any] = {"tolerance": Within(0.02), "samples": 1000, "libraries": (KERAS3,)}
    return found + [Scenario("keras_v3_api", n, m, **newer) for n, m in models.items() if n != "leaky 1.0"]


def options_of_relu() -> list[Scenario]:
    options: dict[str, dict[str, Any]] = {
        "relu": {}, "slope": {"negative_slope": 0.25}, "threshold": {"threshold": 0.5}, "max value": {"max_value": 6.0},
        "max value and threshold": {"max_value": 6.0, "threshold": 0.5},
    }  # fmt: skip
    models = {name: stacked((8,), layer("ReLU", **given)) for name, given in options.items()}
    return [Scenario("keras_converter", f"ReLU {name}", model, EQUAL, unit_grid) for name, model in models.items()]


def _logits(rng: np.random.Generator, shape: Shape) -> Floats:
    """Wide, mostly above zero, and cut off at the ends of ``fixed<16,6>``."""
    return np.clip(rng.normal(10, 10, shape), -32, 31)


def softmax() -> list[Scenario]:
    found = []
    for shape, held in (((8,), "fixed<16,6>"), ((8,), "fixed<9,6>"), ((8, 8, 3), "fixed<16,6>")):
        model = stacked(shape, layer("Activation", "softmax"))
        settings = {"input_precision": f"{held[:-1]},RND,SAT>"}
        samples = 5000 if len(shape) == 1 else 100
        found.append(
            Scenario("softmax", f"{shape} {held}", model, TopOne(0.98), _logits, samples=samples, settings=settings)
        )
    model = stacked((10,), layer("Dense", 14))
    found.append(Scenario("softmax", "model without its softmax", model, Within(0.02)))
    return found


def _weighted_layernorm(kit: Kit) -> Any:
    model, rng = kit.stack((10, 8), kit.layers.LayerNormalization()), np.random.default_rng(0)
    model.layers[-1].set_weights([rng.normal(1.0, 0.1, (8,)), rng.normal(0.0, 0.1, (8,))])
    return model


def _instances(shape: Shape, epsilon: float = 1e-3, **options: Any) -> Any:
    """Statistics of each channel over all places: GroupNormalization with as many groups as channels."""

    def build(kit: Kit) -> Any:
        model = kit.stack(shape, kit.layers.GroupNormalization(groups=-1, epsilon=epsilon, **options))
        rng = np.random.default_rng(0)
        model.layers[-1].set_weights([rng.normal(1.0, 0.1, w.shape) for w in model.layers[-1].get_weights()])
        return model

    return build


def normalisation() -> list[Scenario]:
    found = []
    for given in (True, False):
        model = stacked((16,), layer("BatchNormalization", center=given, scale=given))
        found.append(Scenario("batchnorm", f"center, scale {given}", model, Within(5e-3), precision="fixed<32,1>"))
    model = stacked((8, 4), layer("BatchNormalization", axis=1))
    found.append(Scenario("batchnorm", "another axis", model, Within(5e-3)))
    found.append(Scenario("keras_converter", "batchnorm, another axis", model, Within(5e-3)))
    plain, small = layer("LayerNormalization"), layer("LayerNormalization", epsilon=1e-2)
    found += [
        Scenario("layernorm", "(4, 5)", stacked((4, 5), plain), Within(0.01)),
        Scenario("layernorm", "weighted", _weighted_layernorm, Within(0.01)),
        Scenario("layernorm", "epsilon", stacked((10, 8), small), Within(0.01)),
        Scenario("instancenorm", "(16, 8)", _instances((16, 8)), Within(0.02)),
        Scenario("instancenorm", "(6, 8, 4)", _instances((6, 8, 4), 1e-2), Within(0.02)),
        Scenario("instancenorm", "neither", _instances((10, 6), center=False, scale=False), Within(0.02)),
        Scenario("instancenorm", "of each place", stacked((8, 4), layer("LayerNormalization", axis=2)), Within(0.02)),
    ]
    return found


def attention() -> list[Scenario]:
    def build(steps: int, key_dim: int) -> Any:
        def model(kit: Kit) -> Any:
            query, key = kit.keras.Input((10, 2 * key_dim)), kit.keras.Input((steps, 2 * key_dim))
            y = kit.layers.MultiHeadAttention(num_heads=2, key_dim=key_dim)(query, key)
            return kit.keras.Model([query, key], y)

        return model

    return [
        Scenario("multiheadattention", "8 keys of 2", build(8, 2), Within(0.02), samples=50),
        Scenario("multiheadattention", "10 keys of 4", build(10, 4), Within(0.02)),
    ]


def _merged(name: str, *shapes: Shape, swapped: bool = False, **options: Any) -> Any:
    def build(kit: Kit) -> Any:
        inputs = [kit.keras.Input(shape) for shape in shapes]
        merged = getattr(kit.layers, name)(**options)(inputs[::-1] if swapped else inputs)
        return kit.keras.Model(inputs, merged)

    return build


def merges() -> list[Scenario]:
    found = []
    wide: dict[str, Any] = {"tolerance": Within(0.001), "precision": "fixed<32,16>", "samples": 20}
    image: Shape = (10, 10, 3)
    for name, swapped in product(("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"), (False, True)):
        model = _merged(name, image, image, swapped=swapped)
        found.append(Scenario("merge", f"{name}{', swapped' if swapped else ''}", model, **wide))
    found.append(Scenario("merge", "Dot", _merged("Dot", (10,), (10,), axes=1), **wide))
    for shape in ((10,), (10, 3), image):
        for axis in range(1, len(shape) + 1):
            model = _merged("Concatenate", shape, shape, axis=axis)
            found.append(Scenario("merge", f"Concatenate {shape} on {axis}", model, **wide))
    whole: dict[str, Any] = {"tolerance": EQUAL, "draw": integers(0, 100), "precision": "fixed<32,16>", "samples": 20}
    pairs: tuple[tuple[Shape, Shape, str], ...] = (
        ((2, 2, 3), (2, 2, 1), "Concatenate"), ((2, 2, 1), (2, 2, 3), "Concatenate"), ((2, 2, 3), (2, 2, 1), "Add"),
        ((2, 2, 1), (2, 2, 3), "Add"), ((1, 1, 2), (3, 4, 2), "Add"), ((3, 4, 2), (1, 1, 2), "Add"),
    )  # fmt: skip
    for first, second, name in pairs:
        settings = {"input_precision": "fixed<16,12>"}
        model = _merged(name, first, second)
        found.append(Scenario("graph", f"{name} of {first}, {second}", model, **whole, settings=settings))
    return found


def shapes() -> list[Scenario]:
    found = []
    fine: dict[str, Any] = {"tolerance": Within(5e-3), "precision": "fixed<32,1>"}
    for name, option in (("ZeroPadding", "padding"), ("Cropping", "cropping")):
        line, image = layer(f"{name}1D", **{option: (3, 4)}), layer(f"{name}2D", **{option: ((1, 2), (3, 4))})
        found.append(Scenario(name.lower(), "1d", stacked((8, 4), line), **fine))
        found.append(Scenario(name.lower(), "2d", stacked((6, 8, 4), image), **fine))
    found.append(Scenario("upsampling", "1d", stacked((8, 4), layer("UpSampling1D", 2)), **fine))
    found.append(Scenario("upsampling", "2d", stacked((6, 8, 4), layer("UpSampling2D", 2)), **fine))
    pad = stacked((8, 8, 3), layer("ZeroPadding2D", (1, 2)))
    found.append(Scenario("keras_converter", "zero padding of both axes", pad, EQUAL, unit_grid))
    held = "fixed<16,3,RND_CONV,SAT>"
    found.append(Scenario("transpose_concat", "permute, concatenate", _transposed_twice, Within(1e-4), precision=held))
    many = stacked((2, 3, 4, 5, 6), layer("Permute", (3, 5, 4, 1, 2)))
    on_grid = lambda rng, shape: rng.integers(-128, 127, shape) / 128  # noqa: E731
    found.append(Scenario("transpose_concat", "permute of five axes", many, EQUAL, on_grid, samples=20))
    whole = integers(-5, 5)
    found.append(Scenario("clone_flatten", "flatten twice", _flattened_twice, EQUAL, whole, "int<6>", samples=1))
    bytes_of_eight = integers(0, 256)
    found.append(
        Scenario("repack_stream", "reshape, concatenate", _reshaped_pair, EQUAL, bytes_of_eight, "ufixed<8,8>",
                 settings={"input_precision": "ufixed<8,8>"})
    )  # fmt: skip
    model = stacked((3, 3), layer("Reshape", (3, 3)), layer("Conv1D", 2, 2))
    found.append(Scenario("repack_stream", "types of a reshape", model, Within(0.01), precision="fixed<20,10>"))
    return found


def embeddings() -> list[Scenario]:
    """Rows of a table by whole numbers."""
    plain, masked = layer("Embedding", 13, 8), layer("Embedding", 16, 3, mask_zero=True)
    near: dict[str, Any] = {"tolerance": Within(1e-3), "settings": {"input_precision": "uint<4>"}}
    return [
        Scenario(
            "embed", "13 rows of 8", stacked((100,), plain), **near, draw=integers(0, 10), precision="fixed<16,6>"
        ),
        Scenario("keras_converter", "embedding, mask_zero", stacked((4,), masked), **near, draw=integers(0, 16)),
    ]


def _transposed_twice(kit: Kit) -> Any:
    first = kit.keras.Input((2, 3))
    x = kit.layers.Permute((2, 1))(first)
    y = kit.layers.Concatenate(axis=1)([x, x])
    return kit.keras.Model(first, kit.layers.Concatenate(axis=1)([kit.layers.Activation("relu")(x), y]))


def _flattened_twice(kit: Kit) -> Any:
    first = kit.keras.Input((2, 3))
    both = [kit.layers.Flatten()(first), kit.layers.Flatten()(first)]
    return kit.keras.Model(first, kit.layers.Concatenate(axis=1)(both))


def _reshaped_pair(kit: Kit) -> Any:
    inputs = [kit.keras.Input((4,)) for _ in range(2)]
    return kit.keras.Model(inputs, kit.layers.Concatenate()([kit.layers.Reshape((2, 2))(x) for x in inputs]))


# -- graphs --------------------------------------------------------------------------------------


def _sums_of_sums(kit: Kit) -> Any:
    """Both inputs are read again and again: ``2 * (a + b)``."""
    a, b = (kit.keras.Input((1,)) for _ in range(2))
    add = kit.layers.Add
    return kit.keras.Model([a, b], add()([a, add()([b, add()([a, b])])]))


def _reshaped_last(kit: Kit) -> Any:
    model = kit.stack((1, 1, 1), kit.layers.Conv2D(6, 1), kit.layers.Reshape((3, 2)))
    model.layers[1].set_weights([np.arange(1.0, 7.0).reshape(1, 1, 1, 6), np.zeros(6)])
    return model


def _two_heads(kit: Kit, first: int, second: int, **options: Any) -> Any:
    x = kit.keras.Input((10,))
    return kit.keras.Model(x, [kit.layers.Dense(n, **options)(x) for n in (first, second)])


def _copied_often(kit: Kit) -> Any:
    """A triangle of sums: each row adds the first of the row before to its others, so that rows are read ever less."""
    x = kit.keras.Input((10,))
    row = [kit.layers.Dense(10)(x) for _ in range(7)]
    while len(row) > 1:
        row = [kit.layers.Add()([row[0], other]) for other in row[1:]]
    return kit.keras.Model(x, row[0])


def _copied(kit: Kit) -> Any:
    x = kit.keras.Input((10,))
    return kit.keras.Model(x, kit.layers.Add()([kit.layers.Dense(10)(x), kit.layers.Dense(10)(x)]))


def _copied_thrice(kit: Kit) -> Any:
    x = kit.keras.Input((10,))
    a, b, c = (kit.layers.Dense(10)(x) for _ in range(3))
    add = kit.layers.Add
    return kit.keras.Model(x, add()([add()([add()([a, b]), b]), c]))


def _shared(kit: Kit) -> Any:
    inputs = [kit.keras.Input((10, 10)) for _ in range(2)]
    conv = kit.layers.Conv1D(2, 3, activation="relu")
    a, b = (conv(x) for x in inputs)
    both = kit.layers.Add()([a, b])
    return kit.keras.Model(inputs, [a, b, both, kit.layers.Dense(5)(both)])


def graphs() -> list[Scenario]:
    wide = "fixed<32,16>"
    steps = lambda rng, shape: np.linspace(-4, 4, shape[0]).reshape(shape)  # noqa: E731
    whole: dict[str, Any] = {"tolerance": EQUAL, "draw": integers(0, 100), "precision": wide}
    ones = lambda kit: _two_heads(kit, 5, 2, kernel_initializer="ones", use_bias=False)  # noqa: E731
    tight: dict[str, Any] = {"tolerance": Within(1e-5), "precision": "fixed<32,5>"}
    fine = lambda rng, shape: np.round(normal(0.2, -2, 2)(rng, shape) * 2**21) * 2.0**-21  # noqa: E731
    settings = {"input_precision": "fixed<16,12>"}
    return [
        Scenario("graph", "sums of sums", _sums_of_sums, Within(2**-10), precision=wide),
        Scenario("graph", "reshape at the end", _reshaped_last, EQUAL, steps, samples=9),
        Scenario("graph", "two outputs", ones, **whole, samples=32, settings=settings),
        Scenario(
            "multiout_network", "two outputs", lambda kit: _two_heads(kit, 10, 10), **tight, draw=normal(1, -16, 15)
        ),
        Scenario("stream_clone", "copied often", _copied_often, Within(1e-4), fine, "fixed<28,7>"),
        Scenario("stream_clone", "copied", _copied, **tight, draw=fine),
        Scenario("stream_multi_clone", "copied thrice", _copied_thrice, **tight, draw=normal(1, -16, 15)),
        Scenario("keras_v3_api", "shared layer", _shared, Within(1e-5), precision="fixed<32,8>", libraries=(KERAS3,)),
    ]


SCENARIOS = [
    *activations(),
    *behind_dense(),
    *options_of_relu(),
    *softmax(),
    *normalisation(),
    *attention(),
    *merges(),
    *shapes(),
    *embeddings(),
    *graphs(),
]
