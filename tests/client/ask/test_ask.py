"""``attest-chat PROMPT``: what it prints where, what it returns, and what it never shows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from client.cli import main
from client.preflight import PROBE
from tests.archive import making
from tests.cli.calls import environment
from tests.client.commanding import KEY, PIN, Asking
from tests.client.gating import saying
from tests.client.reaching import COMPLETION, FORGED, PROMPT, texts
from tests.client.serving import WireServer, answered, sealed, serving, status


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no time pass between retries; the seconds are written down."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


def test_answer_goes_to_standard_output_and_its_explanation_to_standard_error(
    ask: Asking, server: WireServer
) -> None:
    done = ask(PROMPT)

    assert done.exit_code == 0
    assert done.stdout == f"{COMPLETION}\n"
    assert done.stderr.startswith(f"ACCEPTED  {server.url}  policy golden, baseline release-a\n")
    assert "self-consistent, not anchored" in done.stderr
    assert texts(server) == [PROBE, PROMPT]


def test_tier_and_model_are_asked_for(ask: Asking, server: WireServer) -> None:
    assert ask("--tier", "maximum", "--model", "another", PROMPT).exit_code == 0

    for posted in server.posts:
        assert posted.headers["x-security-tier"] == "maximum"
        assert json.loads(posted.plaintext)["model"] == "another"


def test_refused_answer_is_explained_and_not_shown(ask: Asking, server: WireServer) -> None:
    server.answers = (answered(), saying(COMPLETION, **FORGED))

    done = ask(PROMPT)

    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"REFUSED   {server.url}  policy golden")
    assert "quote.magic" in done.stderr
    assert "the prompt was not sent" not in done.stderr
    assert COMPLETION not in done.output


def test_refused_probe_says_that_the_prompt_was_not_sent(ask: Asking, server: WireServer) -> None:
    server.answers = (saying(COMPLETION, **FORGED),)

    done = ask(PROMPT)

    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.endswith("\n          the prompt was not sent\n")
    assert texts(server) == [PROBE]


def test_preflight_may_be_left_out(ask: Asking, server: WireServer) -> None:
    assert ask("--preflight", "off", PROMPT).exit_code == 0

    assert texts(server) == [PROMPT]


@pytest.mark.parametrize("prompt", ["demo", "serve", "proxy", "ask"])
def test_prompt_that_names_a_command_is_asked_after_ask(
    ask: Asking, server: WireServer, prompt: str
) -> None:
    done = ask("ask", "--preflight", "off", prompt)

    assert (done.exit_code, done.stdout) == (0, f"{COMPLETION}\n")
    assert texts(server) == [prompt]


def test_prompt_that_looks_like_an_option_is_asked_after_two_dashes(
    ask: Asking, server: WireServer
) -> None:
    ask.given = (*ask.given, "--preflight", "off", "--")

    assert ask("--help").exit_code == 0

    assert texts(server) == ["--help"]


def test_dash_reads_the_prompt_from_standard_input(ask: Asking, server: WireServer) -> None:
    done = ask("-", stdin="two\nlines 世界\n")

    assert done.exit_code == 0
    assert texts(server) == [PROBE, "two\nlines 世界\n"]


def test_key_comes_from_the_environment_and_is_shown_nowhere(
    ask: Asking, server: WireServer
) -> None:
    done = ask(PROMPT, NOMYO_API_KEY=KEY)
    server.answers = (status(401, b'{"detail": "no such key"}'),)
    refused = ask(PROMPT, NOMYO_API_KEY=KEY)

    assert {posted.headers["authorization"] for posted in server.posts} == {f"Bearer {KEY}"}
    assert refused.stderr == "attest-chat: HTTP 401: no such key\n"
    assert KEY not in done.output + refused.output


@pytest.mark.parametrize("words", [["--help"], ["ask", "--help"]])
def test_help_does_not_show_the_key(words: list[str]) -> None:
    shown = CliRunner().invoke(main, words, env={"NOMYO_API_KEY": KEY})

    assert shown.exit_code == 0
    assert KEY not in shown.output


def test_empty_key_is_none(ask: Asking, server: WireServer) -> None:
    assert ask(PROMPT, NOMYO_API_KEY="").exit_code == 0

    assert "authorization" not in server.posts[0].headers


def test_key_that_no_header_can_hold_is_a_wrong_call_that_does_not_repeat_it(
    ask: Asking, server: WireServer
) -> None:
    done = ask(PROMPT, NOMYO_API_KEY=f"{KEY}\n")

    assert done.exit_code == 2
    assert done.stderr == "attest-chat: api_key: expected printable ASCII without spaces\n"
    assert server.posts == []


def test_pinned_key_is_asked(ask: Asking) -> None:
    assert ask("--pin", "00" * 32, "--pin", PIN.upper(), PROMPT).exit_code == 0


def test_key_that_is_not_pinned_gets_nothing(ask: Asking, server: WireServer) -> None:
    done = ask("--pin", "00" * 32, PROMPT)

    assert done.exit_code == 1
    assert done.stderr == f"attest-chat: server key: {PIN} is none of the pinned keys\n"
    assert server.posts == []


def test_archive_has_both_decisions(ask: Asking, tmp_path: Path) -> None:
    archive = tmp_path / "evidence.jsonl"

    assert ask("--archive", str(archive), PROMPT).exit_code == 0

    records = [making.record_of(line) for line in making.lines_of(archive)]
    assert [(one["phase"], one["released"]) for one in records] == [
        ("preflight", False),
        ("response", True),
    ]


def test_answer_that_is_not_recorded_is_not_shown(
    ask: Asking, server: WireServer, tmp_path: Path
) -> None:
    archive = tmp_path / "evidence.jsonl"

    def unkeepable(posted: Any) -> Any:
        archive.unlink()
        archive.mkdir()
        return saying(COMPLETION)(posted)

    server.answers = (answered(), unkeepable)

    done = ask("--archive", str(archive), PROMPT)

    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"attest-chat: {archive}: ")


def test_answer_that_was_not_sealed_exits_with_one(ask: Asking, server: WireServer) -> None:
    server.answers = (sealed(b"[]"),)

    done = ask("--preflight", "off", PROMPT)

    assert done.exit_code == 1
    assert done.stderr == "attest-chat: response: what was sealed is no JSON object\n"


@pytest.mark.parametrize("completion", [None, {}, [], "x", [1], [{}], [{"message": {}}]])
def test_answer_without_text_is_an_empty_line(
    ask: Asking, server: WireServer, completion: object
) -> None:
    server.answers = (answered(completion={"choices": completion}),)

    done = ask(PROMPT)

    assert (done.exit_code, done.stdout) == (0, "\n")


def test_content_that_is_no_text_is_an_empty_line(ask: Asking, server: WireServer) -> None:
    server.answers = (saying([1]),)  # type: ignore[arg-type] # another type

    assert ask(PROMPT).stdout == "\n"


def test_server_that_cannot_be_reached_exits_with_two(
    policy: Path, kept: Path, hurried: list[float]
) -> None:
    with serving() as server:
        pass

    done = Asking(server, policy, kept)(PROMPT)

    assert done.exit_code == 2
    assert done.stderr.startswith(f"attest-chat: GET {server.url}/pki/public_key: ConnectError")
    assert done.stderr.count("\n") == 1
    assert [int(wait) for wait in hurried] == [1, 2]


def test_server_that_fails_exits_with_two(
    ask: Asking, server: WireServer, hurried: list[float]
) -> None:
    server.answers = (status(503, b'{"detail": "no machine"}'),)

    done = ask("--preflight", "off", PROMPT)

    assert (done.exit_code, done.stderr) == (2, "attest-chat: HTTP 503: no machine\n")
    assert len(server.posts) == 3


def test_standard_input_that_is_no_text_is_one_line_and_exits_with_two(ask: Asking) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from client.cli import main; main()", *ask.given, "-"],
        input=b"\xff\xfe",
        capture_output=True,
        env=environment(PYTHONIOENCODING="utf-8"),
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith(b"attest-chat: ")
    assert done.stderr.count(b"\n") == 1
