"""``attest-chat PROMPT``: a wrong call is one line and exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from client.cli import main
from tests.archive import making
from tests.client.commanding import Asking
from tests.client.reaching import COMPLETION, PROMPT
from tests.client.serving import WireServer


def test_policy_that_does_not_load_exits_with_two(ask: Asking, policy: Path) -> None:
    policy.write_text("schema: 2\n", encoding="utf-8")

    done = ask(PROMPT)

    assert done.exit_code == 2
    assert done.stderr.startswith(f"attest-chat: {policy}:1:9: schema: ")


def test_policy_that_compares_no_payload_id_exits_with_two(ask: Asking, policy: Path) -> None:
    making.policy_file(policy.parent, nonce="none")

    done = ask(PROMPT)

    assert done.exit_code == 2
    assert "compares no payload id" in done.stderr


def test_policy_that_is_not_there_exits_with_two(ask: Asking, policy: Path) -> None:
    policy.unlink()

    done = ask(PROMPT)

    assert done.exit_code == 2
    assert done.stderr.startswith(f"attest-chat: {policy}")


def test_no_policy_is_a_wrong_call() -> None:
    done = CliRunner().invoke(main, [PROMPT], env={"ATTEST_POLICY": None})

    assert done.exit_code == 2
    assert done.stderr == "attest-chat: Missing option '-p' / '--policy'.\n"


def test_policy_may_come_from_the_environment(server: WireServer, policy: Path, kept: Path) -> None:
    env = {"ATTEST_POLICY": str(policy), "ATTEST_CHAT_URL": server.url, "ATTEST_CHAT_MODEL": "m"}

    done = CliRunner().invoke(main, ["--key-dir", str(kept), PROMPT], env=env)

    assert (done.exit_code, done.stdout) == (0, f"{COMPLETION}\n")
    assert json.loads(server.posts[0].plaintext)["model"] == "m"


@pytest.mark.parametrize(
    "words",
    [
        ["--tier", "secret"],
        ["--preflight", "never"],
        ["--pin", "abc"],
        ["--url", "ftp://a.example"],
        ["--url", "http://a.example"],
        ["--nothing"],
    ],
)
def test_wrong_call_is_one_line_and_exits_with_two(ask: Asking, words: list[str]) -> None:
    if words[0] == "--url":
        ask.given = ask.given[2:]

    done = ask(*words, PROMPT)

    assert done.exit_code == 2
    assert done.stderr.startswith("attest-chat: ")
    assert done.stderr.count("\n") == 1
    assert isinstance(done.exception, SystemExit)


def test_no_words_show_the_help() -> None:
    done = CliRunner().invoke(main, [])

    assert done.exit_code == 2
    assert "attest-chat -p policies/maximum.yaml" in done.output
