"""Work on several processes: the answers of one process, in order; errors and Ctrl-C leave no child behind."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import sys
import threading
import time

import pytest

from mentoreval.errors import MentorevalError
from mentoreval.numerics.processes import cores, in_processes


def square(value: int) -> int:
    """At module level, so that another process can find it."""
    return value * value


def fail_at_three(value: int) -> int:
    """An error of the work itself."""
    if value == 3:
        raise MentorevalError("three is not allowed")
    return value


def die(value: int) -> int:
    """As a process does that the system ends."""
    os._exit(value)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_answers_come_in_the_order_of_the_items(workers: int) -> None:
    assert in_processes("Squaring", square, range(7), workers) == [0, 1, 4, 9, 16, 25, 36]


def test_there_is_a_core() -> None:
    assert cores() >= 1


@pytest.mark.slow
def test_processes_can_begin_from_nothing_as_on_windows() -> None:
    # Of the standard library: a new process does not find the modules of these tests.
    assert in_processes("Taking roots", math.isqrt, [0, 1, 4, 9], 2, start="spawn") == [0, 1, 2, 3]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_work_is_raised_here(workers: int) -> None:
    with pytest.raises(MentorevalError, match="three is not allowed"):
        in_processes("Trying", fail_at_three, range(50), workers)
    assert not multiprocessing.active_children()


def test_a_dead_child_is_told_of() -> None:
    with pytest.raises(MentorevalError, match="ended before its work was done"):
        in_processes("Dying", die, [1, 2], 2)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_leaves_no_child() -> None:
    # A shell that runs the tests in the background has told Python to ignore Ctrl-C.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            in_processes("Waiting", time.sleep, [20.0] * 4, 2)
        assert time.monotonic() - began < 10
    finally:
        signal.signal(signal.SIGINT, handler)
    assert not multiprocessing.active_children()
