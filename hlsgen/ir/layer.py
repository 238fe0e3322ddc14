"""What a layer is: one meaning in exact arithmetic, and the declarations by which others ask about it.

A layer computes the real result of its inputs exactly, as integers (:meth:`Layer.exact`), and bounds it
(:meth:`Layer.interval`); how that result is cast is not its business but inference's. Passes, inference, planning
and backends never ask which layer they hold: they ask what it declares here. ``tests/layers/test_declarations.py``
walks all layers and fails where a declaration is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import numpy as np

from hlsgen.ir.affine import Affine
from hlsgen.ir.arithmetic import shifted
from hlsgen.ir.constant import Constant, Floats, Shape, as_exact
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.expected import Expected
from hlsgen.ir.interval import Interval
from hlsgen.ir.loop import Border
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.spelling import CAST_MODES, CONSTANT_MODES, Modes
from hlsgen.ir.staircase import Staircase
from hlsgen.ir.ties import Tie
from hlsgen.ir.types import MAX_WIDTH, FixedType, Ints
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import Granularity, Strategy, Wish


class Exact(NamedTuple):
    """Exact values: ``mantissas * 2**-frac``; mantissas of shape (samples, *shape)."""

    mantissas: Ints
    frac: int


class InnerStep(NamedTuple):
    """What a layer that rounds inside holds on the way: mantissas of ``type``, by one exact operation and one cast."""

    mantissas: Ints
    type: FixedType


class Packing(Enum):
    """How a layer takes and gives the words of a stream; in arrays it makes no difference."""

    NONE = "it is in no stream: a port, another name of a wire, or a layer that becomes another before"
    ELEMENTS = "element by element: words of any size, and the result in words of the same"
    CHANNELS = "element by element with constants a channel: words whose size divides the channels, or the reverse"
    GATHERED = "position by position (of the first input): words that divide one are gathered, and so are the result's"
    PARTS = "position by position: words that divide one are gathered; the result has words of the same"
    PAIRS = "element by element of two inputs: a position a word, or the same part of one, of both and of the result"
    POSITIONS = "a position (all channels of a pixel) a word, of all inputs and outputs"


class Statistics(NamedTuple):
    """What a normalisation saw in training, per channel of its input."""

    mean: Floats
    deviation: Floats


@dataclass(frozen=True, eq=False)
class Context:
    """What a layer is told when its constants and types are inferred."""

    name: str
    inputs: tuple[Tensor, ...]
    wish: Wish
    width: int
    """The bits for what nobody fixed of the result and of steps inside (docs/numerics.md, rule 11)."""
    budget: int
    """The bits for constants whose type nobody fixed."""
    widest: int | None = None
    """The configuration's ``max_width``: nothing that is placed gets wider."""
    expected: Expected | None = None
    """How large the result gets in use, where that was estimated; None for a layer with several."""
    read_frac: int | None = None
    """The finest grid (fraction bits) on which readers round the result; None if one of them uses all of it, and for
    a layer with several results."""
    result_frac: int | None = None
    """The fraction bits that the result has, or gets if its exact value has as many; None where nobody knows how large
    it gets, and for a layer with several results."""

    @property
    def input(self) -> Tensor:
        return self.inputs[0]

    @property
    def input_shapes(self) -> list[Shape]:
        return [tensor.shape for tensor in self.inputs]


@dataclass(frozen=True)
class Casts:
    """What is known of the casts behind a layer's exact result: first what is wished, then what was found."""

    result: FixedType | None
    accum: FixedType | None
    exact: Interval | None = None
    """The proved range of the exact result."""
    input: FixedType | None = None
    """The type of the (first) input."""

    def before(self, behind: Demand) -> Demand:
        """What is wanted of the exact result of rising arithmetic, if ``behind`` is what readers can tell apart."""
        if self.accum is not None:
            return EVERYTHING
        if self.result is None:
            return behind
        if not self.result.saturates and (self.exact is None or not self.exact.fits(self.result)):
            return EVERYTHING
        return behind.before_cast(self.result, rounds=self.exact is None or self.exact.frac > self.result.frac)


@dataclass(frozen=True, eq=False)
class Layer:
    """Base of all layers: frozen dataclasses whose fields are options and constants.

    A layer with one output defines ``output_shape``, ``interval``, ``exact`` and ``evaluate_float``; one with several
    defines their plurals.
    """

    # -- declarations that every layer makes ----------------------------------------------------

    kind: ClassVar[str]
    """Its name in tables."""
    packing: ClassVar[Packing]
    pure: ClassVar[bool]
    """The exact result is exact in its inputs and constants: nothing is rounded inside (softmax and tables do)."""
    casts: ClassVar[frozenset[str]]
    """Which casts of its results the configuration may fix: of "accum" and "result"."""

    def __init_subclass__(cls) -> None:
        """A class with a ``kind`` is a layer, one without a base of several; a layer has every declaration."""
        missing = [name for name in ("packing", "pure", "casts") if not hasattr(cls, name)]
        if "kind" in vars(cls) and missing:
            raise TypeError(f"layer {cls.__name__} does not declare {', '.join(missing)}; see {Layer.__module__}.Layer")

    # -- declarations with a usual answer -------------------------------------------------------

    constant_roles: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Field of a constant -> the role by which the configuration fixes its type; others are the layer's own."""
    arity: ClassVar[int] = 1
    """How many tensors it reads."""
    structural: ClassVar[bool] = False
    """The result's values are (a subset of) the inputs' values: no arithmetic, so no type of its own."""
    picks: ClassVar[bool] = False
    """Every element of the result is one of the input, by its place or as the largest: what rises may go in front."""
    renames: ClassVar[bool] = False
    """The same elements in the same order: another name of the same wire."""
    exact_inside: ClassVar[bool] = False
    """As a step of a larger operation (a sum of three, a product of vectors) its result is held exactly: that operation
    is cast once, at its end."""
    local: ClassVar[bool] = True
    """It does the same at every place of an image or a series, and takes those of other extents as well."""
    is_input: ClassVar[bool] = False
    """A port of the model."""
    given_order: ClassVar[tuple[int, ...] | None] = None
    """Of a port: the axes of what users give (without the batch) in the order in which it holds them, if another."""
    widest_word: ClassVar[int] = 120
    """The widest value that its kernel takes and gives."""
    constant_width: ClassVar[int] = 0
    """The least width for inferred constants. 24 where there is one factor a channel: that keeps all of a float32
    factor, and a DSP48E2 multiplies 27 by 18 bits anyway."""
    flattens: ClassVar[bool] = False
    """It may be flat where its argument lies (a rectifier that is off, a function at its end): what its argument is off
    by then does not reach its result."""
    grows: ClassVar[bool] = False
    """An inferred result stays exact while that costs few bits beyond the budget: it sums up a chain of layers."""
    accumulates: ClassVar[bool] = False
    """Its kernels cast the exact result to an accumulator first, which ``max_width`` may narrow."""
    has_multiplier: ClassVar[bool] = False
    """Strategy and reuse factor mean something."""

    def default_modes(self, role: str) -> Modes:
        """How values become those of a type that the configuration spells without modes, for one of its roles."""
        return CONSTANT_MODES if role in self.constant_roles.values() else CAST_MODES

    @property
    def budgeted(self) -> tuple[str, ...]:
        """What of it takes the bits that are there for what nobody fixed: weights, results that are computed."""
        weights = "weight" in self.constant_roles.values() and not self.constant_width  # those have enough
        return (*(["weight"] if weights else []), *([] if self.structural else ["result"]))

    @property
    def border(self) -> Border | None:
        """How it stands between the outside and one step of a loop, if it does."""
        return None

    @property
    def numbers_read(self) -> FixedType | None:
        """The type of whole numbers as which it takes its input (of a table's rows); None where it takes all values."""
        return None

    @property
    def bounded(self) -> bool:
        """Whether the result keeps to a range of the layer's own, however large its inputs are."""
        return False

    @property
    def products(self) -> int:
        """How many multiplications one position takes (of a convolution: one pixel of the result)."""
        return 0

    def product_width(self, inputs: Sequence[FixedType]) -> int:
        """The bits of the widest product that its kernel computes of values of these types; 0 without products."""
        return 0

    def common_width(self, inputs: Sequence[FixedType]) -> int:
        """The bits of the word in which its kernel holds values of these types side by side; 0 where it does not."""
        return 0

    @property
    def cells_read(self) -> int:
        """How many positions of its input an element of the result is taken from (of a pooling: the window's)."""
        return 1

    @property
    def statistics(self) -> Statistics | None:
        """What training measured of the input; None where the layer holds no such statistics."""
        return None

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        """Whether the result is the input as it is, if no type is wished for it."""
        return False

    def commutes_with_cast(self, fixed: FixedType) -> bool:
        """Whether a cast gives the same in front as behind."""
        return False

    def scale_before(self, shapes: Sequence[Shape], affine: Affine) -> list[Affine] | None:
        """What the inputs (of ``shapes``) must be scaled by, so that the result need not be; None: impossible."""
        return None

    def scale_behind(self, shapes: Sequence[Shape], place: int, affine: Affine) -> Affine | None:
        """What the result must be scaled by, so that input number ``place`` need not be; None: impossible."""
        return None

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        """Which channels of inputs (of ``shapes``) and results share a positive factor, if the layer commutes with
        such; None if it does not. A linear layer with weights of its own ties nothing."""
        return None

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        """Whether, of a layer with ties, tied channels of inputs (of ``shapes``) and results share an offset, too: if
        each input is less that, the result is as it was, less that."""
        return False

    def with_padding(self, shape: Shape, padding: tuple[int, int, int, int]) -> Layer | None:
        """The same layer on an input (of ``shape``) without its zeros around it; None if it cannot add them."""
        return None

    def staircase(self, result: FixedType | None, most: int) -> Staircase | None:
        """The layer and the cast to ``result`` as a monotone step function of at most ``most`` levels, if it is one."""
        return None

    def stands_for(self, name: str) -> bool:
        """Whether a constant stands for the real numbers it came from: no rounding of it can reach the result."""
        constant = self.constants()[name]
        if constant.mantissas is None:
            return as_exact(constant, self.constant_width) is not None  # before constants got their types
        return bool((constant.effective == constant.values).all())

    def valid_reuse_factors(self, strategy: Strategy = Strategy.LATENCY) -> list[int]:
        """Ascending; none for a strategy that its kernel does not have."""
        return [1]

    def valid_parallelization(self, shapes: Sequence[Shape]) -> list[int]:
        """How many places of a window (over inputs of ``shapes``) its kernel can compute at once, ascending."""
        return [1]

    def loading(self) -> Layer | None:
        """The layer with constants that come in at ports, so that ranges are proved for all of their types' values;
        None where its kernel cannot have that."""
        return None

    # -- meaning --------------------------------------------------------------------------------

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        """The shape that each constant and each table (by its field) has to have for inputs of ``shapes``.

        An extent that the constants themselves tell (how many outputs there are) is a symbol; where it occurs again, it
        has to be the same. :func:`hlsgen.ir.fit.output_shapes` checks it.
        """
        return {}

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """The shape of the output (without the batch); constants have the shapes they need.

        Raises ValueError for inputs of shapes that the layer does not take.
        """
        return shapes[0]

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        """The shapes of all outputs (without the batch)."""
        return (self.output_shape(shapes),)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """Bounds of the exact result, per channel (last axis)."""
        raise NotImplementedError(f"{type(self).__name__}.interval")

    def intervals(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> tuple[Interval, ...]:
        """Bounds of the exact results of all outputs."""
        return (self.interval(inputs, shapes),)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        """The real-number meaning, float64; inputs (samples, *shape)."""
        raise NotImplementedError(f"{type(self).__name__}.evaluate_float")

    def evaluate_floats(self, inputs: Sequence[Floats]) -> tuple[Floats, ...]:
        """The real-number meaning of all outputs."""
        return (self.evaluate_float(inputs),)

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        """The variances of what the outputs are off by, if the inputs are off by independent errors: an estimate.

        ``inputs``: the variances of those; all are (1, *shape). ``sizes``: the root mean squares of the inputs'
        channels, (channels,). Where a layer says nothing else, it passes errors on as they are.
        """
        if self.structural:
            return self.evaluate_floats(inputs)
        shapes = self.output_shapes([x.shape[1:] for x in inputs])
        mean = float(max(x.mean() for x in inputs))
        return tuple(inputs[0] if inputs[0].shape[1:] == shape else np.full((1, *shape), mean) for shape in shapes)

    def averaged_cells(self, shapes: Sequence[Shape]) -> Floats | float:
        """Of how many cells each element of the result is the mean, so that it evens out what differs between them."""
        return 1.0

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        """The exact result of integer inputs, before any cast."""
        raise NotImplementedError(f"{type(self).__name__}.exact")

    def exacts(self, inputs: Sequence[Exact]) -> tuple[Exact, ...]:
        """The exact results of all outputs."""
        return (self.exact(inputs),)

    def inner_types(self) -> dict[str, FixedType]:
        """The inner steps of a layer that rounds inside (docs/numerics.md, rule 10), in order, once types are known."""
        return {}

    def inner_steps(self, inputs: Sequence[Exact]) -> dict[str, InnerStep]:
        """What those steps hold for integer inputs; the same names."""
        return {}

    @property
    def deviation(self) -> float | None:
        """How far a result can be from the real function of the layer's inputs, in steps of the result's type.

        None where the layer does not round inside, and where types are not known yet.
        """
        return None

    def real_range(self, inputs: Sequence[Interval]) -> tuple[float, float] | None:
        """What the result reaches as real numbers, where the layer holds it in words of the result type already.

        None: its exact result says so.
        """
        return None

    def limits(self, result: FixedType) -> Demand:
        """What values beyond are no overflow of a result type: bounds of the layer's own beside which the type ends."""
        return EVERYTHING

    @property
    def is_rounded(self) -> bool:
        """Whether it holds its result in words of the result type already, which are rounded real numbers."""
        return False

    # -- what inference asks --------------------------------------------------------------------

    def step_frac(self, result: FixedType | None) -> int | None:
        """Fraction bits of the grid that holds every place where the result, cast to ``result``, steps up (or half a
        step of it).

        None where the result depends on all of the input, or steps at real numbers.
        """
        return result.frac if self.structural and result is not None else None

    def wanted(self, casts: Casts, behind: Demand) -> Demand:
        """What the layer can tell apart of its inputs, if ``behind`` is what its readers can of its result."""
        return casts.before(behind) if self.structural else EVERYTHING

    def told_apart(self, casts: Casts, behind: Demand) -> Demand:
        """What its function can tell apart of the (first) input, whatever type the result has."""
        return self.wanted(Casts(None, None, input=casts.input), behind)

    def prepared(self, context: Context) -> Layer:
        """The layer with every constant fixed: as wished, else placed in the budget. It may be another layer."""
        changes: dict[str, Constant] = {}
        for name, constant in self.constants().items():
            wish = context.wish.type(self.constant_roles[name]) if name in self.constant_roles else None
            if constant.mantissas is not None and (wish is None or not constant.values.any()):
                continue
            changes[name] = constant.quantized(wish) if wish is not None else self._placed(name, constant, context)
        return replace(self, **changes) if changes else self

    def _placed(self, name: str, constant: Constant, context: Context) -> Constant:
        """A constant whose type nobody fixed."""
        widest = context.widest or MAX_WIDTH
        width = min(max(context.budget, self.constant_width), widest)
        if self.constant_width or self.constant_roles.get(name) != "weight":  # wide enough
            return constant.placed(width)
        groups = self.groups(name) if context.wish.granularity is Granularity.CHANNEL else None
        placing = context.wish.placing
        if groups is None:
            return constant.placed(width, placing)
        return constant.placed_in_groups(groups, width, widest, placing)

    def groups(self, name: str) -> Ints | None:
        """The output channel that each element of a constant belongs to, in its shape; None if it belongs to all."""
        return None

    def accumulator(self, exact: FixedType) -> FixedType | None:
        """The accumulator by which the layer itself rounds its exact result; None: that result is taken as it is."""
        return None

    def natural_type(self, context: Context) -> FixedType | None:
        """A result type the layer's own nature suggests (bounded functions), else None."""
        return None

    def natural_types(self, context: Context) -> tuple[FixedType | None, ...]:
        """The same for all outputs."""
        return tuple(self.natural_type(context) for _ in self.output_shapes(context.input_shapes))

    def finished(self, result: FixedType) -> Layer:
        """Last step of inference for a layer of one output that is wished or has a natural type (tables are filled)."""
        return self

    def recast(self, name: str, fixed: FixedType) -> Constant | None:
        """A constant whose type nobody fixed, in the type that it has in a design which gets other weights.

        None: it follows from types and ranges, and is found anew. What lies beyond the type saturates, or stays beyond
        it where only exact constants will do.
        """
        return self.constants()[name].rounded(fixed)

    def in_place_of(self, typed: Layer, context: Context, result: FixedType | None) -> Layer:
        """The layer, its constants recast, with all that follows from types and ranges, for a design in which ``typed``
        computes the same with other weights. ``result``: its type, where :meth:`finished` was given one."""
        layer = self.prepared(context)
        return layer if result is None else layer.finished(result)

    def constants(self) -> dict[str, Constant]:
        """The constants by the name of their field."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, Constant)}

    def constants_of(self, role: str) -> dict[str, Constant]:
        """Those whose type the configuration fixes by this role."""
        return {name: constant for name, constant in self.constants().items() if self.constant_roles.get(name) == role}

    def as_meant(self, name: str, numbers: Floats, before: Floats, behind: Floats) -> Floats:
        """Numbers in the shape and units of a constant as the model means it, where channels are held times powers of
        two: ``before`` and ``behind`` are what those of input and result have to be multiplied by (Tensor.factors)."""
        return numbers

    def describe(self) -> str:
        """The options a reader wants to see in the table of layers."""
        parts = []
        for f in fields(self):
            value = getattr(self, f.name)
            if not isinstance(value, Constant | np.ndarray) and value is not None:
                parts.append(f"{f.name}={value}")
        return " ".join(parts)


def align(values: Sequence[Exact]) -> tuple[list[Ints], int]:
    """Bring exact values to the finest of their grids."""
    frac = max(v.frac for v in values)
    return [shifted(v.mantissas, frac - v.frac) for v in values], frac


def type_of_all(values: Sequence[Exact]) -> FixedType:
    """The narrowest type that holds exact values of any grids."""
    every, frac = align(values)
    return FixedType.covering(min(int(v.min()) for v in every), max(int(v.max()) for v in every), frac)
