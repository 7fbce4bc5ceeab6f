"""A gated client as the tests set it up: a policy that honest answers satisfy, and a kept key."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from client.keys import save_key
from tests import build
from tests.client import wire

MODEL: Final = "qwen3-8b"


def prepared(folder: Path) -> dict[str, Any]:
    """Put a policy and a client's key into a folder; return the arguments that name them."""
    policy = folder / "policy.yaml"
    policy.write_text(build.policy_text(), encoding="utf-8")
    save_key(wire.client_key(), folder / "keys")
    return {"policy": policy, "key_dir": folder / "keys", "archive": folder / "evidence.jsonl"}


def asked(prompt: str) -> list[dict[str, str]]:
    """The messages of a prompt."""
    return [{"role": "user", "content": prompt}]
