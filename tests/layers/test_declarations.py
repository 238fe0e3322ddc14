"""What layers declare is there, means something, and holds: on instances of every one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import hlsgen.backends.hls.kernels  # noqa: F401  (registers the bindings)
from hlsgen.backends.hls.kernel import BINDINGS
from hlsgen.config import PRECISION_ROLES
from hlsgen.ir.affine import Affine
from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.layer import Exact, Layer, Packing
from hlsgen.ir.types import FixedType, Ints
from hlsgen.passes.channel_classes import connected
from tests.layers.instances import EVERY, IMAGE, INPUT, Instance, classes, mantissas, typed

CLASSES = classes()
LAYERS = [cls for cls in CLASSES if hasattr(cls, "kind")]
ELEMENTWISE = {Packing.ELEMENTS, Packing.CHANNELS, Packing.PAIRS}
COMPUTED = [instance for instance in EVERY if not instance.layer.is_input]


def name(cls: type[Layer]) -> str:
    return cls.__name__


def overrides(declaration: str) -> list[type[Layer]]:
    """The layers with an answer of their own."""
    usual = getattr(Layer, declaration)
    return [cls for cls in LAYERS if getattr(cls, declaration) is not usual]


def real(values: Sequence[Ints]) -> list[Any]:
    return [INPUT.to_float(x) for x in values]


def exact(layer: Layer, values: Sequence[Ints], frac: int = INPUT.frac) -> Exact:
    return layer.exact([Exact(x, frac) for x in values])


every_layer = pytest.mark.parametrize("cls", LAYERS, ids=name)
every_instance = pytest.mark.parametrize("instance", COMPUTED, ids=str)


def packed(*packings: Packing) -> pytest.MarkDecorator:
    """Instances with one of these packings."""
    chosen = [instance for instance in COMPUTED if instance.layer.packing in packings]
    assert chosen
    return pytest.mark.parametrize("instance", chosen, ids=str)


# -- they are there ----------------------------------------------------------------------------------


def test_every_layer_has_an_instance():
    missing = [cls.__name__ for cls in LAYERS if cls not in {type(instance.layer) for instance in EVERY}]
    assert not missing, f"give them a line in tests/layers/instances.py: {missing}"


@pytest.mark.parametrize("cls", CLASSES, ids=name)
def test_a_class_is_a_layer_or_a_family_of_them(cls: type[Layer]):
    assert hasattr(cls, "kind") or cls.__subclasses__(), f"{cls.__name__} declares no kind, and is no base of layers"


def test_kinds_are_unique():
    assert not [kind for kind, count in Counter(cls.kind for cls in LAYERS).items() if count > 1]


@every_layer
def test_declared(cls: type[Layer]):
    assert "kind" in vars(cls), "the kind is declared in the class"
    assert isinstance(cls.packing, Packing) and isinstance(cls.pure, bool)
    assert isinstance(cls.casts, frozenset) and cls.casts <= {"accum", "result"}
    assert cls.accumulates or "accum" not in cls.casts, "an accumulator whose type can be fixed is one"


@every_layer
def test_roles_of_constants(cls: type[Layer]):
    constants = {field.name for field in fields(cls) if "Constant" in str(field.type)}
    assert set(cls.constant_roles) <= constants
    assert set(cls.constant_roles.values()) <= set(PRECISION_ROLES) - {"accum", "result"}, "what a user can spell"


@pytest.mark.parametrize("cls", CLASSES, ids=name)
def test_frozen_and_compared_by_identity(cls: type[Layer]):
    assert is_dataclass(cls) and "__dataclass_params__" in vars(cls), "it lacks @dataclass(frozen=True, eq=False)"
    assert cls.__dataclass_params__.frozen and cls.__eq__ is object.__eq__  # type: ignore[attr-defined]


def test_a_forgotten_declaration_is_named():
    with pytest.raises(TypeError, match=r"layer Half does not declare packing, casts; see hlsgen\.ir\.layer\.Layer"):

        @dataclass(frozen=True, eq=False)
        class Half(Layer):
            kind = "Half"
            pure = True


def test_what_is_impure():
    assert {cls.kind for cls in LAYERS if not cls.pure} == {
        "LogSoftmax", "Softmax", "Sparsemax", "Standardise", "State", "Table",
    }  # fmt: skip


def test_bindings():
    bound = {cls for cls in BINDINGS if cls.__module__.startswith("hlsgen.layers.")}
    wanted = {cls for cls in LAYERS if cls.packing is not Packing.NONE and not cls.renames and not cls.is_input}
    assert {cls.__name__ for cls in wanted - bound} == set(), "bind them in hlsgen/backends/hls/kernels"
    assert {cls.__name__ for cls in bound - wanted} == set(), "bound, but in no stream by its packing"


# -- they hold ---------------------------------------------------------------------------------------


@packed(*ELEMENTWISE, Packing.GATHERED, Packing.PARTS)
def test_order_is_kept(instance: Instance):
    """What is packed element by element reads one element for each, at its own place; gathered: one position."""
    op = typed(instance)
    one, other = mantissas(instance, 1), mantissas(instance, 2)
    rng = np.random.default_rng(3)
    extent = op.output.shape if op.layer.packing in ELEMENTWISE else (*op.output.shape[:-1], 1)
    mask = rng.integers(0, 2, (len(one[0]), *extent)).astype(bool)
    mixed = [np.where(mask, a, b) if a.shape[1:] == instance.shapes[0] else a for a, b in zip(one, other, strict=True)]
    same = [b if a.shape[1:] == instance.shapes[0] else a for a, b in zip(one, other, strict=True)]
    results = [exact(op.layer, x) for x in (one, same, mixed)]
    assert results[0].mantissas.shape[1:] == op.output.shape
    if op.layer.packing in ELEMENTWISE:
        assert op.output.shape == op.input.shape
    np.testing.assert_array_equal(results[2].mantissas, np.where(mask, results[0].mantissas, results[1].mantissas))


@packed(Packing.ELEMENTS, Packing.CHANNELS)
def test_a_permuted_input(instance: Instance):
    """Words of any size: the same function at every place; with constants, at places as far apart as those repeat."""
    op = typed(instance)
    (x,) = mantissas(instance)
    by_place = op.input.shape in op.layer.constant_shapes([op.input.shape]).values()
    group = 1 if op.layer.packing is Packing.ELEMENTS else x[0].size if by_place else x.shape[-1]
    order = np.random.default_rng(0).permutation(x[0].size // group)

    def permuted(values: Ints) -> Ints:
        return values.reshape(len(x), -1, group)[:, order].reshape(x.shape)

    np.testing.assert_array_equal(exact(op.layer, [permuted(x)]).mantissas, permuted(exact(op.layer, [x]).mantissas))


@every_instance
def test_values_that_are_only_picked(instance: Instance):
    op, x = typed(instance), mantissas(instance)
    if op.layer.picks:
        assert np.isin(exact(op.layer, x).mantissas, x[0]).all()
    if op.layer.renames:
        np.testing.assert_array_equal(exact(op.layer, x).mantissas.ravel(), x[0].ravel())


@every_instance
def test_identity(instance: Instance):
    if instance.layer.is_identity(instance.shapes):
        x = real(mantissas(instance))
        np.testing.assert_array_equal(instance.layer.evaluate_float(x), x[0])


def test_identities_are_among_the_instances():
    shown = {type(i.layer) for i in COMPUTED if i.layer.is_identity(i.shapes)}
    assert set(overrides("is_identity")) <= shown, "an instance for each that can be an identity"


TYPES = [f"fixed<{w},{i},{mode},{o}>" for w, i in [(5, 2), (4, 3)] for mode in ("TRN", "RND") for o in ("WRAP", "SAT")]


@every_instance
def test_casts_in_front(instance: Instance):
    layer, x = instance.layer, mantissas(instance)
    for fixed in filter(layer.commutes_with_cast, map(FixedType.parse, TYPES)):
        behind = fixed.cast(*exact(layer, x))
        before = exact(layer, [fixed.cast(v, INPUT.frac) for v in x], fixed.frac)
        np.testing.assert_array_equal(fixed.cast(*before), behind, err_msg=str(fixed))


def test_casts_that_move_are_among_the_instances():
    shown = {type(i.layer) for i in COMPUTED if any(i.layer.commutes_with_cast(FixedType.parse(t)) for t in TYPES)}
    assert set(overrides("commutes_with_cast")) <= shown


def affines(channels: int) -> list[Affine]:
    """Scales that rise or fall, the same or not in all channels, with and without a shift."""
    rng = np.random.default_rng(0)
    scales = [np.full(channels, 0.5), np.full(channels, -2.0), 0.25 + rng.integers(0, 8, channels) / 4]
    shifts = [np.zeros(channels), np.full(channels, 0.75), rng.integers(-4, 5, channels) / 4]
    return [Affine(Constant.of(scale), Constant.of(shift)) for scale in scales for shift in shifts]


def scaled(x: Any, affine: Affine) -> Any:
    return x * affine.scale.effective + affine.shift.effective


def scaled_before(instance: Instance) -> int:
    layer, x, count = instance.layer, real(mantissas(instance)), 0
    shape: Shape = layer.output_shape(instance.shapes)
    for affine in affines(shape[-1]):
        parts = layer.scale_before(instance.shapes, affine)
        if parts is not None:
            found = layer.evaluate_float([scaled(v, part) for v, part in zip(x, parts, strict=True)])
            np.testing.assert_allclose(found, scaled(layer.evaluate_float(x), affine), atol=1e-12)
            count += 1
    return count


def scaled_behind(instance: Instance) -> int:
    layer, x, count = instance.layer, real(mantissas(instance)), 0
    for place, shape in enumerate(instance.shapes):
        for affine in affines(shape[-1]):
            behind = layer.scale_behind(instance.shapes, place, affine)
            if behind is not None:
                moved = [scaled(v, affine) if i == place else v for i, v in enumerate(x)]
                np.testing.assert_allclose(
                    layer.evaluate_float(moved), scaled(layer.evaluate_float(x), behind), atol=1e-12
                )
                count += 1
    return count


@every_instance
def test_scales_move(instance: Instance):
    scaled_before(instance)
    scaled_behind(instance)


@pytest.mark.parametrize(("declaration", "holds"), [("scale_before", scaled_before), ("scale_behind", scaled_behind)])
def test_scales_that_move_are_among_the_instances(declaration: str, holds: Any):
    shown = {type(instance.layer) for instance in COMPUTED if holds(instance)}
    assert set(overrides(declaration)) <= shown


def tied(instance: Instance, numbers: Floats) -> tuple[list[Floats], list[Floats]]:
    """A number for each channel of the inputs, and of the results: the same for those that are tied."""
    shapes, outputs = instance.shapes, instance.layer.output_shapes(instance.shapes)
    ends = np.cumsum([0, *(shape[-1] for shape in (*shapes, *outputs))])
    ties = instance.layer.ties(shapes) or ()
    pairs = [(ends[t.place] + t.before, ends[len(shapes) + t.output] + t.behind) for t in ties]
    classes = connected(int(ends[-1]), pairs)
    every = [numbers[classes[a:b]] for a, b in pairwise(ends)]
    return every[: len(shapes)], every[len(shapes) :]


@every_instance
def test_ties(instance: Instance):
    """Inputs times random powers of two, the same for all channels that are tied, give results times the same."""
    layer, x = instance.layer, real(mantissas(instance))
    if layer.ties(instance.shapes) is None:
        return
    before, behind = tied(instance, 2.0 ** np.random.default_rng(4).integers(-9, 10, 10_000))
    found = layer.evaluate_floats([v * factor for v, factor in zip(x, before, strict=True)])
    for got, right, factor in zip(found, layer.evaluate_floats(x), behind, strict=True):
        np.testing.assert_array_equal(got, right * factor)


@every_instance
def test_layers_that_keep_offsets(instance: Instance):
    """Inputs less random offsets, the same for all channels that are tied, give results less the same."""
    layer, x = instance.layer, real(mantissas(instance))
    if not layer.keeps_offsets(instance.shapes):
        return
    before, behind = tied(instance, np.random.default_rng(4).uniform(-3, 3, 10_000))
    found = layer.evaluate_floats([v - offset for v, offset in zip(x, before, strict=True)])
    for got, right, offset in zip(found, layer.evaluate_floats(x), behind, strict=True):
        np.testing.assert_allclose(got, right - offset, rtol=0, atol=1e-12)


def test_what_keeps_offsets():
    """To forget one refuses what could be; sums keep none, for theirs add up. (Of paddings, one of no zeros.)"""
    keeping = {i.layer.kind for i in COMPUTED if i.layer.ties(i.shapes) and i.layer.keeps_offsets(i.shapes)}
    assert keeping == {
        "AveragePooling2D", "Concatenate", "Convert", "Cropping", "DepthToSpace", "GlobalAveragePooling",
        "GlobalMaxPooling", "LargestAlongAxis", "MaxPooling2D", "Merge", "Permute", "Reshape", "Split", "Take",
        "UpSampling", "ZeroPadding",
    }  # fmt: skip


def test_what_ties_channels():
    """All that commutes with positive factors; to forget one costs precision only, but it should be known."""
    tying = {i.layer.kind for i in COMPUTED if i.layer.ties(i.shapes) is not None}
    assert tying == {
        "AveragePooling2D", "Concatenate", "Convert", "Cropping", "DepthToSpace", "GlobalAveragePooling",
        "GlobalMaxPooling", "GlobalSum", "LargestAlongAxis", "MaxPooling2D", "Merge", "PRelu", "Permute", "Relu",
        "Reshape", "Split", "SumsAlongAxis", "Take", "TopValues", "UpSampling", "WindowSum", "ZeroPadding",
    }  # fmt: skip


@every_instance
def test_padding(instance: Instance):
    padding = (1, 0, 0, 2)
    padded = None if instance.shapes[0] != IMAGE else instance.layer.with_padding(IMAGE, padding)
    if padded is not None:
        (x,) = real(mantissas(instance))
        zeros = np.pad(x, ((0, 0), padding[:2], padding[2:], (0, 0)))
        np.testing.assert_array_equal(padded.evaluate_float([x]), instance.layer.evaluate_float([zeros]))
