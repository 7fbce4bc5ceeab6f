"""``attest-chat`` as tests call it: in this process, with a key that is there already."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from client.cli import main
from tests.client.serving import WireServer


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
