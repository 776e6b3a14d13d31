"""Write mentoreval/__init__.pyi: the names that ``__init__.py`` loads on first use, for editors and type checkers."""

from __future__ import annotations

from pathlib import Path

import mentoreval

STUB = Path(__file__).resolve().parents[1] / "mentoreval" / "__init__.pyi"


def stub() -> str:
    """The text of the stub: every public name from the module that defines it."""
    names = sorted(name for name in mentoreval.__all__ if not name.startswith("__"))
    imports = sorted((getattr(mentoreval, name).__module__, name) for name in names)
    return "\n".join(
        [
            "# Written by scripts/make_stub.py.",
            *(f"from {module} import {name} as {name}" for module, name in imports),
            "",
            "__all__: list[str]",
            "__version__: str",
            "",
        ]
    )


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
