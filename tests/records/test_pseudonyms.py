"""Pseudonyms: nothing that names a person leaves, and tables can still be joined."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from mentoreval.errors import DataError, OptionError
from mentoreval.records import read_records
from mentoreval.records.pseudonyms import pseudonym, pseudonymize, read_key

SECRET = "5f1c0a7e9b3d48e26a0f4c7d1b8e93a2"
KEY = read_key(SECRET)
IDS = {"001": "STU-70001", "002": "STU-70002", "003": "STU-70003", "t1": "MENTOR-88", "m1": "M-STU-70001"}


@pytest.fixture
def source(tmp_path: Path, district: Callable[..., dict[str, pd.DataFrame]]) -> Path:
    """The clean district with identifiers that can be looked for, and columns that name people."""
    folder = tmp_path / "source"
    folder.mkdir()
    tables = {name: frame.replace(IDS) for name, frame in district().items()}
    tables["students"] = tables["students"].assign(birth_date="2010-03-04", full_name="Ana Solis")
    tables["matches"] = tables["matches"].assign(end_reason="moved to Ana's aunt")
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "records.toml").write_text('attendance = "absences_only"\n', encoding="utf-8")
    return folder


def test_the_pseudonym_is_the_hmac_of_the_identifier() -> None:
    expected = hmac.new(SECRET.encode(), b"person\0" + b"40017", hashlib.sha256).hexdigest()[:32]
    assert pseudonym("40017", KEY) == expected
    assert pseudonym("40017", read_key(SECRET[::-1])) != expected
    assert pseudonym("40017", KEY, "match_id") != expected


def test_no_identifier_name_birth_date_or_key_is_in_any_byte(source: Path, tmp_path: Path) -> None:
    done = pseudonymize(source, tmp_path / "out", key=KEY)
    written = b"".join(file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file())
    for secret in (*IDS.values(), "7000", "MENTOR", "Solis", "2010-03-04", "aunt", SECRET):
        assert secret.encode() not in written, secret
    assert done.dropped == {"students": ("distance_km", "birth_date", "full_name"), "matches": ("end_reason",)}
    assert done.people == 3 + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"], "nothing is left beside it"


def test_tables_still_belong_together(source: Path, tmp_path: Path) -> None:
    pseudonymize(source, tmp_path / "out", key=KEY, keep=["distance_km"])
    before, after = read_records(source), read_records(tmp_path / "out")
    assert after.ledger.rows_kept == before.ledger.rows_kept
    students = pd.read_csv(tmp_path / "out/students.csv")
    assert set(students["student_id"]) == {pseudonym(IDS[name], KEY) for name in ("001", "002", "003")}
    assert students["distance_km"].sum() == 12.5


def test_a_crosswalk_is_written_elsewhere_or_not_at_all(source: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="would lie among the pseudonyms"):
        pseudonymize(source, tmp_path / "out", key=KEY, crosswalk=tmp_path / "out/sub/../pairs.csv")
    assert not (tmp_path / "out").exists()
    pseudonymize(source, tmp_path / "out", key=KEY, crosswalk=tmp_path / "pairs.csv")
    pairs = pd.read_csv(tmp_path / "pairs.csv")
    assert pairs.query("identifier == 'STU-70001'")["pseudonym"].tolist() == [pseudonym("STU-70001", KEY)]


def test_what_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="at least 32 characters"):
        read_key("secret")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OptionError, match="not an empty folder"):
        pseudonymize(source, tmp_path / "out", key=KEY)
    (source / "students.csv").write_text("student_id\n1.23457E+11\n", encoding="utf-8")
    with pytest.raises(DataError, match="scientific notation, so digits are lost"):
        pseudonymize(source, tmp_path / "other", key=KEY)
    assert not (tmp_path / "other").exists()
