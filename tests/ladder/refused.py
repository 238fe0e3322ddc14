"""Designs that climb the ladder without its last rung: those of which there is no circuit, by test, and why.

A design that is refused must be listed here with what the refusal says, and one that is listed must be refused: so that a
new refusal is noticed, and a new circuit too.
"""

from __future__ import annotations

import os
import re

from hlsgen.errors import ConfigError, UnsupportedError
from hlsgen.project import Project

_OF_VITIS = "says how Vitis HLS builds|strategy: unrolled is one of Vitis HLS"
_COPIES = "recurrence: unrolled, a copy of a cell for each step, has no circuit yet"
_RECURRENT = "tests/ladder/test_recurrent.py::test_"
REFUSED: dict[str, str] = {
    "tests/ladder/test_distributed_arithmetic.py::test_one_pipeline[flat]": _OF_VITIS,
    "tests/ladder/test_strategies.py::test_pixels_at_once": "parallelization_factor has no circuit yet",
    "tests/ladder/test_strategies.py::test_same_integers[unrolled": _OF_VITIS,
    f"{_RECURRENT}how_it_is_built_does_not_matter[{{'io_type': 'io_stream', 'tlast'": _OF_VITIS,
    f"{_RECURRENT}how_it_is_built_does_not_matter[{{'layers': {{'rnn': {{'strategy': 'unrolled'": _OF_VITIS,
    f"{_RECURRENT}how_it_is_built_does_not_matter[{{'interface'": _OF_VITIS,
    f"{_RECURRENT}a_model_at_every_position[settings1]": _COPIES,
    f"{_RECURRENT}unrolled_in_time": _COPIES,
    f"{_RECURRENT}both_ways_and_every_position_unrolled": _COPIES,
    f"{_RECURRENT}states_that_are_given_to_what_is_unrolled": _COPIES,
    f"{_RECURRENT}other_weights[unrolled]": _COPIES,
}
"""How the name of a test begins -> a pattern for the message."""


def circuit_of(project: Project) -> Project | None:
    """The project with a circuit in place of C++, for the test that runs; None if it is listed, and is refused."""
    test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" (")[0]
    reason = next((reason for name, reason in REFUSED.items() if test.startswith(name)), None)
    try:
        found = project.with_settings(backend="verilog")
    except (ConfigError, UnsupportedError) as error:
        assert reason is not None, f"{test}: a design without a circuit, not listed in {__name__}: {error}"
        assert re.search(reason, str(error)), f"{test}: refused for another reason than {__name__} has: {error}"
        return None
    assert reason is None, f"{test}: there is a circuit now; {__name__} has it as refused"
    return found
