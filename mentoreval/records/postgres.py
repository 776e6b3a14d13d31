"""Tables of a PostgreSQL server, read through ADBC into Arrow.

A URI must not hold a password: study files and histories of a shell are read by others. The server's library takes it
from PGPASSWORD or from ~/.pgpass.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from mentoreval.errors import OptionError
from mentoreval.records.engines import CannotRead, scan_arrow
from mentoreval.records.records import LazyTable
from mentoreval.records.workbooks import extra_module

SCHEMES = ("postgresql://", "postgres://")
AS_IN_ARROW = (
    "smallint", "integer", "bigint", "real", "double precision", "boolean", "date", "timestamp without time zone",
    "text", "character varying",
)  # fmt: skip
"""Types that Arrow has too. All others, identifiers as numeric among them, come as PostgreSQL writes them."""

LISTED = """
SELECT table_schema AS schema, table_name AS name, table_schema = ANY(current_schemas(false)) AS is_near
FROM information_schema.tables
WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""
COLUMNS = """
SELECT column_name AS name, data_type AS type FROM information_schema.columns
WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position
"""


def is_uri(source: object) -> bool:
    """Whether a source is the address of a PostgreSQL server."""
    return isinstance(source, str) and source.startswith(SCHEMES)


def public_name(uri: str) -> str:
    """The address without the user and the options; OptionError where it holds a password."""
    parts = urlsplit(uri)
    if parts.password is not None or "password" in parse_qs(parts.query):
        raise OptionError(
            "The address of the PostgreSQL server holds a password. Take it out, and give it in the environment "
            "variable PGPASSWORD or in ~/.pgpass: study files and histories of a shell are read by others."
        )
    return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"


def tables_on_server(uri: str) -> dict[str, tuple[str, str]]:
    """Tables and views by name, as (schema, table); those outside the search path are called "schema.table"."""
    rows = _fetch(uri, LISTED).to_pylist()
    return {
        row["name"] if row["is_near"] else f"{row['schema']}.{row['name']}": (row["schema"], row["name"])
        for row in rows
    }


def scan_server_table(uri: str, schema: str, table: str) -> LazyTable:
    """All rows of one table; CannotRead where the server refuses."""
    columns = _fetch(uri, COLUMNS, (schema, table)).to_pylist()
    wanted = ", ".join(_column(row["name"], row["type"]) for row in columns)
    return scan_arrow(_fetch(uri, f"SELECT {wanted} FROM {_quoted(schema)}.{_quoted(table)}"))


def _column(name: str, kind: str) -> str:
    quoted = _quoted(name)
    return quoted if kind in AS_IN_ARROW else f"{quoted}::text AS {quoted}"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _fetch(uri: str, query: str, parameters: tuple[str, ...] = ()) -> Any:
    """The rows of a query as an Arrow table, in a transaction that can not write."""
    adbc = extra_module("adbc_driver_postgresql.dbapi", "postgres")
    try:
        with adbc.connect(uri) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(query, parameters or None)
            return cursor.fetch_arrow_table()
    except adbc.Error as error:
        raise CannotRead(f"PostgreSQL says: {_first_line(str(error))}") from error


def _first_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return (lines[0] if lines else "nothing").rstrip(".")
