"""How long a state's daily attendance takes, and how much memory: read, checked and counted on the embedded DuckDB.

    python benchmarks/bench_records.py                      500,000 students, 90 million rows: records and panel
    python benchmarks/bench_records.py --students 6000000 --memory 6GB
                                                            1.08 billion rows: days enrolled and absent of each student
    python benchmarks/bench_records.py --engine spark       90 million rows on a local Spark of two threads

The tables are made up by DuckDB, every student on 180 days in one school of 500, 4 % of days absent. Each task runs in
a process of its own, which reports its wall time, its processor time and the most memory that it held. A bare group-by
of the same rows, run the same way, is the yardstick: on a busy machine its ratio says more than seconds do.
Of Spark it is the processor time and the memory of its Java machine. A task that is not done in the time limit, ten
minutes if nothing is said, is stopped, and its line says so.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DAYS = 180
PANEL_UP_TO = 1_000_000
"""Students up to which a whole panel is built, and not only the measures of each student and year."""
MEASURES = ["attendance_rate", "chronic_absence", "days_absent"]


def make_tables(folder: Path, students: int, memory: str) -> None:
    """Parquet files of students, enrolment, calendar, attendance and matches."""
    import duckdb

    base = duckdb.connect(config={"memory_limit": memory, "temp_directory": str(folder / "spill")})
    base.execute(
        "CREATE VIEW people AS SELECT printf('%09d', 100000000 + i) AS student_id, "
        f"printf('%05d', i // 500) AS school_id, (1 + i % 12)::VARCHAR AS grade_level FROM range({students}) AS t(i)"
    )
    base.execute(
        "CREATE TABLE days AS SELECT d::DATE AS date FROM range(DATE '2021-09-01', DATE '2022-06-30', INTERVAL 1 DAY) "
        f"AS t(d) WHERE dayofweek(d) BETWEEN 1 AND 5 LIMIT {DAYS}"
    )
    tables = {
        "students": "SELECT student_id, CASE hash(student_id) % 2 WHEN 0 THEN 'F' ELSE 'M' END AS gender FROM people",
        "enrolment": "SELECT student_id, school_id, '2021-22' AS school_year, grade_level, "
        "DATE '2021-09-01' AS entry_date, DATE '2022-06-30' AS exit_date FROM people",
        "calendar": "SELECT school_id, date, '2021-22' AS school_year "
        "FROM (SELECT DISTINCT school_id FROM people), days",
        "attendance": "SELECT student_id, date, CASE h % 100 WHEN 0 THEN 'absent_unexcused' WHEN 1 THEN 'absent' "
        "WHEN 2 THEN 'absent_excused' WHEN 3 THEN 'absent_excused' WHEN 4 THEN 'tardy' ELSE 'present' END AS code "
        "FROM (SELECT student_id, date, hash(student_id, date) AS h FROM people, days)",
        "matches": "SELECT 'm' || student_id AS match_id, student_id, 'mentor' || school_id AS mentor_id, "
        "DATE '2022-01-03' AS start_date FROM people WHERE hash(student_id) % 50 = 0",
    }
    for name, query in tables.items():
        base.execute(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet)")


def bare(folder: Path, memory: str) -> dict[str, float]:
    """The yardstick: a group-by of the daily rows in plain SQL."""
    import duckdb

    base = duckdb.connect(config={"memory_limit": memory, "temp_directory": str(folder / "spill")})
    query = f"SELECT student_id, count(*), count_if(code LIKE 'absent%') FROM '{folder}/attendance.parquet' GROUP BY 1"
    return {"rows": base.sql(query).to_arrow_table().num_rows}


def panel(folder: Path, memory: str) -> dict[str, float]:
    """Records, read and checked, and a panel of three measures."""
    from mentoreval.panel.build import build_panel
    from mentoreval.records.engines import limit_memory
    from mentoreval.records.read import read_records

    limit_memory(memory)
    records = read_records(folder, attendance="positive")
    return {"rows": len(build_panel(records, program="one_to_one", measures=MEASURES).frame)}


def measures(folder: Path, memory: str) -> dict[str, float]:
    """Days listed and absent of each student and year, summed in DuckDB by the expressions that a panel uses."""
    from mentoreval.panel.attendance_days import sum_listed_days
    from mentoreval.records.engines import limit_memory, scan_file

    limit_memory(memory)
    tables = {name: scan_file(folder / f"{name}.parquet") for name in ("attendance", "enrolment", "calendar")}
    return {"rows": _rows(sum_listed_days(**_by_year(tables)))}


def spark(folder: Path, memory: str) -> dict[str, float]:
    """The same expressions on a local Spark of two threads; the memory and processor time are of its Java machine."""
    import narwhals as nw
    from pyspark.sql import SparkSession

    from mentoreval.panel.attendance_days import sum_listed_days

    builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", memory.lower().removesuffix("b"))
    session = builder.config("spark.ui.enabled", "false").config("spark.local.dir", str(folder / "spill")).getOrCreate()
    tables = {
        name: nw.from_native(session.read.parquet(str(folder / f"{name}.parquet")))
        for name in ("attendance", "enrolment", "calendar")
    }
    try:
        rows = _rows(sum_listed_days(**_by_year(tables)))
        machine = session._jvm.java.lang.ProcessHandle.current()  # the one way to it that pyspark has
        milliseconds = machine.info().totalCpuDuration().get().toMillis()
        return {"rows": rows, "processor": milliseconds / 1000, "gib": _most_held(int(machine.pid()))}
    finally:
        session.stop()


def _most_held(process: int) -> float:
    """The most memory that a process has held so far, in GiB, as Linux knows it."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 2**20


def _by_year(tables: dict[str, Any]) -> dict[str, Any]:
    from mentoreval.panel.periods import PeriodRule

    return {**tables, "calendar": PeriodRule("year").label_days(tables["calendar"])}


def _rows(sums: Any) -> int:
    """How many rows the sums have, once every one of them has been made."""
    import narwhals as nw

    found = sums.select(rows=nw.len(), days=nw.col("rows").sum(), absent=nw.col("absent").sum())
    return int(found.collect("pyarrow").to_native().to_pylist()[0]["rows"])


TASKS: dict[str, Callable[[Path, str], dict[str, float]]] = {
    "bare": bare,
    "panel": panel,
    "measures": measures,
    "spark": spark,
}


def run_here(task: str, folder: Path, memory: str) -> None:
    """One task, and what it took, as a line of JSON."""
    start = time.perf_counter()
    found = TASKS[task](folder, memory)
    used = resource.getrusage(resource.RUSAGE_SELF)
    took = {"wall": time.perf_counter() - start, "processor": used.ru_utime + used.ru_stime}
    print(json.dumps({**took, "gib": used.ru_maxrss / 2**20, **found}))


def run_apart(task: str, folder: Path, memory: str, limit: float | None) -> dict[str, float] | None:
    """One task in a process of its own; None where it is not done within so many seconds."""
    command = [sys.executable, __file__, "--task", task, "--folder", str(folder), "--memory", memory]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Make the tables, run the yardstick and the task, print one line for each, and remove the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--students", type=int, default=500_000)
    options.add_argument("--engine", choices=["duckdb", "spark"], default="duckdb")
    options.add_argument("--memory", default="1GB", help="what DuckDB, or Spark's driver, may hold")
    options.add_argument(
        "--limit", type=float, default=600, help="seconds that a task may take; 0 = as many as it needs"
    )
    options.add_argument("--task", choices=TASKS)
    options.add_argument("--folder", type=Path)
    chosen = options.parse_args()
    if chosen.task:
        run_here(chosen.task, chosen.folder, chosen.memory)
        return
    on_duckdb = "panel" if chosen.students <= PANEL_UP_TO else "measures"
    task = "spark" if chosen.engine == "spark" else on_duckdb
    with tempfile.TemporaryDirectory() as made:
        make_tables(Path(made), chosen.students, chosen.memory)
        print(f"{chosen.students * DAYS:,} daily rows, memory_limit {chosen.memory}, load {os.getloadavg()[0]:.1f}")
        yardstick = run_apart("bare", Path(made), chosen.memory, None)
        print(_line("bare", yardstick, yardstick))
        print(_line(task, run_apart(task, Path(made), chosen.memory, chosen.limit or None), yardstick))


def _line(name: str, took: dict[str, float] | None, yardstick: dict[str, float] | None) -> str:
    """What a task took, as a line of text."""
    if took is None or yardstick is None:
        return f"{name:9} not done within the time limit"
    ratio = took["processor"] / yardstick["processor"]
    return (
        f"{name:9} {took['rows']:>11,.0f} rows {took['wall']:7.1f} s  {took['processor']:7.1f} s of processor "
        f"({ratio:.1f} times the bare group-by)  {took['gib']:.2f} GiB"
    )


if __name__ == "__main__":
    main()
