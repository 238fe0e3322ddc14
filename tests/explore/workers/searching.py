"""A search that can be killed: ``python -m tests.explore.workers.searching FOLDER RUN TRIALS WORKERS``.

``WORKERS`` is a number of processes or the address of a Dask scheduler. Every evaluation that begins or ends adds a line
to ``FOLDER/log``: the run, the point, and which of both.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsgen.explore.objectives.custom import Objective
from hlsgen.explore.sweep import sweep
from hlsgen.project import Project
from tests.explore.models import small_project
from tests.explore.workers.works import note

AXES = ("layers.fc1.precision.weight", "layers.fc2.precision.weight", "layers.fc1.precision.result")
SPACE = {AXES[0]: "fixed<3..10,1>", AXES[1]: "fixed<3..10,1>", AXES[2]: "fixed<8..16,4>"}


@dataclass(frozen=True)
class Logged:
    """An objective that says when it begins and when it ends."""

    log: Path
    run: str
    seconds: float

    def __call__(self, project: Project, x: Mapping[str, Any], y: Any) -> float:
        said = project.config.model_dump(mode="json", exclude_unset=True)["layers"]
        point = "/".join(said[layer]["precision"][role] for _, layer, _, role in (axis.split(".") for axis in AXES))
        note(self.log, f"{self.run} {point} begin\n")
        time.sleep(self.seconds)
        note(self.log, f"{self.run} {point} end\n")
        return float(sum(place * ord(letter) for place, letter in enumerate(point)))


def main() -> None:
    folder, run, trials, workers = sys.argv[1:]
    by = {"workers": int(workers)} if workers.isdecimal() else {"dask": workers}
    objective = Objective(Logged(Path(folder) / "log", run, 0.005), "minimise", "logged")
    found = sweep(
        small_project(),
        SPACE,
        objectives=[objective, "bits"],
        trials=int(trials),
        sampler="random",
        storage=Path(folder) / "study.db",
        **by,
    )
    print(len(found.trials))


if __name__ == "__main__":
    main()
