"""Write mentoreval/__init__.pyi: the names that ``__init__.py`` loads on first use, for editors and type checkers."""

from __future__ import annotations

from pathlib import Path

import mentoreval

STUB = Path(__file__).resolve().parents[1] / "mentoreval" / "__init__.pyi"


def stub() -> str:
    """The text of the stub."""
    lines = ["# Written by scripts/make_stub.py from the table of names in __init__.py."]
    for home, names in sorted(mentoreval._HOMES.items()):
        lines += [f"from {home} import {name} as {name}" for name in sorted(names)]
    return "\n".join([*lines, "", "__all__: list[str]", "__version__: str", ""])


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
