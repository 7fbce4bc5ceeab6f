"""The published JSON Schemas (draft 2020-12) of what users write and read."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

NAMES = ("policy", "result", "record")
"""Schemas that there are."""


def schema(name: str) -> dict[str, Any]:
    """Return a JSON Schema as a document of its own.

    Args:
        name: One of ``NAMES``.

    Raises:
        ValueError: There is no such schema.
    """
    if name not in NAMES:
        raise ValueError(f"no schema {name!r}, expected one of {', '.join(NAMES)}")
    resource = files("attest") / "schemas" / f"{name}.schema.json"
    document: dict[str, Any] = json.loads(resource.read_text(encoding="utf-8"))
    return document
