"""What this machine is, and what it could do: frequency and multiply-accumulates per second, measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("roofline.c")


@dataclass(frozen=True)
class Machine:
    """Facts for the head of the report. Rates are of one core."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    compiler: str
    load: float
    gigahertz: float
    int16_instruction: str
    int16_macs: float
    float_macs: float

    def text(self) -> str:
        """Markdown lines."""
        per_cycle = self.int16_macs / self.gigahertz / 1e9
        return "\n".join(
            [
                f"- Processor: {self.processor}, {self.cores} cores available, {self.memory_gb:.0f} GB; "
                f"{self.system}; {self.compiler}.",
                f"- Load average of other work when the run began: {self.load:.1f}.",
                f"- Measured on one core: {self.gigahertz:.2f} GHz (dependent additions); int16 multiply-adds by "
                f"{self.int16_instruction}: {self.int16_macs / 1e9:.0f} GMAC/s ({per_cycle:.1f} per cycle); float32 "
                f"fused multiply-adds: {self.float_macs / 1e9:.0f} GMAC/s.",
            ]
        )


def measure(build: Path, compiler: str = "gcc") -> Machine:
    """Compile roofline.c into ``build``, run it and gather the facts. Raises CalledProcessError."""
    program = build / "roofline"
    command = [compiler, "-O2", "-march=native", str(SOURCE), "-o", str(program)]
    subprocess.run(command, check=True)
    load = os.getloadavg()[0]
    rates = json.loads(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True, text=True).stdout
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        compiler=version.splitlines()[0],
        load=load,
        gigahertz=rates["gigahertz"],
        int16_instruction=rates["instruction"],
        int16_macs=rates["int16"],
        float_macs=rates["float"],
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
