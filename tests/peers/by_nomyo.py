"""NOMYO's own client, run in an environment of its own: it seals, sends and opens."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from client.keys import save_key
from tests.client import wire
from tests.peers import needs

ROOT: Final = Path(__file__).parent.parent.parent
PYTHON: Final = ROOT / ".venv/nomyo/bin/python"
WORKER: Final = Path(__file__).parent / "nomyo_worker.py"

needs.need(PYTHON.exists(), "nomyo in .venv/nomyo")


class Nomyo:
    """A client that takes orders; it has the client's key of the tests."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def create(self, model: str, messages: list[dict[str, str]], **options: Any) -> Any:
        """Ask for a completion; what was raised is a dict with ``raised`` and ``said``."""
        return self._done(
            {"do": "create", "model": model, "messages": messages, "options": options}
        )

    def seal(self, payload: dict[str, Any]) -> bytes:
        """Seal a payload to the server's key."""
        return base64.b64decode(self._done({"do": "seal", "payload": payload}))

    def open(self, sealed: bytes, payload_id: str) -> Any:
        """Open a response, as ``create`` does."""
        octets = base64.b64encode(sealed).decode()
        return self._done({"do": "open", "sealed": octets, "payload_id": payload_id})

    @property
    def public_pem(self) -> str:
        """Its own public key."""
        said: str = self._done({"do": "key"})
        return said

    def _done(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def nomyo(url: str, folder: Path) -> Iterator[Nomyo]:
    """Run NOMYO's client against a server until the block ends."""
    save_key(wire.client_key(), folder)
    command = [str(PYTHON), str(WORKER), url, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield Nomyo(process)
