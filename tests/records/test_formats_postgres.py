"""Tables of a PostgreSQL server: a real one, started here on the loopback interface and stopped again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mentoreval.errors import OptionError
from mentoreval.records import hash_sources, read_records, validate_records
from mentoreval.records.postgres import public_name

PASSWORD = "not-to-be-printed"
TABLES = """
CREATE TYPE sex AS ENUM ('F', 'M');
CREATE TABLE students (student_id char(8), gender sex, state_id numeric(14, 0), english_learner boolean, distance real);
INSERT INTO students VALUES ('0017', 'F', 12345678901234, true, 0.5), ('0022', 'M', NULL, NULL, NULL);
CREATE TABLE enrolment (student_id text, school_id integer, school_year text, grade_level smallint, entry_date date);
INSERT INTO enrolment VALUES ('0017', 12, '2021-22', 9, '2021-09-01'), ('0022', 12, '2021-22', 10, '2021-09-01');
CREATE SCHEMA "SIS";
CREATE TABLE "SIS"."Att Days" ("STU" varchar, "DT" timestamp, "CD" char(2));
INSERT INTO "SIS"."Att Days" VALUES ('0017', '2021-09-02', 'E'), ('0022', '2021-09-02', 'T'), (NULL, '2021-09-03', 'E');
CREATE TABLE calendar (school_id integer, date date, school_year text);
INSERT INTO calendar VALUES (12, '2021-09-01', '2021-22'), (12, '2021-09-02', '2021-22'), (12, '2021-09-03', '2021-22');
"""


def binaries() -> Path:
    """The folder of the server's programs; skips where there is none."""
    pytest.importorskip("adbc_driver_postgresql", reason="mentoreval[postgres] is not installed")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.skip("there is no PostgreSQL server here (Debian: apt-get install postgresql)")
    return found[-1].parent if found else Path(str(on_path)).resolve().parent


def as_user() -> list[str]:
    """A PostgreSQL server does not run as root; there, its own user starts it."""
    if os.geteuid() != 0:
        return []
    if shutil.which("runuser") is None or subprocess.run(["id", "postgres"], capture_output=True).returncode:
        pytest.skip("running as root, and there is no user postgres to start a PostgreSQL server")
    return ["runuser", "-u", "postgres", "--"]


def free_port() -> int:
    """A port of the loopback interface on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the tables of a district; its password is in the environment."""
    programs, user = binaries(), as_user()
    home = Path("/tmp") / f"mentoreval-postgres-{os.getpid()}"  # a user of its own can not enter pytest's folders
    home.mkdir(mode=0o700)
    secret = home / "secret"
    secret.write_text(PASSWORD, encoding="utf-8")
    if user:
        for path in (home, secret):
            shutil.chown(path, "postgres")
    port, data = free_port(), home / "data"

    def program(name: str, *arguments: str) -> None:
        done = subprocess.run(
            [*user, str(programs / name), *arguments], capture_output=True, text=True, cwd="/", timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        try:
            program("initdb", "-D", str(data), "-U", "reader", "-A", "scram-sha-256", "--pwfile", str(secret), "-N")
            options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
            program("pg_ctl", "-D", str(data), "-l", str(home / "log"), "-w", "-o", options, "start")
            try:
                address = f"postgresql://reader@127.0.0.1:{port}/postgres"
                subprocess.run(
                    [str(programs / "psql"), "-q", "-v", "ON_ERROR_STOP=1", address],
                    input=TABLES,
                    text=True,
                    check=True,
                )
                yield address
            finally:
                program("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
        finally:
            shutil.rmtree(home, ignore_errors=True)


def rows(table: Any) -> list[dict[str, Any]]:
    """The rows of a lazy table in sorted order."""
    found: list[dict[str, Any]] = table.collect("pyarrow").to_native().to_pylist()
    return sorted(found, key=str)


FORMAT = {
    "kind": "mapped",
    "tables": {
        "students": {"source": "students"},
        "enrolment": {"source": "enrolment"},
        "calendar": {"source": "calendar"},
        "attendance": {
            "source": "SIS.Att Days",
            "columns": {"student_id": "STU", "date": "DT", "code": "CD"},
            "codes": {"code": {"E": "absent_excused"}},
            "drop": {"CD": ["T"]},
        },
    },
}


def test_tables_of_a_server_are_read_like_files(server: str) -> None:
    records = read_records(server, attendance="absences_only")  # attendance lies in another schema: not named, not read
    assert rows(records.students) == [
        {"student_id": "0017", "gender": "F", "english_learner": 1, "state_id": "12345678901234", "distance": 0.5},
        {"student_id": "0022", "gender": "M", "english_learner": None, "state_id": None, "distance": None},
    ]
    assert rows(records.enrolment)[0] | {"exit_date": None} == {
        "student_id": "0017", "school_id": "12", "school_year": "2021-22", "grade_level": 9,
        "entry_date": date(2021, 9, 1), "exit_date": None,
    }  # fmt: skip
    assert set(hash_sources(records)) == {"students", "enrolment", "calendar"}


def test_a_table_of_another_schema_is_mapped_and_accounted_for(server: str) -> None:
    report = validate_records(server, attendance="absences_only", format=FORMAT)
    (problem,) = report.found
    assert problem.finding.startswith("attendance has 1 row without student_id (first date: 2021-09-03")
    ledger = report.ledger
    assert (ledger.rows_read["postgresql:SIS.Att Days"], ledger.rows_kept["postgresql:SIS.Att Days"]) == (3, 2)


def test_a_password_in_the_address_is_refused_and_never_printed() -> None:
    for address in (f"postgresql://reader:{PASSWORD}@host/db", f"postgresql://host/db?password={PASSWORD}"):
        with pytest.raises(OptionError, match="PGPASSWORD") as error:
            read_records(address)
        assert PASSWORD not in str(error.value)
    assert public_name("postgresql://reader@host:5432/db?sslmode=require") == "postgresql://host:5432/db"


def test_a_wrong_password_is_one_sentence_without_it(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "wrong-password")
    (problem,) = validate_records(server).found
    assert problem.rule == "unreadable_source"
    assert "password authentication failed" in problem.finding
    assert "wrong-password" not in str(problem)


def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("adbc_driver_postgresql", reason="mentoreval[postgres] is not installed")
    (problem,) = validate_records(f"postgresql://reader@127.0.0.1:{free_port()}/district").found
    assert problem.finding.startswith("'postgresql://127.0.0.1:")
    assert "/district' can not be opened: PostgreSQL says:" in problem.finding
