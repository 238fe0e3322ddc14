"""How long a sweep over widths takes: designs a second, by each executor, with an empty cache and with a full one.

``python benchmarks/sensitivity.py [--engine auto|reference|emulator] [--widths 2-10]``: `project.sensitivity` of the
digits perceptron (stored test vectors) in processes of their own. The points of both executors are compared.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKER = """
import json, sys, time
began = time.perf_counter()
import numpy as np
import hlsgen
config, engine, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
project = hlsgen.convert(None, config)
vectors = project.config.test_vectors
x, y = np.load(vectors.x), np.load(vectors.y)
ready = time.perf_counter()
found = project.sensitivity(x, y, widths=range(first, last + 1), engine=engine)
done = time.perf_counter()
points = [[p.layer, p.kind, p.width, p.value] for p in found]
print(json.dumps([ready - began, done - ready, found.engine, found.designs, len(found), points]))
"""


def run(config: Path, engine: str, widths: tuple[int, int], cache: str) -> list:
    import json

    words = [sys.executable, "-c", WORKER, str(config), engine, *map(str, widths)]
    environment = {**os.environ, "HLSGEN_CACHE": cache}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "digits_mlp.yml")
    parser.add_argument("--engine", action="append", choices=["auto", "reference", "emulator"])
    parser.add_argument("--widths", default="2-10")
    given = parser.parse_args()
    first, last = map(int, given.widths.split("-"))
    seen = []
    print("| executor | cache | points | designs | import and conversion, s | sweep, s |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for engine in given.engine or ["auto", "emulator"]:
        with tempfile.TemporaryDirectory() as cache:
            for state in ("empty", "full"):
                before, sweep, used, designs, count, points = run(given.config, engine, (first, last), cache)
                label = used if engine == used else f"{engine}: {used}"
                print(f"| {label} | {state} | {count} | {designs} | {before:.1f} | {sweep:.1f} |", flush=True)
                seen.append(points)
    assert all(points == seen[0] for points in seen), "executors differ"
    print("\nall points are equal")


if __name__ == "__main__":
    main()
