"""Write the counts of the last proof into docs/fixed_point.md: `python -m tests.vendor.proof.record`."""

from __future__ import annotations

import datetime
import json
import platform
import re
import sys
from collections.abc import Mapping, Sequence

from tests.vendor.differential import REPOSITORY
from tests.vendor.proof import run
from tests.vendor.proof.plan import Part, whole
from tests.vendor.proof.run import Tally, add

DOCUMENT = REPOSITORY / "docs" / "fixed_point.md"
COLUMNS = ("probes", "operations", "vendor", "emulation", "python", "rational")
BEGIN, END = "<!-- proof: begin -->", "<!-- proof: end -->"


def table(tallies: Mapping[str, Tally], parts: Sequence[Part], seconds: float) -> str:
    """The result as Markdown."""
    total = Tally()
    for tally in tallies.values():
        add(total, tally)
    rows = [*sorted(tallies.items()), ("**all**", total)]
    seeds = {part.family: part.seed + 1 for part in parts}
    facts = {
        "Date": datetime.date.today().isoformat(),
        "Result": f"{total.operations:,} operations, **0 mismatches**",
        "Compiler": run.compiler(),
        "Compiled for": f"{platform.machine()}: " + ", ".join(" ".join(options) for options in run.machines()),
        "Seeds": ", ".join(f"{family} 0..{count - 1}" for family, count in seeds.items()),
        "Vendor's headers": f"sha256 {run.content_digest(run.vendor_files())[:16]} (those in hls4ml 1.3.0)",
        "hlsgen's headers and types.py": f"sha256 {run.content_digest(run.our_files())[:16]}",
        "Time": f"{seconds / 60:.0f} minutes, summed over {len(parts)} parts",
    }
    lines = [f"- {name}: {fact}" for name, fact in facts.items()]
    lines += ["", "| operation | types | " + " | ".join(COLUMNS[1:]) + " |", "|---|" + "--:|" * len(COLUMNS)]
    lines += [f"| {kind} | " + " | ".join(f"{getattr(t, c):,}" for c in COLUMNS) + " |" for kind, t in rows]
    return "\n".join(lines)


def main() -> int:
    parts = whole()
    missing = [part.name for part in parts if not run.is_done(part)]
    if missing:
        print(f"{len(missing)} of {len(parts)} parts are not proved with these headers: {', '.join(missing[:8])} ...")
        return 1
    tallies: dict[str, Tally] = {}
    seconds = 0.0
    for part in parts:
        result = json.loads(run.recorded(part).read_text())
        seconds += result["seconds"]
        for kind, counts in result["kinds"].items():
            add(tallies.setdefault(kind, Tally()), Tally(**counts))
    text = DOCUMENT.read_text(encoding="utf-8")
    block = f"{BEGIN}\n{table(tallies, parts, seconds)}\n{END}"
    DOCUMENT.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: block, text, flags=re.DOTALL), encoding="utf-8")
    print(f"{DOCUMENT}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
