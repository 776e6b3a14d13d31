"""Progress: nothing under two seconds, then what is done and how much of it; Ctrl-C ends the wait at once."""

from __future__ import annotations

import _thread
import io
import signal
import threading
from unittest import mock

import numpy as np
import pytest

from mentoreval.numerics import progress
from mentoreval.numerics.assignment import optimal_in_space, optimal_on_line
from mentoreval.numerics.covariate_spaces import euclidean_space
from mentoreval.numerics.full_matching import full_on_line
from mentoreval.numerics.matching import match_mahalanobis, match_nearest
from mentoreval.numerics.progress import Progress, in_parts, progress_to, watched
from mentoreval.numerics.strata import NO_LIMITS, Limits

Reports = list[tuple[str, float | None, float]]


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_short_work_is_silent_and_long_work_says_how_far_it_is() -> None:
    seen: Reports = []
    clock = [0.0, 1.0, 2.5, 2.6, 3.5]
    with (
        mock.patch.object(progress.time, "monotonic", side_effect=clock),
        progress_to(lambda *report: seen.append(report)),
        Progress("Matching") as told,
    ):
        for share in (0.1, 0.4, 0.5, 0.9):
            told.tell(share)
    assert seen == [("Matching", 0.4, 2.5), ("Matching", 0.9, 3.5)]


def test_the_line_is_for_a_terminal_and_is_wiped_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    for stderr in (Terminal(), io.StringIO()):
        monkeypatch.setattr("sys.stderr", stderr)
        with Progress("Matching") as told:
            told.tell(0.25)
        written = stderr.getvalue()
        if stderr.isatty():
            assert "Matching …   25%  (0 s)" in written
            assert written.endswith("\r\033[K")
        else:
            assert written == ""


def test_parts_hold_every_item_once() -> None:
    parts = [list(part) for part in in_parts("Matching", range(7), 3)]
    assert parts == [[0, 1, 2], [3, 4, 5], [6]]


def test_the_answer_and_the_error_of_a_thread_come_back() -> None:
    assert watched("Adding", lambda: 1 + 1) == 2
    with pytest.raises(ZeroDivisionError):
        watched("Dividing", lambda: 1 // 0)


def test_ctrl_c_ends_the_wait_for_a_thread_at_once() -> None:
    done = threading.Event()
    # A shell that runs the tests in the background has told Python to ignore Ctrl-C.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.1, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):
            watched("Waiting", lambda: done.wait(20))  # without Ctrl-C it comes back with False
    finally:
        signal.signal(signal.SIGINT, handler)
        done.set()


@pytest.mark.parametrize("kernel", ["score", "replace", "closest", "covariates", "optimal", "line", "caliper", "full"])
def test_every_matching_kernel_reports(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    rng = np.random.default_rng(2)
    treated, X = rng.random(300) < 0.3, rng.normal(size=(300, 2))
    seen: Reports = []
    with progress_to(lambda *report: seen.append(report)):
        if kernel == "optimal":
            optimal_in_space(euclidean_space(X), treated, 1, NO_LIMITS, 1e9)
        elif kernel in ("line", "caliper"):
            optimal_on_line(X[:, 0], treated, 1, Limits(caliper=0.05 if kernel == "caliper" else None), 1e9)
        elif kernel == "full":
            full_on_line(X[:, 0], treated, NO_LIMITS)
        elif kernel == "covariates":
            match_mahalanobis(X, treated)
        else:
            order = "closest" if kernel == "closest" else "largest"
            match_nearest(X[:, 0], treated, replace=kernel == "replace", order=order)
    assert seen
    assert {what for what, _, _ in seen} <= {"Matching", "Optimal pairs", "Full matching"}


def test_closest_says_how_many_pairs_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """30 treated: one report while their controls are found, then one for each pair made or sought again."""
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.setattr(progress, "PAUSE", -1.0)
    rng, seen = np.random.default_rng(3), list[float]()
    with progress_to(lambda _, share, __: seen.append(share or 0.0)):
        match_nearest(rng.normal(size=120), np.arange(120) < 30, order="closest")
    assert sorted({round(30 * share) for share in seen}) == list(range(30))
