"""HTML: a document as one file that needs no network, reads well on a phone and on paper, and can be heard."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mentoreval.report import canvas
from mentoreval.report.document import Block, Document, Picture
from mentoreval.report.words import Words

if TYPE_CHECKING:
    from jinja2 import Template


def html_page(document: Document, words: Words) -> bytes:
    """The document as an HTML file."""
    page = _template().render(document=document, words=words, **_TOOLS)
    return re.sub(r"\n\s*\n+", "\n", page).encode()


def block_html(block: Block) -> str:
    """One block as a piece of HTML, in English, for notebooks."""
    module = _template().make_module({"words": Words("en"), **_TOOLS})
    return str(module.show(block))  # type: ignore[attr-defined]


def slug(name: str) -> str:
    """A name as an id."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def image_source(picture: Picture) -> str:
    """The figure as the source of an image, so that nothing has to be fetched.

    As an image and not as inline SVG: the ids in it stay its own, and every reader knows its alternative text.
    """
    return "data:image/svg+xml;base64," + base64.b64encode(canvas.svg(picture.figure).encode()).decode("ascii")


_TOOLS: dict[str, Any] = {"slug": slug, "image_source": image_source}


@lru_cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    text = files("mentoreval.report").joinpath("templates/report.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text)
