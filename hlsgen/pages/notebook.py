"""What a notebook shows of a project: a line, and its graph.

The picture is an image of its own, so that its styles and the notebook's do not meet.
"""

from __future__ import annotations

from base64 import b64encode
from html import escape

from hlsgen.config import Config
from hlsgen.design.bits import Bits
from hlsgen.design.design import Design
from hlsgen.pages.graph import layer_graph
from hlsgen.pictures.svg import printable


def notebook_html(name: str, design: Design, config: Config) -> str:
    """A fragment of HTML."""
    facts = [
        f"{len(design)} operations",
        f"{design.products:,} multiplications a sample",
        f"{Bits.of(design).constants.bits:,} bits of constants",
        f"backend {config.backend}",
        config.io_type,
        f"{config.part} at {config.clock_period:g} ns",
    ]
    picture = b64encode(layer_graph(design).encode()).decode()
    return (
        f"<p><b>{_shown(name)}</b>: {_shown(', '.join(facts))}</p>"
        f'<img alt="{_shown(f"graph of the layers of {name}")}" style="max-width:100%" '
        f'src="data:image/svg+xml;base64,{picture}">'
    )


def _shown(text: str) -> str:
    return escape(printable(text))
