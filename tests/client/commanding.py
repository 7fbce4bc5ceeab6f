"""``attest-chat`` as tests call it: in this process, with a key that is there already."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from click.testing import CliRunner, Result

from client.cli import main
from client.envelope import server_key_sha256
from tests.client import wire
from tests.client.serving import WireServer

KEY: Final = "key-5f60e9137a"
PIN: Final = server_key_sha256(wire.server_key().public_key())
DIRTY: Final = "a\x1b[31mb\u202ec\x07\r\ntail\tend"


class Asking:
    """Calls the command in this process, with a key that is there already."""

    def __init__(self, server: WireServer, policy: Path, kept: Path) -> None:
        self.given: tuple[str, ...] = (
            "--url",
            server.url,
            "-p",
            str(policy),
            "--key-dir",
            str(kept),
        )

    def __call__(self, *words: str, stdin: str = "", **variables: str) -> Result:
        env: dict[str, str | None] = {"NOMYO_API_KEY": None, **variables}
        return CliRunner().invoke(main, [*words[:-1], *self.given, words[-1]], stdin, env)
