"""Text: long lines for a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap


def fitted(text: str, indent: str = "    ") -> str:
    """Long lines broken between words and indented, in a terminal; elsewhere as they are, one finding on a line."""
    if not sys.stdout.isatty():
        return text
    wrapper = textwrap.TextWrapper(
        shutil.get_terminal_size().columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    lines = text.replace(" %", "\u00a0%").splitlines()  # a share stays on one line
    return "\n".join(wrapper.fill(line) for line in lines).replace("\u00a0", " ")
