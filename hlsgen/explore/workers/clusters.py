"""Clusters of Dask's that a search starts for itself: on this machine, or as jobs of a batch system."""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from hlsgen.errors import ConfigError, WorkersError, brief, nearest, said_by
from hlsgen.tools import processors

LOCAL = "LocalCluster"
CLUSTERS = {
    LOCAL: "distributed",
    "HTCondorCluster": "dask_jobqueue",
    "LSFCluster": "dask_jobqueue",
    "MoabCluster": "dask_jobqueue",
    "OARCluster": "dask_jobqueue",
    "PBSCluster": "dask_jobqueue",
    "SGECluster": "dask_jobqueue",
    "SLURMCluster": "dask_jobqueue",
}
"""The classes that can be named, and the modules that they are in."""
_SECONDS, _DAY = 60.0, 86400.0
_MOST = 100_000
_ADDRESS = re.compile(r"((tcp|tls|ws|wss)://)?([\w.-]+|\[[\da-fA-F:]+\]):\d{1,5}")
_NO_OPTIONS = {"self", "args", "kwargs", "job_kwargs", "worker_kwargs", "base_class_kwargs", "asynchronous", "loop"}


@dataclass(frozen=True)
class DaskSettings:
    """What ``dask:`` or ``scheduler:`` says: a scheduler that is there, or a cluster to be started."""

    scheduler: str | None = None
    """An address: ``tcp://host:8786``."""
    cluster: str | None = None
    workers: tuple[int, int] = (0, 0)
    """At least and at most so many; the same twice, unless their number follows the work."""
    wait: float = _SECONDS
    """Seconds after which a search gives up that has no worker."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the class of the cluster: ``queue``, ``walltime``, ``cores``, ..."""
    security: Any = None
    """How the scheduler is spoken to (``distributed.Security``), if it was given as a client or a cluster."""

    @classmethod
    def read(cls, said: Any) -> DaskSettings:
        """Read what a user writes. Raises ConfigError, also where a package is missing."""
        if isinstance(said, str) or _address_of(said):
            said = {"scheduler": said}
        if not isinstance(said, Mapping) or not all(isinstance(key, str) for key in said):
            raise ConfigError(
                f"dask: {brief(said)}, expected the address of a scheduler, a client or a cluster of Dask's, or a "
                "mapping with 'cluster' and its options"
            )
        if ("scheduler" in said) == ("cluster" in said):
            raise ConfigError(f"dask: {brief(dict(said))}, expected one of 'scheduler' and 'cluster'")
        options = dict(said)
        scheduler, cluster = options.pop("scheduler", None), options.pop("cluster", None)
        wait = _seconds(options.pop("wait", _SECONDS if cluster in (None, LOCAL) else _DAY))
        if scheduler is not None:
            security = getattr(scheduler, "security", None)
            return cls(_address(scheduler, options), wait=wait, security=security)
        if cluster not in CLUSTERS:
            raise ConfigError(f"dask: cluster: {brief(cluster)}{nearest(cluster, CLUSTERS)}")
        workers = _numbers(options.pop("workers", processors() if cluster == LOCAL else None))
        for option in options:
            known = _options(cluster)
            if option not in known:
                raise ConfigError(f"dask: {cluster} has no option {brief(option)}{nearest(option, known)}")
        return cls(None, cluster, workers, wait, options)

    def started(self) -> Any:
        """The cluster, with its first workers on their way. Raises ConfigError and WorkersError."""
        assert self.cluster is not None
        kind = getattr(module(CLUSTERS[self.cluster]), self.cluster)
        least, most = self.workers
        given: dict[str, Any] = dict(self.options)
        if self.cluster == LOCAL:
            # Trials have processes of their own: those of Dask would run the user's program again.
            given = {"processes": False, "threads_per_worker": 1, "n_workers": least, "dashboard_address": None} | given
        else:
            _check_submission(self.cluster, kind)
        try:
            cluster = kind(**given)
            if least != most:
                cluster.adapt(minimum=least, maximum=most)
            elif self.cluster != LOCAL:
                cluster.scale(least)
        except Exception as error:  # of any kind: options that are missing, a port that is taken
            raise ConfigError(f"dask: {self.cluster} cannot be started: {said_by(error)}") from error
        return cluster


def module(name: str) -> ModuleType:
    """One of Dask's packages. Raises ConfigError that names the extra."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"dask: needs the package {name.replace('_', '-')}, which cannot be imported ({error}); "
            "pip install 'hlsgen[dask]'"
        ) from error


def _check_submission(name: str, kind: Any) -> None:
    """Raise WorkersError where jobs cannot be submitted: Dask itself would log that and wait."""
    command = str(getattr(kind.job_cls, "submit_command", "")).split()
    if command and shutil.which(command[0]) is None:
        raise WorkersError(
            f"dask: {name} submits jobs by {command[0]}, which is not on PATH: run this where jobs are "
            "submitted, or give the address of a scheduler"
        )


def _options(cluster: str) -> set[str]:
    """The options of a cluster: those of its class and its bases, and of its jobs."""
    kind = getattr(module(CLUSTERS[cluster]), cluster)
    kinds = [*inspect.getmro(kind), *inspect.getmro(getattr(kind, "job_cls", None) or object)]
    if cluster == LOCAL:
        kinds.append(module("distributed").Worker)
    made = [vars(one)["__init__"] for one in kinds if one is not object and "__init__" in vars(one)]
    return {name for init in made for name in inspect.signature(init).parameters} - _NO_OPTIONS


def _address_of(value: Any) -> str:
    """The address of the scheduler of a client or a cluster of Dask's; none of anything else."""
    for owner, name in ((value, "scheduler_address"), (getattr(value, "scheduler", None), "address")):
        found = getattr(owner, name, None)
        if isinstance(found, str):
            return found
    return ""


def _address(value: Any, others: Mapping[str, Any]) -> str:
    if found := _address_of(value):
        return found
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value.strip()):
        raise ConfigError(f"dask: scheduler: {brief(value)}, expected an address, as tcp://host:8786")
    if others:
        raise ConfigError(f"dask: {brief(next(iter(others)))} is of a cluster that is started, not of a scheduler")
    return value.strip()


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigError(f"dask: wait: {brief(value)}, expected seconds to wait for workers")
    return float(value)


def _numbers(value: Any) -> tuple[int, int]:
    """``8``, or ``{minimum: 0, maximum: 40}``."""
    if isinstance(value, Mapping) and set(value) == {"minimum", "maximum"}:
        least, most = value["minimum"], value["maximum"]
    else:
        least = most = value
    good = all(isinstance(number, int) and not isinstance(number, bool) for number in (least, most))
    if not good or not 0 <= least <= most <= _MOST or not most:
        raise ConfigError(
            f"dask: workers: {brief(value)}, expected how many, or {{minimum: 0, maximum: 40}} if they are to follow "
            "the work"
        )
    return least, most
