"""``attest-chat PROMPT`` on a terminal and in a pipe: what it escapes, and what it leaves alone."""

from __future__ import annotations

import io
import sys

import pytest

from client.cli.ask import printable
from tests.client.commanding import DIRTY, Asking
from tests.client.gating import saying
from tests.client.reaching import PROMPT
from tests.client.serving import WireServer
from tests.terminals import screen_of


def test_control_characters_are_left_alone_in_a_pipe(ask: Asking, server: WireServer) -> None:
    server.answers = (saying(DIRTY),)

    assert ask(PROMPT).stdout_bytes.decode() == f"{DIRTY}\n"


class Terminal(io.StringIO):
    """Standard output as a terminal is."""

    def isatty(self) -> bool:
        return True


def test_only_what_a_terminal_could_act_on_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printable(DIRTY) == DIRTY

    monkeypatch.setattr(sys, "stdout", Terminal())

    assert printable(DIRTY) == "a\\x1b[31mb\\u202ec\\x07\\r\ntail\\tend"
    assert printable("Grüße, 世界\n\n") == "Grüße, 世界\n\n"


def on_terminal(ask: Asking, *words: str) -> tuple[int, str]:
    """Run as a process whose standard output is a terminal; return status and its screen."""
    pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    main = "from client.cli import main; main()"
    return screen_of([sys.executable, "-c", main, *ask.given, *words], "out")


def test_control_characters_are_escaped_on_a_terminal(ask: Asking, server: WireServer) -> None:
    server.answers = (saying(DIRTY),)

    code, screen = on_terminal(ask, PROMPT)

    assert code == 0
    assert screen == "a\\x1b[31mb\\u202ec\\x07\\r\r\ntail\\tend\r\n"


def test_long_answer_is_shown_whole_on_a_terminal(ask: Asking, server: WireServer) -> None:
    server.answers = (saying("wörter " * 3000),)

    _, screen = on_terminal(ask, PROMPT)

    assert screen == "wörter " * 3000 + "\r\n"
