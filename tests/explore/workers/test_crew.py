"""Which workers a search has, by what is said; and what is refused before any starts."""

from __future__ import annotations

import pytest

from hlsgen.errors import ConfigError
from hlsgen.explore.crew import crew
from hlsgen.explore.origin import Origin
from hlsgen.explore.workers.here import Here
from hlsgen.explore.workers.processes import Processes
from hlsgen.tools import processors
from tests.explore.workers.works import Numbers

AT = Origin("sweep.yml")


def test_who_computes() -> None:
    work = Numbers()
    assert isinstance(crew(0, AT)(work), Here)
    found = [crew(count, AT, timeout=5)(work) for count in (None, 1, 3)]
    assert all(isinstance(workers, Processes) for workers in found)
    assert [workers.slots for workers in found] == [processors(), 1, 3]
    assert crew(Here, AT)(work).slots == 1


def test_dask_computes() -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    from hlsgen.explore.workers.dask import DaskWorkers

    assert isinstance(crew(None, AT, dask="tcp://127.0.0.1:8786", timeout=2.5)(Numbers()), DaskWorkers)
    assert isinstance(crew(None, AT, scheduler="tcp://127.0.0.1:8786")(Numbers()), DaskWorkers)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"workers": -1}, "workers: -1, expected how many processes"),
        ({"workers": True}, "workers: True, expected how many processes"),
        ({"workers": "two"}, "workers: 'two', expected how many processes"),
        ({"workers": 2, "dask": "tcp://a:1"}, "workers: are those of Dask, as 'dask' says, and there are as many as"),
        (
            {"workers": 2, "dask": {"cluster": "LocalCluster"}},
            r"how many is said there \(dask: \{workers: 8\}\); leave",
        ),
        ({"workers": None, "dask": "a"}, "sweep.yml: dask: scheduler: 'a', expected an address"),
        ({"workers": None, "dask": {"cluster": "SlurmCluster", "workers": 1}}, "did you mean 'SLURMCluster'"),
        ({"workers": None, "scheduler": "a"}, "sweep.yml: dask: scheduler: 'a', expected an address"),
        (
            {"workers": None, "scheduler": {"cluster": "LocalCluster"}},
            "dask: scheduler: {'cluster'.*expected an address",
        ),
        ({"workers": 2, "scheduler": "tcp://a:1"}, r"as 'scheduler' says, .*\(dask worker ADDRESS\); leave"),
        ({"workers": None, "scheduler": "tcp://a:1", "dask": "tcp://a:1"}, "scheduler: is said by 'dask' too"),
        ({"workers": 0, "timeout": 5}, "timeout: no trial of this process itself can be ended"),
        ({"workers": 2, "timeout": 0}, "timeout: 0, expected seconds"),
        ({"workers": 2, "timeout": float("nan")}, "timeout: nan, expected seconds"),
        ({"workers": 2, "timeout": "5 s"}, "timeout: '5 s', expected seconds"),
    ],
    ids=range(15),
)
def test_what_cannot_be(said: dict[str, object], message: str) -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    with pytest.raises(ConfigError, match=message):
        crew(**said, origin=AT)
