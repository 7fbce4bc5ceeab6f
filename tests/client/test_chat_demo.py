"""``attest-chat demo``, ``serve``, ``proxy`` as commands: they answer, end in order, or refuse."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from client.cli import main
from client.demo import POLICY
from tests.client.commands import running
from tests.client.keeping import posix

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def test_demo_accepts_one_answer_and_refuses_one() -> None:
    result = CliRunner().invoke(main, ["demo"], standalone_mode=False)

    assert result.return_value == 0
    assert result.stdout.count("This is a canned answer") == 1
    assert "ACCEPTED" in result.stderr
    assert "REFUSED" in result.stderr
    assert "the prompt was not sent" in result.stderr


def test_demo_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for ours in ("client.demo.running", "client.serving"):
        monkeypatch.delitem(sys.modules, ours, raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    result = CliRunner().invoke(main, ["demo"], standalone_mode=False)

    assert (result.return_value, result.stderr) == (
        2,
        "attest-chat: attest-chat demo needs: pip install 'tpm-attest[serve]'\n",
    )


@posix
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_proxy_answers_and_ends_in_order(ending: signal.Signals, kept: Path) -> None:
    serve = ("serve", "--listen", "127.0.0.1:0", "--key-bits", "2048")
    with running(*serve) as (_, upstream):
        proxy = ("proxy", "--listen", "127.0.0.1:0", "--url", upstream, "--policy", str(POLICY))
        with running(*proxy, "--key-dir", str(kept)) as (process, url):
            answer = httpx.post(f"{url}/chat/completions", json=BODY, timeout=60)
            process.send_signal(ending)
            code = process.wait(timeout=60)

    assert (answer.status_code, code) == (200, 0)
    assert json.loads(answer.content)["model"] == "m"


def test_proxy_beyond_the_loopback_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATTEST_PROXY_TOKEN", raising=False)
    words = ["proxy", "--listen", "0.0.0.0:0", "--policy", str(POLICY)]

    result = CliRunner().invoke(main, words, standalone_mode=False)

    assert result.return_value == 2
    assert "is no loopback address: that needs a token in ATTEST_PROXY_TOKEN" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "nowhere"], "'nowhere' is no HOST:PORT"),
        (["--policy", "missing.yaml"], "missing.yaml"),
        (["--url", "http://server.example"], "base_url is http to another machine"),
        (["--pin", "00"], "a server key pin is SHA-256"),
    ],
)
def test_proxy_that_cannot_start_is_one_line_and_2(words: list[str], said: str) -> None:
    given = ["proxy", "--policy", str(POLICY), "--url", "https://server.example", *words]

    result = CliRunner().invoke(main, given, standalone_mode=False)

    assert result.return_value == 2
    assert said in result.stderr


def test_help_shows_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    for name in ("ask", "demo", "serve", "proxy"):
        assert f"\n  {name} " in result.stdout
