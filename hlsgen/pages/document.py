"""A page as one file of HTML that loads nothing, which its own content security policy makes sure of.

Texts are escaped by jinja2 in HTML, and as ``\\u003c`` in the JSON that the script reads; scripts and styles are let
through by their digests, so that no text of a model can become one.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from hlsgen.pictures.svg import printable
from hlsgen.templates import environment
from hlsgen.tools import templates_dir


def document(template: str, style: str, scripts: Sequence[str], data: object, **content: Any) -> str:
    """The text of a page, by a template of ``hls_templates/report``; the same for the same content.

    ``data``: what its script shows when it is asked to, of which JSON takes all (:func:`json.dumps`).
    """
    allowed = " ".join(map(_digest, scripts))
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src {_digest(style)}; base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template(template)
        .render(
            policy=policy, style=Markup(style), scripts=[*map(Markup, scripts)], data=Markup(_json(data)), **content
        )
    )


def joined(*names: str) -> str:
    """Files of ``hls_templates/report``, one after the other."""
    return "\n".join(map(_text, names))


def _json(data: object) -> str:
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _digest(text: str) -> str:
    """As a content security policy names a text that may run, or dress the page."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _text(name: str) -> str:
    return (templates_dir() / "report" / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    return environment("report", html=True, finalize=lambda value: printable(value) if type(value) is str else value)
