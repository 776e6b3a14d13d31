"""Write a drawn world to a folder, whole or not at all, so that drawing it again gives the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mentoreval.errors import DataError, first_few
from mentoreval.worlds.world import Draw

MANIFEST = "manifest.json"


def write_world(draw: Draw, folder: str | Path, potential_outcomes: bool = False) -> Path:
    """Write tables, records.toml, truth.json and manifest.json, and return the folder.

    The long tables are compressed. The manifest has, for each file, the SHA-256 of its bytes, before compression where
    the name ends in .gz: compressed bytes differ between builds of zlib, what is in them does not.
    potential_outcomes : also write both potential outcomes of every student and year
    Errors: DataError where the folder holds anything but a drawn world; it is then left as it was.
    """
    return write_contents(_contents(draw, potential_outcomes), draw.spec, folder)


def write_contents(contents: Mapping[str, bytes], spec: Mapping[str, Any], folder: str | Path) -> Path:
    """Write files by name, those in .gz compressed, and their manifest.json; the folder, whole or not at all.

    spec : what drew them, for the manifest
    Errors: DataError where the folder holds anything but what was drawn; it is then left as it was.
    """
    folder = Path(folder).expanduser().absolute()
    _refuse_other_content(folder)
    listing = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in contents.items()
    }
    manifest = json.dumps({"world": spec, "files": listing}, indent=1, sort_keys=True) + "\n"
    _replace_folder(folder, {**contents, MANIFEST: manifest.encode()})
    return folder


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as CSV: comma, line feed, UTF-8, empty for missing; written here, so it is the same under any pandas."""
    columns = [_texts(table[name]) for name in table.columns]
    lines = [",".join(map(str, table.columns)), *map(",".join, zip(*columns, strict=True))]
    return ("\n".join(lines) + "\n").encode()


def _texts(column: pd.Series) -> list[str]:
    if pd.api.types.is_float_dtype(column.dtype):
        return ["" if value != value else f"{value:.6f}".rstrip("0").rstrip(".") for value in column.tolist()]
    missing = column.isna().tolist()
    texts = ["" if gap else str(value) for value, gap in zip(column.astype(object), missing, strict=True)]
    if set("".join(texts)) & set(',"\n\r'):
        raise DataError(f"The column {column.name!r} has values with a comma, a quote or a line end.")
    return texts


def _contents(draw: Draw, potential_outcomes: bool) -> dict[str, bytes]:
    """What is in each file, by file name, before compression."""
    tables = dict(draw.tables)
    if potential_outcomes and draw.truth.potential is not None:
        tables["potential_outcomes"] = draw.truth.potential
    packed = draw.world.compressed
    contents = {f"{name}.csv.gz" if name in packed else f"{name}.csv": csv_bytes(t) for name, t in tables.items()}
    contents["records.toml"] = _toml(draw.conventions).encode()
    contents["truth.json"] = draw.truth.to_json().encode()
    return contents


def _toml(conventions: Mapping[str, str]) -> str:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in sorted(conventions.items()))


def _refuse_other_content(folder: Path) -> None:
    """A folder may be missing, empty, or hold a drawn world and nothing else."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file. Name a folder for the drawn world.")
    found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    strangers = sorted(found - _written_by_a_draw(folder)) if found else []
    if strangers:
        raise DataError(
            f"{folder} holds files that no drawn world has written ({len(strangers)}: {first_few(strangers)}). "
            "They would be lost; nothing was written. Name an empty or a new folder."
        )


def _written_by_a_draw(folder: Path) -> set[str]:
    """Names of the files that a drawn world wrote here; none where there is no manifest or it is another program's."""
    try:
        manifest: Any = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {*manifest["files"], MANIFEST} if "world" in manifest else set()
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return set()


def _compressed(data: bytes) -> bytes:
    """gzip with no name and no time, which ``gzip.compress`` would leave to the version of Python."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=packed, mtime=0) as file:
        file.write(data)
    return packed.getvalue()


def _replace_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write beside the folder, then rename; a failure leaves what was there before."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    replaced = folder.with_name(f".{folder.name}.{os.getpid()}.replaced")
    partial.mkdir()
    try:
        for name, data in contents.items():
            (partial / name).write_bytes(_compressed(data) if name.endswith(".gz") else data)
        if folder.exists():
            folder.rename(replaced)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        if replaced.exists():
            replaced.rename(folder)
        raise
    if replaced.exists():
        shutil.rmtree(replaced)
