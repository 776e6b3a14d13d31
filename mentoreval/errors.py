"""Everything that a user can get wrong, as one family of exceptions.

A message says what is wrong, where, how much of the data it touches, and what to do. The command line prints
the message and exits with code 2; only a defect of mentoreval itself shows a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class MentorevalError(Exception):
    """Root of every error that mentoreval raises on purpose."""


class DataError(MentorevalError):
    """The tables do not say what they must say: missing column, orphaned row, duplicate key, unreadable value."""


class OptionError(MentorevalError):
    """An option has a name or a value that does not exist."""


class StudyError(MentorevalError):
    """The study file can not be read or contradicts itself."""


class DesignError(MentorevalError):
    """No fair comparison can be built from these students with this design."""


class EffectError(MentorevalError):
    """An effect, or its uncertainty, can not be estimated from this design."""


class ReportError(MentorevalError):
    """A report can not be written whole; nothing is left out in silence."""


def suggest(name: str, allowed: Iterable[str]) -> str:
    """The tail of a message about an unknown name: a suggestion if one is near, and the list of what exists."""
    options = sorted(str(option) for option in allowed)
    near = difflib.get_close_matches(name, options, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{hint} Available: {', '.join(options)}." if options else hint


def first_few(values: Iterable[object], limit: int = 5) -> str:
    """The first few distinct values for a message, in the order in which they come."""
    distinct: Sequence[object] = list(dict.fromkeys(values))
    shown = ", ".join(str(value) for value in distinct[:limit])
    return f"{shown}, …" if len(distinct) > limit else shown
