"""Long work that can be watched and stopped: who waits sees how far it is, and Ctrl-C ends it at once.

``progress_to`` says where progress goes. By default it is one line on stderr, there only if stderr is a terminal, that
appears after PATIENCE seconds and is wiped away when the work is done.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol, Self, TypeVar

T = TypeVar("T")


class Sliced(Protocol):
    """What has parts of its own kind, such as a list or an array."""

    def __len__(self) -> int:
        """How many items there are."""

    def __getitem__(self, part: slice, /) -> Self:
        """Some of them."""


Parts = TypeVar("Parts", bound=Sliced)

PATIENCE = 2.0
"""Seconds that work may last before anything is shown."""

PAUSE = 0.5
"""Seconds between two reports."""

GLANCE = 0.05
"""Seconds between two looks at a thread, and so the longest that Ctrl-C waits."""

Report = Callable[[str, float | None, float], None]
"""Takes what is done, the share of it that is done (None where nobody knows), and the seconds since it began."""


def _to_terminal(what: str, share: float | None, seconds: float) -> None:
    """One line that writes over itself."""
    if sys.stderr.isatty():
        done = "" if share is None else f"{share:4.0%}  "
        sys.stderr.write(f"\r\033[K{what} …  {done}({seconds:.0f} s)")
        sys.stderr.flush()


def _wipe() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()


_report: ContextVar[Report] = ContextVar("report", default=_to_terminal)


@contextmanager
def progress_to(report: Report) -> Iterator[None]:
    """Send the progress of long work to ``report``, called from the thread that waits, after PATIENCE seconds."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


class Progress:
    """Tells now and then how far a piece of work is; a context manager, so that its line goes when the work ends."""

    def __init__(self, what: str) -> None:
        self.what, self.began = what, time.monotonic()
        self.next, self.shown = self.began + PATIENCE, False

    def tell(self, share: float | None = None) -> None:
        """Report, if it is time: the share that is done, if it is known."""
        now = time.monotonic()
        if now >= self.next:
            self.next, self.shown = now + PAUSE, True
            _report.get()(self.what, share, now - self.began)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.shown and _report.get() is _to_terminal:
            _wipe()


def in_parts(what: str, items: Parts, size: int) -> Iterator[Parts]:
    """The items in parts of ``size``, with progress between them."""
    with Progress(what) as progress:
        for start in range(0, len(items), size):
            progress.tell(start / len(items))
            yield items[start : start + size]


def watched(what: str, work: Callable[[], T]) -> T:
    """The answer of compiled work that gives no sign of life, such as a solver's, which must let other threads run.

    It runs in a thread of its own. Ctrl-C raises KeyboardInterrupt here at once; what the thread still does is thrown
    away, and it does not keep the program from ending.
    """
    answers, errors = list[T](), list[BaseException]()

    def carry_out() -> None:
        """The work; its error, whatever it is, is raised where it is waited for."""
        try:
            answers.append(work())
        except BaseException as error:
            errors.append(error)

    with Progress(what) as progress:
        thread = threading.Thread(target=carry_out, daemon=True)
        thread.start()
        progress.tell()
        while thread.is_alive():
            thread.join(GLANCE)
            progress.tell()
    if errors:
        raise errors[0]
    return answers[0]
