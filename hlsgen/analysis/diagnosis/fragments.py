"""Fragments of configurations: a type for a role of a layer as YAML, and how one is merged into a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlsgen.config import WIDTH_ROLES, Config
from hlsgen.errors import ConfigError, brief
from hlsgen.ir.types import FixedType
from hlsgen.strict_yaml import parse, written

Fragment = dict[str, Any]

_BARE: Mapping[str, tuple[str, ...]] = {"precision": ("weight", "bias", "result"), "width": WIDTH_ROLES}
"""What a type, or a number of bits, that stands in place of a mapping is for."""


def of_layer(name: str, types: Mapping[str, FixedType | str]) -> Fragment:
    """Types by role for a layer."""
    return {"layers": {name: {"precision": {role: str(fixed) for role, fixed in types.items()}}}}


def of_width(name: str, role: str, bits: int) -> Fragment:
    """Bits for what nobody fixed of a role of a layer."""
    return {"layers": {name: {"width": {role: bits}}}}


def of_class(name: str, types: Mapping[str, FixedType | str]) -> Fragment:
    """Types by role for all layers of a class."""
    return {"layer_types": of_layer(name, types)["layers"]}


def of_defaults(types: Mapping[str, FixedType | str]) -> Fragment:
    """Types by role for all layers."""
    return {"defaults": of_layer("", types)["layers"][""]}


def of_inputs(types: Mapping[str, FixedType | str]) -> Fragment:
    """Types for inputs."""
    return {"input_precision": {name: str(fixed) for name, fixed in types.items()}}


def text_of(fragment: Fragment) -> str:
    """As YAML; its strict reading gives the fragment again."""
    text = written(fragment, ascii_only=True)
    assert parse(text, "the fix").data == fragment, f"{text!r} does not say {fragment}"
    return text


def fragment_of(fix: str) -> Fragment:
    """Read a fragment of YAML. Raises ConfigError."""
    data = parse(fix, "the fix").data
    if not isinstance(data, dict):
        raise ConfigError(f"the fix: expected a mapping of settings as YAML, found {brief(data)}")
    return data


def merged(settings: Mapping[str, Any], fragment: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with those of a fragment: mappings are merged, everything else is replaced. Both stay as they are.

    A bare ``precision: fixed<8,3>`` or ``width: 8`` is the mapping that it means.
    """
    found = dict(settings)
    for key, value in fragment.items():
        if isinstance(value, Mapping):
            present = found.get(key)
            if key in _BARE and isinstance(present, str | int):
                present = dict.fromkeys(_BARE[key], present)
            found[key] = merged(present if isinstance(present, Mapping) else {}, value)
        else:
            found[key] = value
    return found


def settings_of(config: Config) -> dict[str, Any]:
    """What was set of a configuration, as plain values."""
    return dict(config.model_dump(mode="json", exclude_unset=True))


def overrides(config: Config, fragment: Fragment) -> dict[str, Any]:
    """What ``with_settings`` takes to merge a fragment into a configuration."""
    together = merged(settings_of(config), fragment)
    return {key: together[key] for key in fragment}
