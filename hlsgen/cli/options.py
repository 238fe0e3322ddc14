"""What commands have in common: how an option is declared, and how a model is named, converted and given its data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import hlsgen
from hlsgen.cli.show import working
from hlsgen.errors import ConfigError

_CONFIGURATIONS = (".yml", ".yaml")


def existing(help_text: str) -> Any:
    """An argument that has to be given."""
    return typer.Argument(help=help_text, show_default=False)


def option(*names: str, text: str) -> Any:
    """An option that may be left out."""
    return typer.Option(*names, help=text, show_default=False)


ModelOrConfig = Annotated[Path, existing("A model, or a .yml configuration that names one.")]


def model_and_config(model: Path, config: Path | None) -> tuple[Path | None, Path | None]:
    """The model, None if the configuration names it, and the configuration. Raises ConfigError where two are given."""
    if model.suffix not in _CONFIGURATIONS:
        return model, config
    if config is not None:
        raise ConfigError(f"two configurations given: {model} and --config {config}; give one")
    return None, model


def converted(model: Path, config: Path | None, **settings: Any) -> hlsgen.Project:
    """Convert a model, or the one that a configuration names."""
    source, file = model_and_config(model, config)
    with working("converting"):
        return hlsgen.convert(source, file, **settings)


def given(**settings: Any) -> dict[str, Any]:
    """Those that were given."""
    return {name: value for name, value in settings.items() if value is not None}
