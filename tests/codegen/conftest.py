"""``--update-golden`` (or HLSGEN_UPDATE_GOLDEN=1) rewrites the golden files."""

from __future__ import annotations

import contextlib
import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    with contextlib.suppress(ValueError):  # another conftest may have it
        parser.addoption(
            "--update-golden", action="store_true", help="rewrite tests/codegen/golden from what is generated"
        )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    given = request.config.getoption("--update-golden", default=False)
    return bool(given) or os.environ.get("HLSGEN_UPDATE_GOLDEN", "") not in ("", "0")
