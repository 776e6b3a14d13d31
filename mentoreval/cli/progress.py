"""Progress: what a command shows while it works, and the code it ends with when its user made a mistake."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

USER_MISTAKE = 2


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """A function that shows the step under way: a spinner in a terminal, one line per step elsewhere."""
    from rich.console import Console

    from mentoreval.numerics.progress import progress_to

    console = Console(stderr=True, highlight=False)
    began = time.monotonic()
    with console.status("Starting") as status:

        def say(step: str) -> None:
            """Show one step."""
            if console.is_terminal:
                status.update(f"{step} …  ({time.monotonic() - began:.0f} s)")
            else:
                console.print(f"{step} …")

        def tell(work: str, share: float | None, _: float) -> None:
            """Show how far long work within a step is; elsewhere than in a terminal the step's line is enough."""
            done = "" if share is None else f"{share:.0%}  "
            status.update(f"{work} …  {done}({time.monotonic() - began:.0f} s)")

        with progress_to(tell):
            yield say
