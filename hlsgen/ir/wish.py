"""What was wished for a node before any type is inferred: by the configuration, and by the model's own quantisers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

from hlsgen.ir.placing import ALL, Placing
from hlsgen.ir.types import FixedType


class By(Enum):
    """Who wishes a type."""

    MODEL = "the model's quantiser"
    LAYER = "the configuration, for this layer by its name"
    CONFIGURATION = "the configuration, for a type of layers or for all"


class Strategy(StrEnum):
    """What a product is optimised for; auto: by its size."""

    AUTO = "auto"
    LATENCY = "latency"
    RESOURCE = "resource"
    UNROLLED = "unrolled"
    DISTRIBUTED_ARITHMETIC = "distributed_arithmetic"

    @property
    def is_one_turn(self) -> bool:
        """Whether all of a product is there at once, so that a pipeline can unroll it."""
        return self in (Strategy.LATENCY, Strategy.DISTRIBUTED_ARITHMETIC)


class Storage(StrEnum):
    """What memory holds the weights that a product reads turn by turn; auto: the tool's choice."""

    AUTO = "auto"
    BRAM = "bram"
    URAM = "uram"
    LUTRAM = "lutram"


class Dsp(StrEnum):
    """Whether products are built of a device's multipliers; auto: the synthesis tool's choice."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"


class WeightSource(StrEnum):
    """Where a product reads its weights and biases.

    In the text of the design; at ports of its top function; or in memories of its own, which are filled from memory
    outside when a call of the top function asks for it.
    """

    CONSTANT = "constant"
    BRAM_PORT = "bram_port"
    AXI = "axi"


class Recurrence(StrEnum):
    """Whether the steps of a sequence are gone through by one copy of what computes a step, or each has its own."""

    LOOP = "loop"
    UNROLLED = "unrolled"


class Granularity(StrEnum):
    """Whether inferred weights have one binary point, or one for each output channel; auto: as much as needed."""

    AUTO = "auto"
    TENSOR = "tensor"
    CHANNEL = "channel"


@dataclass(frozen=True)
class Wished:
    """A type, and who wishes it."""

    type: FixedType
    by: By


class Level(IntEnum):
    """Where in the configuration something is said: the more specific, the larger."""

    MODEL = 0
    TYPE = 1
    NAME = 2


@dataclass(frozen=True)
class Budget:
    """The bits that inferred weights or results may take, and how specifically that was said."""

    bits: int
    level: Level

    def joined(self, other: Budget | None) -> Budget:
        """What holds where two operations become one: the more specific, of equals the narrower."""
        return self if other is None else min(self, other, key=lambda budget: (-budget.level, budget.bits))


@dataclass(frozen=True)
class Hardware:
    """How a node is to be built. No bit depends on it."""

    strategy: Strategy = Strategy.LATENCY
    reuse_factor: int = 1
    storage: Storage = Storage.AUTO
    parallelization: int = 1
    """Places of a window whose products are computed at once."""
    weights: WeightSource = WeightSource.CONSTANT
    recurrence: Recurrence = Recurrence.LOOP
    balanced: bool = False
    """Whether the reuse factor is to be chosen by how long others take."""
    named: frozenset[str] = frozenset()
    """Which of these are for this very layer: kept or refused. Of others what comes nearest is as good."""
    dsp: Dsp = Dsp.AUTO


@dataclass(frozen=True)
class Wish:
    """Types by role, and how the node is to be computed. What has no wish is inferred.

    Roles are those that the layer declares: of its constants (``Layer.constant_roles``) and of its casts
    (``Layer.casts``). A wish is never changed by what is inferred; where two nodes become one, the one has the wishes
    of both.
    """

    types: Mapping[str, Wished] = field(default_factory=dict)
    hardware: Hardware = Hardware()
    granularity: Granularity = Granularity.AUTO
    placing: Placing = ALL
    """How far inferred weights reach."""
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    """Bits for what has no type, of constants ("weight") and of results ("result"). They pin nothing: a type says what
    a value is, a budget what it may cost."""

    octaves: tuple[int, ...] | None = None
    """Of an input with types for its features: by how much each reaches less far than the type of the result."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", MappingProxyType(dict(self.types)))
        object.__setattr__(self, "budgets", MappingProxyType(dict(self.budgets)))

    def __reduce__(self) -> tuple[Any, ...]:
        """As plain arguments: views of dicts can neither be copied nor sent to other processes."""
        return Wish, (dict(self.types), self.hardware, self.granularity, self.placing, dict(self.budgets), self.octaves)

    def type(self, role: str) -> FixedType | None:
        wished = self.types.get(role)
        return None if wished is None else wished.type

    @property
    def result(self) -> FixedType | None:
        return self.type("result")

    @property
    def accum(self) -> FixedType | None:
        return self.type("accum")

    @property
    def result_by_model(self) -> bool:
        """Whether the result type is that of a quantiser of the model."""
        wished = self.types.get("result")
        return wished is not None and wished.by is By.MODEL

    @property
    def casts(self) -> bool:
        """Whether any type is fixed for what the node yields."""
        return "result" in self.types or "accum" in self.types

    def named(self, *roles: str) -> bool:
        """Whether the user fixed one of these roles for this very layer."""
        return any(role in self.types and self.types[role].by is By.LAYER for role in roles)

    def configured(self) -> dict[str, FixedType]:
        """The types that the configuration fixed."""
        return {role: wished.type for role, wished in self.types.items() if wished.by is not By.MODEL}

    def with_type(self, role: str, wished: Wished | None) -> Wish:
        """The same with another type for a role; None: with none."""
        others = {r: w for r, w in self.types.items() if r != role}
        return replace(self, types=others if wished is None else {**others, role: wished})

    def bits(self, role: str, default: int) -> int:
        """The budget of weights or results, where nobody said another than ``default``."""
        budget = self.budgets.get(role)
        return default if budget is None else budget.bits

    def with_budgets_of(self, other: Wish, *roles: str) -> Wish:
        """The wish of a node that also computes what ``other`` was for, with what is said of either (roles: which)."""
        joined = {role: other.budgets[role].joined(self.budgets.get(role)) for role in roles if role in other.budgets}
        return replace(self, budgets={**self.budgets, **joined}) if joined else self

    def with_result_of(self, other: Wish) -> Wish:
        """The wish of a node that also does the cast of ``other``, which reads it."""
        return self.with_type("result", other.types.get("result"))
