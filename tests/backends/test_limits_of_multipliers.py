"""What builds too many multipliers is refused, and what is offered instead is taken."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hlsgen.errors import ConfigError
from tests.passes.builders import Net, project_of


def positions(count: int, n_in: int, n_out: int) -> Any:
    net = Net()
    net.input((count, n_in))
    return net.source(net.dense("fc", "x", n_in, n_out))


def images() -> Any:
    net = Net()
    net.input((12, 12, 2))
    return net.source(net.conv("conv", "x", 2, 8, padding="valid"))


def refusal(source: Any, **settings: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        _ = project_of(source, **settings).files
    return str(caught.value)


def test_nobody_gets_a_pipeline_of_more_multipliers_than_asked_for() -> None:
    assert not project_of(positions(16, 12, 20), default_width=8).plan.dataflow
    assert project_of(positions(16, 16, 20), default_width=8).plan.dataflow


@pytest.mark.parametrize(
    "source", [positions(16, 40, 60), images(), positions(1, 100, 60)], ids=["rows", "conv", "one"]
)
def test_the_interval_that_is_offered_is_taken(source: Any) -> None:
    settings = {"pipeline": "flat", "strategy": "latency"}
    said = refusal(source, **settings)
    found = re.search(r"one pipeline computes all positions .* give an interval of ([\d,]+) or more", said)
    assert found
    interval = int(found[1].replace(",", ""))
    assert project_of(source, **settings, interval=interval).files
    assert "at most 4,096" in refusal(source, **settings, interval=interval - 1)


def test_weights_at_ports_have_turns() -> None:
    said = refusal(images(), pipeline="flat", defaults={"weights": "bram_port"})
    assert (
        "layer 'conv' (Conv2D): pipeline 'flat' unrolls every loop, and weights 'bram_port' are read turn by turn"
        in said
    )
    assert said.endswith("give it weights 'constant', or leave pipeline out")
    assert project_of(images(), pipeline="flat", layers={"conv": {"weights": "constant"}}, interval=4).files
    assert project_of(images(), defaults={"weights": "bram_port"}).files


@pytest.mark.parametrize(
    "named",
    [{"strategy": "latency"}, {"strategy": "auto", "reuse_factor": 1}, {"strategy": "resource", "reuse_factor": 2}],
    ids=str,
)
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_the_reuse_factor_that_is_offered_is_taken(named: dict[str, Any], io_type: str) -> None:
    source, settings = positions(3, 120, 90), {"io_type": io_type, "default_width": 8}
    said = refusal(source, **settings, layers={"fc": named})
    found = re.search(r"at most 4,096 are; give it strategy '(\w+)' with a reuse_factor of (\d+) or a larger one", said)
    assert found
    offered = {"strategy": found[1], "reuse_factor": int(found[2])}
    assert project_of(source, **settings, layers={"fc": offered}).files
    assert "reuse_factor" in refusal(
        source, **settings, layers={"fc": {**offered, "reuse_factor": offered["reuse_factor"] - 1}}
    )
