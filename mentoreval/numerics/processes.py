"""Work on several processor cores: the same answers in the same order as on one, with progress, and no child left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from mentoreval.errors import MentorevalError
from mentoreval.numerics.progress import GLANCE, Progress

T = TypeVar("T")
R = TypeVar("R")

ONE_THREAD = 1
"""Of linear algebra in each process. Threads of several processes would wait for each other, and sums in another order
have other last digits."""

_work: list[Callable[[Any], Any]] = []
"""The work of this process, where it is a child."""


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(
    what: str, work: Callable[[T], R], items: Sequence[T], workers: int, *, start: str | None = None
) -> list[R]:
    """``work`` of every item, in the order of the items.

    what : said while it lasts
    work : must be picklable where processes can not be forked, as on Windows and macOS
    workers : processes; 1 = this one
    start : how a process begins, "fork" or "spawn"; by default "fork" on Linux

    Ctrl-C, and any error of the work, ends the children before it is raised here. Raises MentorevalError where a child
    died.
    """
    with Progress(what) as progress, threadpool_limits(ONE_THREAD):
        if workers <= 1 or len(items) <= 1:
            answers = []
            for number, item in enumerate(items):
                progress.tell(number / len(items))
                answers.append(work(item))
            return answers
        return _spread(work, items, min(workers, len(items)), start, progress)


def _spread(work: Callable[[T], R], items: Sequence[T], workers: int, start: str | None, progress: Progress) -> list[R]:
    context = multiprocessing.get_context(start or ("fork" if sys.platform == "linux" else "spawn"))
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(work,))
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of threads that a fork does not copy; the children here use none of their parent's.
            warnings.filterwarnings("ignore", message=".*multi-threaded.*", category=DeprecationWarning)
            futures: list[Future[R]] = [pool.submit(_carry_out, item) for item in items]
        waiting: set[Future[R]] = set(futures)
        while waiting:
            done, waiting = wait(waiting, timeout=GLANCE, return_when=FIRST_COMPLETED)
            progress.tell(1 - len(waiting) / len(futures))
            for one in done:
                one.result()
    except BrokenProcessPool as error:
        raise MentorevalError(
            "A worker process ended before its work was done. It may have run out of memory; or, on Windows and macOS, "
            'the script that started it has no line if __name__ == "__main__". Use workers = 1.'
        ) from error
    except BaseException:
        _stop(pool, set(multiprocessing.active_children()) - others)
        raise
    pool.shutdown()
    return [one.result() for one in futures]


def _stop(pool: ProcessPoolExecutor, children: set[BaseProcess]) -> None:
    """End the children at once; what they were at is thrown away."""
    for child in children:
        child.terminate()
    # The pool's own thread sees that they are gone, and is waited for: until then it counts them among the living.
    pool.shutdown(wait=True, cancel_futures=True)
    for child in children:
        child.join()


def _begin(work: Callable[[Any], Any]) -> None:
    """Of a child: note the work. Ctrl-C reaches every process of a terminal, and the parent is the one to answer it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(ONE_THREAD)
    _work[:] = [work]


def _carry_out(item: Any) -> Any:
    """Of a child: one item."""
    return _work[0](item)
