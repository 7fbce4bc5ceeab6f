"""A stand-in with the parts of NOMYO's client that are wrapped; tests/peers has the real one."""

from __future__ import annotations

from typing import Any

from tests import build
from tests.aik import ecc_aik
from tests.client.reaching import COMPLETION, URL

KEY = "key-5f60e9137a"


class Inner:
    """What sends and decrypts; ``told`` are lies of its answers."""

    def __init__(self, **told: Any) -> None:
        self.router_url = URL
        self.told = told
        self.sent: list[dict[str, Any]] = []

    async def send_secure_request(
        self,
        payload: dict[str, Any],
        payload_id: str,
        api_key: str | None = None,
        security_tier: str | None = None,
    ) -> Any:
        self.sent.append({"payload": payload, "id": payload_id})
        self.sent[-1] |= {"key": api_key, "tier": security_tier}
        if "answer" in self.told:
            return self.told["answer"]
        message = {"role": "assistant", "content": COMPLETION}
        told = {"payload_id": payload_id, "tier": security_tier or "standard", **self.told}
        return build.response(ecc_aik(), completion={"choices": [{"message": message}]}, **told)


class StandIn:
    """NOMYO's chat completion, in the parts that are wrapped."""

    def __init__(self, **told: Any) -> None:
        self.client = Inner(**told)
        self.api_key: str | None = KEY
        self.ready = 0

    async def _ensure_keys(self) -> None:
        self.ready += 1

    async def create(self, *_: Any, **__: Any) -> dict[str, Any]:
        raise AssertionError("a wrapper never calls this")
