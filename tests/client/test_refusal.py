"""``AttestationRefused`` as an exception: what it is, what it is not, and that it travels."""

from __future__ import annotations

import concurrent.futures
import copy
import pickle
from typing import Any

import pytest

import attest
from attest.archive import Phase
from client import APIError, AttestationRefused, ClientError, SecurityError
from tests.client.gating import FORGED, Face, wired
from tests.client.serving import answered


@pytest.fixture
def refusal(face: Face) -> AttestationRefused:
    """A refusal, with a note as a caller adds one."""
    with pytest.raises(AttestationRefused) as caught:
        face.ask(face.chat(wired(answered(**FORGED))))
    caught.value.add_note("seen by the caller")
    return caught.value


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own octets


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_refusal_is_copied_whole(refusal: AttestationRefused, copied: Any) -> None:
    again = copied(refusal)

    assert type(again) is AttestationRefused
    assert str(again) == str(refusal)
    assert again.result.to_dict() == refusal.result.to_dict()
    assert (again.phase, again.prompt_sent) == (Phase.RESPONSE, True)
    assert type(again.phase) is Phase
    assert again.__notes__ == ["seen by the caller"]


def test_refusal_is_nothing_that_a_retry_library_retries(refusal: AttestationRefused) -> None:
    unlike = (OSError, TimeoutError, concurrent.futures.TimeoutError, ConnectionError, EOFError)

    assert not isinstance(refusal, (*unlike, APIError, SecurityError, ValueError, RuntimeError))
    assert isinstance(refusal, ClientError)
    assert isinstance(refusal, attest.AttestError)
    assert not hasattr(refusal, "status_code")


def test_refusal_names_each_check_that_refused(refusal: AttestationRefused) -> None:
    said = "; ".join(f"{check.id}: {check.reason}" for check in refusal.result.refusals)

    assert str(refusal) == f"attestation refused: {said}"
    assert refusal.args == (str(refusal),)
    assert "quote.magic" in said


def test_refusal_has_no_cause_and_no_context(refusal: AttestationRefused) -> None:
    assert (refusal.__cause__, refusal.__context__) == (None, None)


def test_refusal_cannot_be_taken_for_true(refusal: AttestationRefused) -> None:
    with pytest.raises(TypeError, match=r"use \.accepted"):
        bool(refusal.result)


def test_refusals_are_one_object_each(face: Face) -> None:
    chat = face.chat(wired(answered(**FORGED)))
    seen: list[AttestationRefused] = []
    for _ in range(2):
        with pytest.raises(AttestationRefused) as caught:
            face.ask(chat)
        seen.append(caught.value)

    assert seen[0] is not seen[1]
    assert seen[0].result.payload_id != seen[1].result.payload_id
