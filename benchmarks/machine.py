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
    int8_instruction: str
    int8_macs: float
    int16_instruction: str
    int16_macs: float
    float_macs: float

    def peak(self, byte_share: float) -> float:
        """Integer multiply-accumulates per second of one core, ``byte_share`` of them of bytes, the others of int16."""
        return 1 / (byte_share / self.int8_macs + (1 - byte_share) / self.int16_macs)

    def text(self) -> str:
        """Markdown lines."""
        return "\n".join(
            [
                f"- Processor: {self.processor}, {self.cores} cores available, {self.memory_gb:.0f} GB; "
                f"{self.system}; {self.compiler}.",
                f"- Load average of other work when the run began: {self.load:.1f}.",
                f"- Measured on one core: {self.gigahertz:.2f} GHz (dependent additions); int8 multiply-adds by "
                f"{self.int8_instruction}: {self._rate(self.int8_macs)}; int16 by {self.int16_instruction}: "
                f"{self._rate(self.int16_macs)}; float32 fused multiply-adds: {self._rate(self.float_macs)}.",
            ]
        )

    def _rate(self, macs: float) -> str:
        return f"{macs / 1e9:.0f} GMAC/s ({macs / self.gigahertz / 1e9:.1f} per cycle)"


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
        int8_instruction=rates["instruction_8"],
        int8_macs=rates["int8"],
        int16_instruction=rates["instruction"],
        int16_macs=rates["int16"],
        float_macs=rates["float"],
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
