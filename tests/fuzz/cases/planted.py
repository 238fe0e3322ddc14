"""Planted faults, by which the harness itself is tested."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hlsgen.errors import ModelError, ToolError
from tests.fuzz.cases.base import Case, WrongError, refusal
from tests.fuzz.damage.base import RAN


@dataclass(frozen=True)
class PlantedCase(Case):
    """Goes wrong in a chosen way; ``noise`` is what a simpler case does without."""

    kind = "planted"
    fault: str
    noise: tuple[int, ...] = ()

    def prepare(self, folder: Path) -> Any:
        if self.fault == "unprepared":
            raise ValueError("no such case")
        return None

    def check(self, prepared: Any, folder: Path) -> str:
        match self.fault:
            case "hang":
                time.sleep(3600)
            case "idle helper":  # it works for nobody, and has a session of its own
                subprocess.Popen(["sleep", "3599.25"], start_new_session=True)
                time.sleep(3600)
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "exit":
                os._exit(3)
            case "foreign":
                raise KeyError("planted")
            case "memory":
                bytearray(1 << 33)
            case "code":
                (folder / RAN).touch()
            case "wrong":
                raise WrongError("planted", "is wrong")
            case "refused":
                return refusal(ModelError("no"))
            case "silent":
                return refusal(ModelError(" "))
            case "tool":
                return refusal(ToolError("does not compile"))
        return "right"

    def simpler(self) -> Iterator[Self]:
        for i in range(len(self.noise)):
            yield self.with_fields(noise=(*self.noise[:i], *self.noise[i + 1 :]))
