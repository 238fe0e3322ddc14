"""Templates of hls_templates: how all of them are read, so that a name that nobody gives is an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jinja2

from hlsgen.tools import templates_dir


def environment(
    folder: str = "", *, html: bool = False, finalize: Callable[[Any], Any] | None = None
) -> jinja2.Environment:
    """The templates below a folder of hls_templates; of ``html`` every text is escaped."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(templates_dir() / folder)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=html,
        finalize=finalize,
    )
