"""No exception of the client, no log and no record lets a prompt, a completion or a key out."""

from __future__ import annotations

import json
import logging
import pickle
import tokenize
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

import client
from client import (
    APIConnectionError,
    AttestationRefused,
    AuthenticationError,
    ClientError,
    EvidenceWriteError,
    SecurityError,
)
from tests.client import wire
from tests.client.gating import FORGED, Face, policy_path, saying, wired
from tests.client.graph import leaking
from tests.client.serving import Answer, Posted, Reply, WireServer, sealed, serving, status

PROMPT: Final = "prompt-3f1c77aa90d2"
COMPLETION: Final = "completion-b8e21045cc17"
CONFIGURED: Final = "key-of-client-5f60e9137a"
KEY: Final = "key-of-request-91d04c6be2"
SAID: Final = {"model": "m", "messages": [{"role": "user", "content": PROMPT}], "api_key": KEY}

Case = tuple[type[Exception], Answer]


def rewritten(edit: Callable[[bytes], bytes], posted: Posted) -> Reply:
    """Seal an honest completion, edited."""
    plaintext = wire.opened(saying(COMPLETION)(posted).body, wire.client_key())
    return sealed(edit(plaintext))(posted)


def tampered(posted: Posted) -> Reply:
    """A completion whose tag was changed."""
    envelope = wire.sealed(COMPLETION.encode(), posted.client_key)
    envelope["encrypted_payload"]["tag"] = wire.text(b"t" * 16)
    return Reply(wire.octets(envelope))


def cut(posted: Posted) -> Reply:
    """A completion that breaks off."""
    reply = saying(COMPLETION)(posted)
    return Reply(reply.body, cut=len(reply.body) // 2)


def in_the_clear(posted: Posted) -> Reply:
    """A completion that was never sealed."""
    return Reply(b'{"content": "' + COMPLETION.encode() + b'"}')


CASES: Final[dict[str, Case]] = {
    "forged": (AttestationRefused, saying(COMPLETION, **FORGED)),
    "no evidence": (AttestationRefused, saying(COMPLETION, drop=["_metadata"])),
    "duplicate": (
        AttestationRefused,
        partial(
            rewritten,
            lambda octets: octets.replace(
                b'"role"', b'"%b": 1, "%b": 2, "role"' % ((COMPLETION.encode(),) * 2)
            ),
        ),
    ),
    "depth": (
        AttestationRefused,
        partial(
            rewritten,
            lambda octets: (
                octets[:-1] + b', "' + COMPLETION.encode() + b'": ' + b"[" * 64 + b"]" * 64 + b"}"
            ),
        ),
    ),
    "tampered": (SecurityError, tampered),
    "sealed list": (SecurityError, sealed(b'["' + COMPLETION.encode() + b'"]')),
    "sealed text": (SecurityError, sealed(COMPLETION.encode())),
    "sealed UTF-8": (SecurityError, sealed(b'{"a": "' + COMPLETION.encode() + b'\xff"}')),
    "sealed half": (SecurityError, partial(rewritten, lambda octets: octets[:-1])),
    "in the clear": (SecurityError, in_the_clear),
    "encoded": (
        SecurityError,
        lambda posted: Reply(COMPLETION.encode(), 200, {"Content_Encoding": "gzip"}),
    ),
    "cut": (APIConnectionError, cut),
    "status": (AuthenticationError, status(401, b'{"detail": "no such key"}')),
    "long error": (AuthenticationError, status(401, COMPLETION.encode() * 10_000)),
}


def asked(face: Face, server: WireServer, **told: Any) -> tuple[Exception, Any]:
    """Ask, and return what was raised, with the client."""
    chat = face.chat(server, api_key=CONFIGURED, max_retries=0, **told)
    try:
        face.ask(chat, **SAID)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error, chat
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("wiping", [True, False])
def test_exception_reaches_neither_prompt_nor_completion_nor_key(
    face: Face, case: str, wiping: bool
) -> None:
    kind, answer = CASES[case]
    with serving(answer) as server:
        error, chat = asked(face, server, secure_memory=wiping)
        face.close()

    assert type(error) is kind
    assert leaking(error, PROMPT, COMPLETION, KEY) == []
    assert leaking(error, CONFIGURED, beyond=(chat,)) == []
    travelling = pickle.dumps(error)
    assert not any(one.encode() in travelling for one in (PROMPT, COMPLETION, KEY, CONFIGURED))


@pytest.mark.parametrize("lies", [{}, FORGED], ids=["honest", "forged"])
def test_failed_record_reaches_neither_prompt_nor_completion_nor_key(
    face: Face, tmp_path: Path, lies: dict[str, Any]
) -> None:
    archive = tmp_path / "evidence.jsonl"

    def unkeepable(posted: Posted) -> Reply:
        archive.unlink()
        archive.mkdir()
        return saying(COMPLETION, **lies)(posted)

    with serving(unkeepable) as server:
        error, chat = asked(face, server, policy=policy_path(tmp_path), archive=archive)
        face.close()

    assert type(error) is (AttestationRefused if lies else EvidenceWriteError)
    assert leaking(error, PROMPT, COMPLETION, KEY) == []
    assert leaking(error, CONFIGURED, beyond=(chat,)) == []
    assert COMPLETION.encode() not in pickle.dumps(error)


def test_server_that_is_not_there_leaves_nothing_behind(face: Face) -> None:
    with serving() as server:
        pass

    error, chat = asked(face, server)

    assert type(error) is APIConnectionError
    assert leaking(error, PROMPT, KEY) == []
    assert leaking(error, CONFIGURED, beyond=(chat,)) == []


@pytest.mark.parametrize("case", ["tampered", "sealed list", "sealed half", "status", "long error"])
def test_protocol_alone_reaches_nothing_either(face: Face, case: str) -> None:
    kind, answer = CASES[case]
    made = face.protocol(wired(answer), max_retries=0)
    payload = {"messages": SAID["messages"]}

    with pytest.raises(kind) as caught:
        face.call(made, "send_secure_request", payload, "id", api_key=KEY)

    assert leaking(caught.value, PROMPT, COMPLETION, KEY) == []


def test_client_keeps_nothing_of_a_request(face: Face) -> None:
    with serving(saying(COMPLETION)) as server:
        chat = face.chat(server)
        face.ask(chat, **SAID)
        holder = ClientError()
        holder.chat = chat  # type: ignore[attr-defined] # so that the walk begins at the client
        found = leaking(holder, PROMPT, COMPLETION, KEY)
        face.close()

    assert found == []


@pytest.mark.parametrize(
    "hidden",
    [
        tokenize.generate_tokens(iter([PROMPT]).__next__),  # a generator that waits
        partial(print, bytearray(PROMPT.encode())),
        {1: [(wire.text(b"xy" + PROMPT.encode() + b"z"),)]},
        SimpleNamespace(held=PROMPT.encode().hex()),
        ClientError(PROMPT),
        AttributeError("x", obj=PROMPT),
        KeyError({PROMPT: 1}),
    ],
)
def test_walk_finds_what_is_hidden(hidden: Any) -> None:
    error = ClientError("x")
    error.hidden = hidden  # type: ignore[attr-defined] # whatever an exception may have

    assert leaking(error, PROMPT)
    assert leaking(error, PROMPT, beyond=(hidden,)) == []


def test_walk_finds_what_the_frames_of_a_library_hold() -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(f'["{PROMPT}')

    assert any("frame" in way for way in leaking(caught.value, PROMPT))


@pytest.mark.parametrize("case", ["forged", "tampered", "cut", "status", "duplicate"])
def test_logs_at_debug_hold_nothing(
    face: Face, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(CASES[case][1]) as server:
        asked(face, server)
        face.close()

    assert {record.name.split(".")[0] for record in caplog.records} >= {"httpcore"}
    _assert_silent(caplog)


def test_logs_at_debug_hold_nothing_of_what_is_released(
    face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(saying(COMPLETION)) as server:
        face.ask(face.chat(server, api_key=CONFIGURED), **SAID)
        face.close()

    _assert_silent(caplog)


def _assert_silent(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing secret stands in any record, formatted or not."""
    told = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    assert not any(one in told for one in (PROMPT, COMPLETION, KEY, CONFIGURED))


@pytest.mark.parametrize("mode", ["enforce", "audit"])
def test_archive_holds_nothing_of_any_exchange(face: Face, tmp_path: Path, mode: str) -> None:
    answers = [saying(COMPLETION), *(answer for kind, answer in CASES.values())]
    told = {"policy": policy_path(tmp_path), "archive": tmp_path / "evidence.jsonl", "mode": mode}
    with serving(*answers) as server:
        chat = face.chat(server, api_key=CONFIGURED, max_retries=0, **told)
        for _ in answers:
            try:
                face.ask(chat, **SAID)
            except client.ClientError:
                continue
        face.close()

    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert kept.count(b'"decision"') == 5
    assert not any(one.encode() in kept for one in (PROMPT, COMPLETION, KEY, CONFIGURED))
