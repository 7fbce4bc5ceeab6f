"""OpenAI's SDK, three majors in environments of their own, over our transports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from client.keys import save_key
from tests.archive import making
from tests.client import wire
from tests.client.serving import WireServer
from tests.peers import needs
from tests.peers.orders import Worker, python_of, working

MAJORS: Final = (1, 2, 3)
WAYS: Final = [
    (major, face, http)
    for major in MAJORS
    for face in ("sync", "async")
    for http in ("httpx", "httpx2")
    if http == "httpx" or major == max(MAJORS)  # the others know httpx only
]
KEY: Final = "key-of-sdk-91d04c6be2"
ASKED: Final[dict[str, Any]] = {
    "model": "qwen3-8b",
    "messages": [{"role": "user", "content": "prompt-3f1c77aa90d2"}],
}

for number in MAJORS:
    needs.need(python_of(f"openai{number}").exists(), f"openai {number} in .venv/openai{number}")


class Sdk:
    """One way to use the SDK: a major, a face and a client for HTTP."""

    def __init__(self, worker: Worker, face: str, http: str, folder: Path) -> None:
        self._worker = worker
        self._way = {"face": face, "http": http}
        self._policy = str(folder / "policy.yaml")

    def does(self, what: str, server: WireServer, **told: Any) -> Any:
        """Do something against a server; ``told`` are arguments of our transport.

        What was raised is a dict with ``raised``.
        """
        asked = {**ASKED, **told.pop("asked", {})} if what != "models" else {}
        usual: dict[str, Any] = {"base_url": server.url, "policy": self._policy}
        usual |= {"max_retries": 0, "preflight": "off"}
        return self._worker.does(do=what, key=KEY, asked=asked, transport=usual | told, **self._way)


@contextlib.contextmanager
def workers(folder: Path) -> Iterator[dict[int, Worker]]:
    """Run the three majors until the block ends; policy and key lie in the folder."""
    making.policy_file(folder)
    keys = folder / "keys"
    save_key(wire.client_key(), keys)
    with contextlib.ExitStack() as stack:
        yield {
            major: stack.enter_context(working(f"openai{major}", "tests.peers.openai_worker", keys))
            for major in MAJORS
        }
