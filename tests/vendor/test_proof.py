"""Fixed point agrees: the vendor's headers, the emulation's, Python and a rational reference (docs/fixed_point.md)."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from hlsgen.ir.types import FixedType, Overflow, Rounding
from tests.vendor.differential import REPOSITORY, vendor_headers
from tests.vendor.proof import plan, run
from tests.vendor.proof.probes import arithmetic, cast


@pytest.mark.parametrize("part", plan.quick(), ids=lambda part: part.family)
def test_a_seeded_selection_agrees(part: plan.Part) -> None:
    tallies = run.run_part(part).values()
    operations = sum(t.operations for t in tallies)
    assert operations > 0
    assert sum(t.vendor for t in tallies) > operations // 2 or not vendor_headers()


@pytest.mark.proof
@pytest.mark.parametrize("part", plan.whole(), ids=lambda part: part.name)
def test_everything_agrees(part: plan.Part) -> None:
    run.prove(part)


def test_every_pair_of_modes_is_in_every_run() -> None:
    parts = {part.family: part for part in plan.quick()}
    targets = [probe.types[1] for probe in parts["some_small_casts"].probes()]
    assert {(t.rounding, t.overflow) for t in targets} == {(q, o) for q in Rounding for o in Overflow}


def test_a_difference_is_reported() -> None:
    """One wrong value, a wrong result type, a wrong reference: each is seen, and the message says where."""
    a, b = FixedType(12, 5), FixedType(9, 3, True, Rounding.RND, Overflow.SAT)
    good = [cast("cast", "convert", a, b), arithmetic("add", a, b)]
    entries = run.compile_probes(good, [*run.EMULATION_OPTIONS, "-O1"])
    one_wrong = dataclasses.replace(
        good[0], expected=lambda x, y: good[0].expected(x, y) + (np.arange(len(x)) == 70).astype(int)
    )
    wrong_type = dataclasses.replace(good[1], result=FixedType(14, 7))
    wrong_reference = dataclasses.replace(good[0], naive=lambda x, y: 1000)
    for probe, wrong, message in (
        (good[0], one_wrong, r"convert<ap_fixed<12, .*emulation and Python: .* \(1 of 100 values differ\)"),
        (good[1], wrong_type, r"add<.*emulation gives \(13, 6, True\), expected fixed<14,7>"),
        (good[0], wrong_reference, r"Python and rational reference"),
    ):
        run.check_probe(probe, 100, [1], None, entries[id(probe)])
        with pytest.raises(AssertionError, match=message):
            run.check_probe(wrong, 100, [1], None, entries[id(probe)])


def test_the_recorded_proof_is_whole() -> None:
    text = (REPOSITORY / "docs" / "fixed_point.md").read_text(encoding="utf-8")
    found = re.search(r"Result: ([\d,]+) operations, \*\*0 mismatches\*\*", text)
    assert found, "docs/fixed_point.md has no result; run `make proof`"
    assert int(found[1].replace(",", "")) >= 10**9
