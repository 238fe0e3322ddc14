"""What ``dask:`` says: read, refused, and what becomes of it in jobs of a batch system."""

from __future__ import annotations

import contextlib
import os
import signal
import textwrap
import time
from pathlib import Path

import pytest

from hlsgen.errors import ConfigError, WorkersError
from hlsgen.explore.trial import Ask
from hlsgen.explore.workers.clusters import CLUSTERS, DaskSettings
from hlsgen.explore.workers.dask import DaskWorkers
from tests.explore.workers.works import Numbers

distributed = pytest.importorskip("distributed", reason="needs the extra dask")
dask_jobqueue = pytest.importorskip("dask_jobqueue", reason="needs the extra dask")

SLURM = {
    "cluster": "SLURMCluster",
    "workers": 2,
    "queue": "short",
    "account": "fpga",
    "walltime": "00:20:00",
    "cores": 2,
    "processes": 1,
    "memory": "4GB",
    "job_extra_directives": ["--constraint=avx2"],
    "job_script_prologue": ["source /opt/venv/bin/activate"],
}


def test_a_scheduler_or_a_cluster_is_read() -> None:
    assert DaskSettings.read("tcp://10.0.0.1:8786").scheduler == "tcp://10.0.0.1:8786"
    assert DaskSettings.read({"scheduler": "node7:8786", "wait": 5}) == DaskSettings("node7:8786", wait=5.0)
    found = DaskSettings.read(SLURM)
    assert (found.cluster, found.workers, found.wait, found.options["queue"]) == (
        "SLURMCluster",
        (2, 2),
        86400,
        "short",
    )
    assert DaskSettings.read({**SLURM, "workers": {"minimum": 0, "maximum": 40}}).workers == (0, 40)
    assert DaskSettings.read({"cluster": "LocalCluster"}).workers[0] >= 1


def test_clients_and_clusters_are_taken_as_they_are() -> None:
    """And what they agreed on with their scheduler (TLS) with them."""
    security = distributed.Security(require_encryption=False)
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, protocol="tcp", dashboard_address=None, security=security
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        expected = DaskSettings(cluster.scheduler_address, security=security)
        for said in (cluster, client, {"scheduler": client}):
            found = DaskSettings.read(said)
            assert found == expected and found.security is security


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            7,
            "dask: 7, expected the address of a scheduler, a client or a cluster of Dask's, or a mapping with 'cluster'",
        ),
        ({}, "expected one of 'scheduler' and 'cluster'"),
        ({"scheduler": "tcp://a:1", "cluster": "SLURMCluster"}, "expected one of 'scheduler' and 'cluster'"),
        ("nonsense://x", "scheduler: 'nonsense://x', expected an address, as tcp://host:8786"),
        ("tcp://a:1/x y", "expected an address"),
        ({"scheduler": "tcp://a:1", "queue": "short"}, "'queue' is of a cluster that is started"),
        ({"cluster": "SlurmCluster"}, r"cluster: 'SlurmCluster'; did you mean 'SLURMCluster'\?"),
        ({"cluster": "os.system"}, "cluster: 'os.system'; valid: HTCondorCluster, LSFCluster, LocalCluster"),
        ({**SLURM, "quue": "short"}, r"SLURMCluster has no option 'quue'; did you mean 'queue'\?"),
        ({"cluster": "LocalCluster", "walltime": "1:00"}, "LocalCluster has no option 'walltime'"),
        ({"cluster": "SLURMCluster", "cores": 1, "memory": "1GB"}, "workers: None, expected how many"),
        ({**SLURM, "workers": 0}, "workers: 0, expected how many"),
        ({**SLURM, "workers": True}, "workers: True, expected how many"),
        ({**SLURM, "workers": {"minimum": 3, "maximum": 2}}, "workers: .* if they are to follow the work"),
        ({**SLURM, "wait": 0}, "wait: 0, expected seconds"),
        ({**SLURM, "wait": float("nan")}, "wait: nan, expected seconds"),
    ],
    ids=range(16),
)
def test_what_cannot_be(said: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DaskSettings.read(said)


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "dask_jobqueue", None)
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    expected = r"dask: needs the package {}, which cannot be imported .*; pip install 'hlsgen\[dask\]'"
    with pytest.raises(ConfigError, match=expected.format("dask-jobqueue")):
        DaskSettings.read(SLURM)
    with pytest.raises(ConfigError, match=expected.format("distributed")):
        DaskWorkers(Numbers(), DaskSettings("tcp://127.0.0.1:8786"))


def test_every_cluster_that_can_be_named_is_there() -> None:
    for name in CLUSTERS:
        assert DaskSettings.read({"cluster": name, "workers": 1}).cluster == name


def test_no_program_that_submits_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(WorkersError, match="SLURMCluster submits jobs by sbatch, which is not on PATH: run this where"):
        DaskSettings.read(SLURM).started()


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A batch system of this machine: ``sbatch`` keeps the script of a job and runs it, ``scancel`` ends it."""
    folder = tmp_path / "batch"
    folder.mkdir()
    sbatch = f"""\
        #!/bin/bash
        number=$$
        cp "$1" {folder}/script$number
        setsid bash {folder}/script$number > {folder}/output$number 2>&1 < /dev/null &
        echo $! > {folder}/process$number
        echo "Submitted batch job $number"
    """
    scancel = f"""\
        #!/bin/bash
        kill -- -$(cat {folder}/process$1)
    """
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"sbatch": sbatch, "scancel": scancel}.items():
        (programs / name).write_text(textwrap.dedent(text))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    )
    yield folder
    for file in folder.glob("process*"):
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.killpg(int(file.read_text()), signal.SIGKILL)


def test_jobs_say_what_the_options_do(batch: Path) -> None:
    """No SLURM is here to run them."""
    with DaskSettings.read({**SLURM, "workers": {"minimum": 0, "maximum": 1}}).started() as cluster:
        script = cluster.job_script().splitlines()
    said = {line.removeprefix("#SBATCH ") for line in script if line.startswith("#SBATCH")}
    assert {"-p short", "-A fpga", "-t 00:20:00", "--cpus-per-task=2", "--mem=4G", "--constraint=avx2"} <= said
    assert "source /opt/venv/bin/activate" in script
    (command,) = [line for line in script if "distributed.cli.dask_worker" in line]
    assert "--nthreads 2" in command and "--memory-limit 3.73GiB" in command


def test_a_search_by_jobs(batch: Path) -> None:
    """From the submission to the end of the jobs, where a batch system just runs them."""
    said = {name: value for name, value in SLURM.items() if not name.startswith("job_")}
    said |= {"processes": 1, "interface": "lo", "local_directory": str(batch)}
    with DaskWorkers(Numbers(), DaskSettings.read(said)) as workers:
        for number in range(20):
            workers.submit(number, Ask({"index": number}))
        found = {}
        while some := workers.finished():
            found |= dict(some)
    assert {number: outcome.values for number, outcome in found.items()} == {
        index: {"number": float(index**2)} for index in range(20)
    }
    assert len(list(batch.glob("script*"))) == 2
    until = time.monotonic() + 60
    for file in batch.glob("process*"):
        while Path(f"/proc/{file.read_text().strip()}").exists():
            assert time.monotonic() < until, "a job is still there"
            time.sleep(0.05)
