"""Writing a drawn world: whole or not at all, never over somebody's files, and the same bytes every time."""

from __future__ import annotations

import gzip
import hashlib
import json
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from mentoreval.errors import DataError
from mentoreval.worlds import Draw, draw_world, write_world
from mentoreval.worlds.folder import csv_bytes


@pytest.fixture(scope="module")
def small() -> Draw:
    return draw_world("riverside", seed=5, n_students=700)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_holds_the_tables_the_conventions_the_truth_and_a_manifest(small: Draw, tmp_path: Path) -> None:
    folder = write_world(small, tmp_path / "new" / "riverside")
    assert names(folder) == {
        *("students.csv", "enrolment.csv.gz", "calendar.csv", "attendance.csv.gz", "grades.csv.gz", "matches.csv"),
        *("sessions.csv.gz", "records.toml", "truth.json", "manifest.json"),
    }
    conventions = tomllib.loads((folder / "records.toml").read_text())
    assert conventions == {"attendance": "absences_only", "exit_date_is": "last_day"}
    assert json.loads((folder / "truth.json").read_text())["n_mentees"] == small.truth.n_mentees
    assert names(folder.parent) == {"riverside"}


def test_the_tables_are_read_back_as_they_were(small: Draw, tmp_path: Path) -> None:
    folder = write_world(small, tmp_path / "riverside")
    for name, table in small.tables.items():
        path = next(folder.glob(f"{name}.csv*"))
        read = pd.read_csv(path, dtype=str, keep_default_na=False)
        expected = table.assign(credits=table["credits"].map("{:g}".format)) if name == "grades" else table
        as_text = expected.astype(object).where(expected.notna(), "").astype(str)
        assert read.astype(object).equals(as_text.astype(object))


def test_the_manifest_has_the_hash_of_what_is_in_each_file(small: Draw, tmp_path: Path) -> None:
    folder = write_world(small, tmp_path / "riverside")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["world"] == {"kind": "riverside", "n_students": 700, "seed": 5}
    assert set(manifest["files"]) == names(folder) - {"manifest.json"}
    for name, entry in manifest["files"].items():
        data = (folder / name).read_bytes()
        data = gzip.decompress(data) if name.endswith(".gz") else data
        assert entry == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_writing_twice_gives_the_same_bytes_compressed_ones_too(small: Draw, tmp_path: Path) -> None:
    first, again = (write_world(small, tmp_path / name) for name in ("first", "again"))
    for path in first.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()


def test_potential_outcomes_are_written_when_asked_for(small: Draw, tmp_path: Path) -> None:
    folder = write_world(small, tmp_path / "riverside", potential_outcomes=True)
    written = pd.read_csv(folder / "potential_outcomes.csv.gz", dtype={"student_id": str})
    potential = small.truth.potential
    assert potential is not None
    assert len(written) == len(potential)
    assert written["days_absent_mentored"].tolist() == potential["days_absent_mentored"].tolist()
    assert written["event_time"].isna().tolist() == potential["event_time"].isna().tolist()


def test_a_drawn_world_is_replaced_whole(small: Draw, tmp_path: Path) -> None:
    folder = write_world(small, tmp_path / "riverside", potential_outcomes=True)
    write_world(small, folder)
    assert "potential_outcomes.csv.gz" not in names(folder)
    assert names(tmp_path) == {"riverside"}


def test_an_empty_folder_is_filled(small: Draw, tmp_path: Path) -> None:
    assert "truth.json" in names(write_world(small, tmp_path))


@pytest.mark.parametrize("stranger", ["notes.txt", "manifest.json"])
def test_a_folder_with_other_files_is_left_alone(small: Draw, tmp_path: Path, stranger: str) -> None:
    (tmp_path / stranger).write_text('{"dependencies": {}}')
    with pytest.raises(DataError, match=rf"no drawn world has written \(1: {stranger}\)"):
        write_world(small, tmp_path)
    assert names(tmp_path) == {stranger}


def test_files_added_to_a_drawn_world_are_not_lost(small: Draw, tmp_path: Path) -> None:
    folder = write_world(small, tmp_path / "riverside")
    (folder / "my_notebook.ipynb").write_text("weeks of work")
    with pytest.raises(DataError, match=r"my_notebook\.ipynb"):
        write_world(small, folder)
    assert (folder / "my_notebook.ipynb").read_text() == "weeks of work"


def test_a_file_in_the_place_of_the_folder_is_refused(small: Draw, tmp_path: Path) -> None:
    (tmp_path / "riverside").write_text("a file")
    with pytest.raises(DataError, match="is a file"):
        write_world(small, tmp_path / "riverside")


def test_a_failure_leaves_what_was_there_and_nothing_half_written(
    small: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_world(small, tmp_path / "riverside")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_bytes = Path.write_bytes

    def disk_full(path: Path, data: bytes) -> int:
        if path.name == "truth.json":
            raise OSError(28, "No space left on device")
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", disk_full)
    with pytest.raises(OSError, match="No space left"):
        write_world(small, folder)
    with pytest.raises(OSError, match="No space left"):
        write_world(small, tmp_path / "elsewhere")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert names(tmp_path) == {"riverside"}


def test_csv_is_plain_and_does_not_hang_on_the_version_of_pandas() -> None:
    table = pd.DataFrame({"id": ["01", None], "n": [3, 4], "x": [0.5, None], "y": [1.0, 1 / 3]})
    assert csv_bytes(table) == b"id,n,x,y\n01,3,0.5,1\n,4,,0.333333\n"
    assert csv_bytes(table.astype({"n": "Int64"})) == csv_bytes(table)
    assert csv_bytes(table.astype({"id": object})) == csv_bytes(table)


def test_text_that_would_need_quotes_is_refused() -> None:
    with pytest.raises(DataError, match="'name' has values with a comma"):
        csv_bytes(pd.DataFrame({"name": ["Doe, Jane"]}))
