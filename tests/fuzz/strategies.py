"""Strategies for hypothesis: models as files, types, networks with settings, configurations.

They draw from the same functions as ``python -m tests.fuzz``, whose source of chance hypothesis stands in for; so
hypothesis can make what it finds smaller.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st

from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.types import FixedType
from tests.fuzz.cases.configurations import ConfigurationCase
from tests.fuzz.cases.files import FileCase
from tests.fuzz.cases.networks import NetworkCase
from tests.fuzz.cases.types import TypeCase
from tests.fuzz.damage.tree import any_value
from tests.fuzz.fixed_types import any_type, broken_text, spelt, wild_type
from tests.fuzz.networks import every_network
from tests.fuzz.settings import Settings, any_settings

T = TypeVar("T")


@st.composite
def drawn(draw: Any, function: Callable[[random.Random], T]) -> T:
    """What a function of a source of chance gives."""
    return function(draw(st.randoms(use_true_random=False)))


def fixed_types(widest: int = 24) -> st.SearchStrategy[FixedType]:
    """Types of up to ``widest`` bits, with any modes."""
    return drawn(lambda rng: any_type(rng, widest))


def wild_types() -> st.SearchStrategy[FixedType]:
    """Types of any width and with their binary point anywhere."""
    return drawn(wild_type)


def type_texts() -> st.SearchStrategy[tuple[str, FixedType]]:
    """A spelling, and the type that it names."""
    return wild_types().flatmap(lambda fixed: drawn(lambda rng: (spelt(rng, fixed), fixed)))


def broken_texts() -> st.SearchStrategy[str]:
    """Texts that may name no type."""
    return drawn(broken_text)


def json_values() -> st.SearchStrategy[Any]:
    """Values of JSON as hostile files have them."""
    return drawn(any_value)


def networks(most: int = 8) -> st.SearchStrategy[SourceModel]:
    """Sound networks of up to ``most`` layers of every kind."""
    seeds = st.integers(0, 2**32 - 1)
    return st.builds(lambda seed, steps: every_network(seed, steps=steps), seeds, st.integers(1, most))


def configured_networks(most: int = 8) -> st.SearchStrategy[tuple[SourceModel, Settings]]:
    """Networks, with settings that know their layers."""
    return networks(most).flatmap(lambda source: drawn(lambda rng: (source, any_settings(rng, source))))


def files() -> st.SearchStrategy[FileCase]:
    """Models as files, most of them damaged: ``prepare(folder)`` writes one."""
    return drawn(FileCase.draw)


def configurations() -> st.SearchStrategy[ConfigurationCase]:
    """YAML beside a small model, most of it damaged."""
    return drawn(ConfigurationCase.draw)


def type_cases() -> st.SearchStrategy[TypeCase]:
    return drawn(TypeCase.draw)


def network_cases() -> st.SearchStrategy[NetworkCase]:
    return drawn(NetworkCase.draw)
