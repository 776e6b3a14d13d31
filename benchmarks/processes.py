"""Measurements in processes of their own: one thread each, a time limit, and for a peer an interpreter that has it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Callable, Sequence

POOLS = ("OPENBLAS", "OMP", "MKL", "NUMBA", "RAYON")
ONE_THREAD = {"POLARS_MAX_THREADS": "1", **{f"{pool}_NUM_THREADS": "1" for pool in POOLS}}
LONG = 20.0
"""Processor seconds of a first call after which none follows: imports and compilation are then a small part of it."""

Times = dict[str, float]


def measure(prepare: Callable[[], Callable[[], object]], repeats: int) -> Times:
    """Seconds of the first call with the imports it causes and of the quickest after it, and peak memory in GB."""
    wall, cpu = time.perf_counter(), time.process_time()
    call = prepare()
    call()
    first = (time.perf_counter() - wall, time.process_time() - cpu)
    later = []
    for _ in range(repeats if first[1] < LONG else 0):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        later.append((time.perf_counter() - wall, time.process_time() - cpu))
    walls, cpus = zip(*(later or [first]), strict=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"first": first[0], "wall": min(walls), "cpu": min(cpus), "peak_gb": peak}


def run(python: str, arguments: Sequence[str], limit: float) -> Times | str:
    """The measurement that a script prints in a process of its own, or why there is none."""
    command, own = [python, *arguments], {**os.environ, **ONE_THREAD}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=own, timeout=limit)
    except subprocess.TimeoutExpired:
        return f"more than {limit:g} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1][:90]
    found: Times = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def find_python(module: str, pythons: Sequence[str]) -> str | None:
    """The first of the interpreters that can import a module."""
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    found = (python for python in pythons if not subprocess.run([python, "-c", look], check=False).returncode)
    return next(found, None)


def line(label: str, found: Times | str, base: Times | str) -> str:
    """A line of the table, with the ratios to our times."""
    if isinstance(found, str):
        return f"{label} {found}"
    text = f"{label} first {found['first']:8.3f}  wall {found['wall']:8.3f}  cpu {found['cpu']:8.3f}"
    text += f"  peak {found['peak_gb']:5.2f} GB"
    if isinstance(base, str):
        return text
    return f"{text}  x{found['wall'] / base['wall']:.1f} (cpu x{found['cpu'] / base['cpu']:.1f})"
