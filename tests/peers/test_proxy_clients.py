"""Clients in other languages through the proxy: curl, and OpenAI's SDK for Node."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.demo import POLICY
from client.keys import save_key
from tests.client import wire
from tests.client.commands import running
from tests.peers import needs

NODE = Path(__file__).parent.parent.parent / ".venv" / "node"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
CANNED = "This is a canned answer"

needs.need((NODE / "node_modules" / "openai").is_dir(), "OpenAI's SDK for Node in .venv/node")


@pytest.fixture(scope="module", params=["honest", "wrong-pcr"])
def proxied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """Which server stands behind the proxy, and the proxy's address."""
    lies = [] if request.param == "honest" else ["--misbehave", request.param]
    keys = tmp_path_factory.mktemp("client") / "keys"
    save_key(wire.client_key(), keys)
    with running("serve", "--listen", "127.0.0.1:0", "--key-bits", "2048", *lies) as (_, upstream):
        proxy = ("proxy", "--listen", "127.0.0.1:0", "--url", upstream, "--policy", str(POLICY))
        with running(*proxy, "--stream", "buffer", "--key-dir", str(keys)) as (_, url):
            yield request.param, url


def node(url: str, *words: str) -> dict[str, Any]:
    """What OpenAI's SDK for Node makes of a completion."""
    done = subprocess.run(
        [NODE / "bin" / "node", "tests/peers/node/chat.mjs", url, *words],
        env={**os.environ, "NODE_HOME": str(NODE)},
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def curl(url: str, body: dict[str, Any]) -> tuple[int, str]:
    """Status and body as curl has them."""
    header = "Content-Type: application/json"
    asking = ("--header", header, "--data", json.dumps(body), f"{url}/chat/completions")
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", *asking],
        capture_output=True,
        text=True,
        check=True,
    )
    text, _, status = done.stdout.rpartition("\n")
    return int(status), text


def test_curl_gets_a_verified_answer_or_424(proxied: tuple[str, str]) -> None:
    server, url = proxied

    status, text = curl(url, BODY)

    if server == "honest":
        assert status == 200
        assert json.loads(text)["choices"][0]["message"]["content"].startswith(CANNED)
    else:
        assert (status, json.loads(text)["error"]["type"]) == (424, "attestation_refused")


def test_curl_gets_a_stream_at_the_end(proxied: tuple[str, str]) -> None:
    server, url = proxied

    status, text = curl(url, {**BODY, "stream": True})

    assert status == (200 if server == "honest" else 424)
    assert text.endswith("data: [DONE]\n\n") is (server == "honest")


@pytest.mark.parametrize("words", [(), ("stream",)], ids=["whole", "stream"])
def test_node_gets_a_verified_answer_or_424(proxied: tuple[str, str], words: tuple[str]) -> None:
    server, url = proxied

    told = node(url, *words)

    if server == "honest":
        assert told["content"].startswith(CANNED)
    else:
        assert told == {"status": 424, "type": "attestation_refused"}
