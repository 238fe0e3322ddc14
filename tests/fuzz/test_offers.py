"""Random wishes for the hardware: right, or refused with an offer that helps, until they are taken."""

from __future__ import annotations

import random

import pytest

from hlsgen.errors import ConfigError
from hlsgen.frontends.keras.source import SourceModel
from tests.fuzz.networks import every_network
from tests.fuzz.offers import Settings, any_hardware, offers
from tests.passes.builders import project_of

_MOST_REFUSALS = 25


def refusal(source: SourceModel, settings: Settings) -> str | None:
    """Why there is no project of these settings; None if there is."""
    try:
        assert project_of(source, **settings).files
    except ConfigError as error:
        return str(error)
    return None


def follow(seed: int) -> None:
    """Take offers, any of those that are made, until there is a project; none of them may be met as if not taken."""
    rng = random.Random(seed)
    source = every_network(rng.getrandbits(32), steps=rng.randint(1, 5))
    settings = any_hardware(rng, source)
    said = refusal(source, settings)
    met = [settings]
    while said is not None:
        ways = {str(way): (way, refusal(source, way)) for way in offers(said, settings)}
        for way, again in ways.values():
            assert way != settings and again != said, f"{said}: does not help: {way}"
        fresh = [(way, again) for way, again in ways.values() if way not in met]
        assert fresh and len(met) < _MOST_REFUSALS, f"offers lead nowhere: {said}: {settings}"
        settings, said = rng.choice(fresh)
        met.append(settings)


@pytest.mark.parametrize("start", range(0, 120, 30))
def test_offers_are_taken(start: int) -> None:
    for seed in range(start, start + 30):
        follow(seed)


@pytest.mark.slow
def test_many_offers_are_taken() -> None:
    for seed in range(120, 600):
        follow(seed)
