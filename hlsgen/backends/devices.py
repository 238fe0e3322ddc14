"""Names of devices, as AMD's tools take them."""

from __future__ import annotations

import re

from hlsgen.errors import ConfigError

_PART = re.compile(r"x[a-z0-9]{3,20}(-[A-Za-z0-9]{1,12}){1,5}")


def checked_part(part: str) -> str:
    """The part of a configuration, safe to stand in a script. Raises ConfigError for an impossible one."""
    if not _PART.fullmatch(part):
        raise ConfigError(f"part: found {part!r}, expected a device as Vitis names it, such as xcu250-figd2104-2L-e")
    return part
