"""The benchmark: hlsgen, hls4ml, float Keras and ONNX Runtime side by side, in one run (``make bench``).

Every figure comes from a process of its own that does one contender's work on one network; all read the
same ``.h5`` files. Environments for the peer (with TensorFlow) and for ONNX Runtime are made under
``build/`` at the first run. The table is printed and written to ``benchmarks/RESULTS.md``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import machine
import report
from report import Growth, Result

ROOT = Path(__file__).resolve().parent.parent
WORKERS = Path(__file__).resolve().parent / "workers"
BUILD = ROOT / "build"
PEER_PACKAGES = (
    "tensorflow==2.14.1",
    "qkeras==0.9.0",
    "tensorflow-model-optimization<=0.7.5",
    "hls4ml==1.3.0",
    "pyparsing<3.3",  # QKeras needs it and does not say so
)
ONNX_PACKAGES = ("onnxruntime", "onnx", "h5py", "numpy")
PEER_PYTHONS = ((3, 9), (3, 11))
"""TensorFlow 2.14 exists for these versions of Python."""


@dataclass(frozen=True)
class Network:
    """One network of the benchmark and how each contender is to take it."""

    name: str
    title: str
    io_type: str = "io_stream"
    peer_strategy: str = "latency"
    options: Mapping[str, Any] = field(default_factory=lambda: {"precision": "fixed<16,6>"})
    """convert()'s: the peer's types."""
    default_types: bool = True
    """Measure hlsgen's own choice of 16-bit types as well."""
    peer: bool = True
    """The peer reads it."""


NETWORKS = (
    Network("mlp_16x64x32x32x5", "MLP 16-64-32-32-5", "io_parallel"),
    Network("mlp_16x500x5", "MLP 16-500×5-5", "io_parallel", "resource"),
    Network("svhn_cnn", "SVHN CNN 32×32×3"),
    Network("cnn_1d", "1-D CNN 128×9"),
    Network("resnet8", "ResNet-8 32×32×3", peer_strategy="resource"),
    Network(
        "mnist_qcnn",
        "MNIST QKeras CNN, 4 bit",
        options={"input_precision": "ufixed<8,0>"},
        default_types=False,
    ),
    Network("jet_qmlp6", "jet tagging QKeras MLP, 6 bit", "io_parallel", options={}, default_types=False),
    Network("lstm_20x32", "LSTM 20 steps × 32 units"),
    Network("attention_64x64", "attention block 64×64, 4 heads", peer=False),
    Network(
        "svhn_qcnn8",
        "SVHN QKeras CNN, 8 bit",
        options={"input_precision": "ufixed<8,0>"},
        default_types=False,
    ),
)
GROWTHS = (
    ("MLP 128×8: layers ×2", "growth_mlp", "growth_mlp_layers", "io_parallel"),
    ("MLP 128×8: width ×2", "growth_mlp", "growth_mlp_width", "io_parallel"),
    ("CNN 16×16×16, 4 layers: layers ×2", "growth_cnn", "growth_cnn_layers", "io_stream"),
    ("CNN 16×16×16, 4 layers: width ×2", "growth_cnn", "growth_cnn_width", "io_stream"),
)
CONVERSIONS = (
    ("chain of 500 → 1,000 nodes", "chain_500", "chain_1000"),
    ("residual network of 13 → 26 blocks", "residual_13", "residual_26"),
)


class WorkerError(Exception):
    """A contender's process failed; the message ends with what it said."""


@dataclass(frozen=True)
class Bench:
    """Where everything is, and how long to measure."""

    folder: Path
    peer_python: Path
    onnx_python: Path
    source: Path
    """The folder that holds the hlsgen to measure."""
    quick: bool
    cores: tuple[int, ...]

    # -- processes --------------------------------------------------------------------------

    def run(self, python: Path, script: str, name: str, cores: Sequence[int], **settings: Any) -> dict[str, Any]:
        """Run one worker and return its answer. Raises WorkerError."""
        task = {"name": name, "folder": str(self.folder), "cores": list(cores), **self._effort(script), **settings}
        command = [str(python), str(WORKERS / script), json.dumps(task)]
        environment = {**os.environ, **self._environment(script, settings)}
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=environment)
        lines = done.stdout.strip().splitlines()
        if done.returncode != 0 or not lines:
            raise WorkerError(f"{script} on {name}: " + "\n".join(done.stderr.strip().splitlines()[-5:]))
        answer: dict[str, Any] = json.loads(lines[-1])
        return answer

    def _effort(self, script: str) -> dict[str, float]:
        seconds = 0.5 if self.quick else 2.0
        return {"seconds": seconds, "limit": 2_000 if script == "hls4ml_worker.py" else 2_000_000}

    def _environment(self, script: str, settings: Mapping[str, Any]) -> dict[str, str]:
        if script != "hlsgen_worker.py":
            return {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        return {"HLSGEN_CACHE": str(settings["cache"]), "PYTHONPATH": str(self.source)}

    # -- hlsgen -----------------------------------------------------------------------------

    @property
    def bindings(self) -> Path:
        return self.folder / "cache_bindings"

    def first_build(self) -> float:
        """Compile the bindings into a fresh cache, as the first use on a machine does: seconds."""
        cache = self._fresh(self.bindings)
        answer = self.run(Path(sys.executable), "hlsgen_worker.py", "", self.cores, bindings=True, cache=str(cache))
        return float(answer["seconds"])

    def _fresh(self, folder: Path) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        return folder

    def hlsgen(self, name: str, title: str, options: Mapping[str, Any]) -> Result:
        """Cold compile in a cache that holds the bindings only, then from the cache, then speed."""
        cache = self._fresh(self.folder / "cache_design")
        for bindings in self.bindings.glob("bindings_*"):
            shutil.copy2(bindings, cache)

        def worker(cores: Sequence[int], measure: bool) -> dict[str, Any]:
            settings = {"options": dict(options), "measure": measure, "cache": str(cache)}
            return self.run(Path(sys.executable), "hlsgen_worker.py", name, cores, **settings)

        cold = worker(self.cores, measure=False)
        one = worker(self.cores[:1], measure=True)
        every = worker(self.cores, measure=True)
        wrong = one["mismatches"] + every["mismatches"]
        return Result(
            title,
            convert=cold["convert"],
            cold=cold["compile"],
            cached=one["compile"],
            one_core=one["speed"],
            all_cores=every["speed"],
            memory=every["memory"],
            compiler_memory=cold["compiler_memory"],
            byte_share=cold["byte_share"],
            one_sample=one["seconds_of_one"],
            problem=f"{wrong} values differ from the reference" if wrong else "",
        )

    # -- the others -------------------------------------------------------------------------

    def peer(self, network: Network, title: str) -> Result:
        """hls4ml runs on one core whatever it is given."""
        output = self.folder / "peer" / network.name
        shutil.rmtree(output, ignore_errors=True)
        settings = {"io_type": network.io_type, "strategy": network.peer_strategy, "output": str(output)}
        found = self.run(self.peer_python, "hls4ml_worker.py", network.name, self.cores[:1], **settings)
        return Result(
            title,
            convert=found["convert"],
            cold=found["compile"],
            cached=None,
            one_core=found["speed"],
            all_cores=found["speed"],
            memory=found["memory"],
            compiler_memory=found["compiler_memory"],
        )

    def floating(self, name: str, python: Path, script: str, title: str) -> Result:
        """A float engine: speed and memory only."""
        one = self.run(python, script, name, self.cores[:1])
        every = self.run(python, script, name, self.cores)
        return Result(title, one_core=one["speed"], all_cores=every["speed"], memory=every["memory"])

    def network(self, network: Network, skip_peer: bool) -> list[Result]:
        """All contenders on one network; one that fails is a row that says why."""
        tasks: dict[str, Callable[[str], Result]] = {
            "hlsgen": lambda title: self.hlsgen(network.name, title, self._types(network))
        }
        if network.default_types:
            tasks["hlsgen, default types"] = lambda title: self.hlsgen(
                network.name, title, {"io_type": network.io_type}
            )
        if network.peer and not skip_peer:
            tasks["hls4ml 1.3.0"] = lambda title: self.peer(network, title)
        for title, (python, script) in self._float_engines().items():
            tasks[title] = partial(self.floating, network.name, python, script)
        results = []
        for title, task in tasks.items():
            start = time.perf_counter()
            try:
                results.append(task(title))
            except WorkerError as error:
                results.append(Result(title, problem=str(error)))
            print(f"  {title}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        return results

    def _float_engines(self) -> dict[str, tuple[Path, str]]:
        return {
            "Keras float32": (self.peer_python, "keras_worker.py"),
            "ONNX Runtime float32": (self.onnx_python, "onnx_worker.py"),
        }

    def _types(self, network: Network) -> dict[str, Any]:
        return {"io_type": network.io_type, **network.options}

    # -- growth -----------------------------------------------------------------------------

    def growth(self) -> list[Growth]:
        """How convert, compile and predict grow when the network does."""
        known: dict[str, Result] = {}

        def result(name: str, io_type: str) -> Result:
            if name not in known:
                known[name] = self.hlsgen(name, name, {"io_type": io_type, "precision": "fixed<16,6>"})
            return known[name]

        rows = []
        for title, small, large, io_type in GROWTHS:
            a, b = result(small, io_type), result(large, io_type)
            rows.append(Growth.of(title, a, b, self.macs(large) / self.macs(small)))
        rows.append(self._batch_growth())
        for title, small, large in CONVERSIONS:
            short, long = self._convert_only(small), self._convert_only(large)
            rows.append(Growth(f"{title} ({short:.2f} → {long:.2f} s)", 2.0, convert=long / short))
        return rows

    def _convert_only(self, name: str) -> float:
        """Seconds; such networks are too deep to be worth compiling for this."""
        settings = {"options": {}, "measure": False, "compile": False, "cache": str(self.bindings)}
        return float(self.run(Path(sys.executable), "hlsgen_worker.py", name, self.cores, **settings)["convert"])

    def _batch_growth(self) -> Growth:
        settings = {"options": {"precision": "fixed<16,6>"}, "measure": True, "batches": [8192, 16384]}
        settings["cache"] = str(self.bindings)
        answer = self.run(Path(sys.executable), "hlsgen_worker.py", "growth_mlp", self.cores[:1], **settings)
        small, large = answer["seconds_of_batches"]
        return Growth("MLP 128×8: batch 8,192 → 16,384", 2.0, predict=large / small)

    def macs(self, name: str) -> int:
        """Multiply-accumulates of one sample."""
        return int(json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))["macs"])

    def write_networks(self, names: Sequence[str]) -> None:
        """Build what is missing of the networks. Raises WorkerError."""
        command = [str(self.peer_python), str(WORKERS / "models.py"), str(self.folder), *names]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise WorkerError("building the networks: " + "\n".join(done.stderr.strip().splitlines()[-5:]))


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """Return the Python of a virtual environment with these packages, made if it is not there.

    A finished environment is marked by a file that lists its packages; one without is made anew.
    """
    python, mark = folder / "bin" / "python", folder / "packages.txt"
    wanted = "\n".join(packages)
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return python
    print(f"making {folder} ({', '.join(packages)}) ...", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
    mark.write_text(wanted, encoding="utf-8")
    return python


def peer_environment(given: Path | None) -> Path:
    """Return the Python that has the peer and TensorFlow 2.14."""
    if given is not None:
        return given
    low, high = PEER_PYTHONS
    if not low <= sys.version_info[:2] <= high:
        raise SystemExit(
            f"the peer's environment needs Python 3.9 to 3.11 (TensorFlow 2.14), this is {sys.version.split()[0]}; "
            "run with one of these, or give --peer-python"
        )
    return environment(BUILD / "bench-peer", PEER_PACKAGES)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [network.name for network in NETWORKS]
    parser.add_argument("--models", nargs="+", choices=names, default=names, help="only these networks")
    parser.add_argument("--quick", action="store_true", help="half a second per figure, no growth table, no RESULTS.md")
    parser.add_argument("--skip-peer", action="store_true", help="leave hls4ml's rows out")
    parser.add_argument("--skip-growth", action="store_true", help="leave the growth table out")
    parser.add_argument("--peer-python", type=Path, help="a Python with hls4ml 1.3.0, TensorFlow 2.14 and QKeras 0.9")
    parser.add_argument("--onnx-python", type=Path, help="a Python with onnxruntime, onnx and h5py")
    parser.add_argument("--source", type=Path, default=ROOT, help="the folder of the hlsgen to measure")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"), help="the report")
    return parser.parse_args()


def main() -> int:
    """Measure, print, write. Returns 1 if hlsgen failed or gave a wrong bit."""
    options = arguments()
    folder = BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    host = machine.measure(folder)
    bench = Bench(
        folder,
        peer_environment(options.peer_python),
        options.onnx_python or environment(BUILD / "bench-onnx", ONNX_PACKAGES),
        options.source.resolve(),
        options.quick,
        tuple(sorted(os.sched_getaffinity(0))),
    )
    chosen = [network for network in NETWORKS if network.name in options.models]
    growing = not (options.quick or options.skip_growth)
    pairs = [(a, b) for _, a, b, _ in GROWTHS] + [(a, b) for _, a, b in CONVERSIONS]
    extra = list(dict.fromkeys(name for pair in pairs for name in pair)) if growing else []
    bench.write_networks([*(network.name for network in chosen), *extra])
    first = bench.first_build()
    tables = []
    for network in chosen:
        print(network.title, file=sys.stderr, flush=True)
        tables.append(report.Table(network.title, bench.macs(network.name), bench.network(network, options.skip_peer)))
    growth = bench.growth() if growing else []
    host = dataclasses.replace(host, load=max(host.load, os.getloadavg()[0]))
    finished = report.Report(host, first, tables, growth)
    report.show(finished)
    if not options.quick:
        whole = options.output.with_suffix(".new")  # the former report stays until there is another
        whole.write_text(report.markdown(finished), encoding="utf-8")
        whole.replace(options.output)
    return int(any(r.problem for t in tables for r in t.results if r.name.startswith("hlsgen")))


if __name__ == "__main__":
    sys.exit(main())
