"""Preflight: when a probe is made, what it stands for, and what it holds."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest

from client.errors import AttestationRefused
from client.exchange import Asked, Cleared
from client.preflight import PROBE, SPACING
from client.response import AttestedResponse
from client.steps import Compute, Fetch, Wait
from tests.client.gating import saying, wired
from tests.client.reaching import MODEL, PROMPT, Rig, plaintexts, policies, texts
from tests.client.serving import answered, status

TWICE = [("off", [PROMPT, PROMPT]), ("first", [PROBE, PROMPT, PROMPT])]
TWICE += [("ttl", [PROBE, PROMPT, PROMPT]), ("always", [PROBE, PROMPT] * 2)]


@pytest.mark.parametrize(("mode", "said"), TWICE)
def test_mode_decides_when_a_probe_is_made(mode: str, said: Sequence[str]) -> None:
    rig = Rig(wired(), mode)

    assert isinstance(rig.ask(), AttestedResponse)
    assert isinstance(rig.ask(), AttestedResponse)

    assert texts(rig.server) == said


def test_probe_is_harmless_and_holds_nothing_of_the_prompt() -> None:
    rig = Rig(wired(saying("pong"), answered()))

    rig.ask(security_tier="high")

    probe, prompt = plaintexts(rig.server)
    assert probe == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "ping"}],
        "max_tokens": 1,
    }
    assert PROMPT not in json.dumps(probe)
    assert prompt["messages"][0]["content"] == PROMPT


def test_probe_goes_to_the_tier_the_model_and_with_the_key_of_the_prompt_under_its_own_id() -> None:
    rig = Rig(wired())
    asked = Asked(security_tier="high", authorization="Bearer k", model="another")
    rig.run(rig.exchange.ask(bytearray(b"{}"), asked, rig.gate.decide))
    own, server = (
        rig.run(rig.exchange._keyring.own_key()),  # noqa: SLF001 - the exchange's keys
        rig.run(rig.exchange._keyring.server_key()),  # noqa: SLF001 - the exchange's keys
    )

    cleared = rig.run(rig.preflight.clear(asked, own, server))

    assert isinstance(cleared, Cleared)
    prompt, probe = rig.server.posts
    for name in ("x-security-tier", "authorization", "x-public-key"):
        assert probe.headers[name] == prompt.headers[name]
    assert probe.payload_id != prompt.payload_id
    assert json.loads(probe.plaintext)["model"] == "another"


@pytest.mark.parametrize("other", [{"model": "another"}, {"security_tier": "high"}])
def test_probe_counts_for_its_own_tier_and_model_only(other: dict[str, Any]) -> None:
    rig = Rig(wired())
    rig.ask()

    rig.ask(**other)
    rig.ask(**other)
    rig.ask()

    assert texts(rig.server) == [PROBE, PROMPT, PROBE, PROMPT, PROMPT, PROMPT]


def test_no_tier_is_probed_as_the_standard_tier() -> None:
    rig = Rig(wired())
    rig.ask()

    rig.ask(security_tier="standard")

    assert texts(rig.server) == [PROBE, PROMPT, PROMPT]


def test_another_policy_is_probed_anew() -> None:
    first, second = policies()
    rig = Rig(wired(), policy=first)
    rig.ask()

    rig.gate.reload_policy(second)
    rig.ask()
    rig.gate.reload_policy(first)
    rig.ask()

    assert texts(rig.server) == [PROBE, PROMPT, PROBE, PROMPT, PROMPT]


def test_same_policy_loaded_again_is_not_probed_anew() -> None:
    rig = Rig(wired(), policy=policies()[0])
    rig.ask()

    rig.gate.reload_policy(policies()[0])
    rig.ask()

    assert texts(rig.server) == [PROBE, PROMPT, PROMPT]


def test_probe_counts_under_ttl_until_its_seconds_are_over() -> None:
    rig = Rig(wired(), "ttl", ttl=30)
    rig.ask()

    rig.now = 1029.9
    rig.ask()
    rig.now = 1030.0
    rig.ask()

    assert texts(rig.server) == [PROBE, PROMPT, PROMPT, PROBE, PROMPT]


def test_probe_that_took_longer_than_its_seconds_clears_nothing_and_is_made_again() -> None:
    server = wired()
    rig = Rig(server, "ttl", ttl=30)

    def slow(posted: Any) -> Any:
        rig.now += 31
        return answered()(posted)

    server.answers = (slow, answered())
    rig.ask()
    rig.ask()

    assert texts(server) == [PROBE, PROBE, PROMPT, PROMPT]


def test_probe_never_ages_under_first() -> None:
    rig = Rig(wired(), "first", ttl=1)
    rig.ask()

    rig.now += 1e9
    rig.ask()

    assert texts(rig.server) == [PROBE, PROMPT, PROMPT]


def test_probe_that_aged_while_a_retry_waited_is_made_again() -> None:
    busy = status(429, Retry_After="40")
    rig = Rig(wired(answered(), busy, answered(), answered()), "ttl", ttl=30)

    assert isinstance(rig.ask(), AttestedResponse)

    assert texts(rig.server) == [PROBE, PROMPT, PROBE, PROMPT]
    assert 40 <= rig.waits[1] <= 50


def test_probe_that_still_counts_serves_a_retry_too() -> None:
    busy = status(429, Retry_After="20")
    rig = Rig(wired(answered(), busy, answered()), "ttl", ttl=30)

    assert isinstance(rig.ask(), AttestedResponse)

    assert texts(rig.server) == [PROBE, PROMPT, PROMPT]


def test_always_probes_before_each_retry() -> None:
    rig = Rig(wired(answered(), status(503), answered()), "always")

    assert isinstance(rig.ask(), AttestedResponse)

    assert texts(rig.server) == [PROBE, PROMPT, PROBE, PROMPT]


def test_probe_that_is_refused_at_a_retry_holds_the_prompt_back() -> None:
    forged = answered(quoted={"magic": 0})
    rig = Rig(wired(answered(), status(503), forged), "always")

    refusal = rig.ask()

    assert isinstance(refusal, AttestationRefused)
    assert texts(rig.server) == [PROBE, PROMPT, PROBE]


def test_probes_keep_half_a_second_of_distance() -> None:
    rig = Rig(wired())

    for model in ("a", "b", "c"):
        rig.ask(model=model)

    assert rig.waits == [0, SPACING, SPACING]
    assert SPACING == 0.5


def test_probe_after_a_pause_waits_for_nothing() -> None:
    rig = Rig(wired())
    rig.ask(model="a")

    rig.now += 10
    rig.ask(model="b")

    assert rig.waits == [0, 0]


def test_probes_that_begin_at_once_leave_each_other_time_for_a_prompt() -> None:
    rig = Rig(wired(), "always")
    waiting = [rig.steps() for _ in range(4)]

    waits = [rig.up_to(steps, Wait).seconds for steps in waiting]

    assert waits == [0, 1.0, 2.0, 3.0]


def test_probes_for_several_models_keep_half_a_second() -> None:
    rig = Rig(wired(), "ttl")

    for model in ("a", "b", "c"):
        rig.ask(model=model)

    assert rig.waits == [0, 0.5, 0.5]


def test_oldest_passes_are_forgotten_and_probed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.preflight.MOST_KEPT", 2)
    rig = Rig(wired())
    for model in ("a", "b", "c"):
        rig.ask(model=model)

    rig.ask(model="c")
    rig.ask(model="a")

    assert [opened["model"] for opened in plaintexts(rig.server) if "max_tokens" in opened] == [
        "a",
        "b",
        "c",
        "a",
    ]


def test_probe_that_ended_in_something_else_is_a_bug_and_clears_nothing() -> None:
    rig = Rig(wired(), "always")
    steps = rig.steps()
    post = rig.up_to(steps, Fetch)
    rig.up_to(steps, Compute, rig.take(post))  # to be judged

    with pytest.raises(TypeError, match=r"^a probe ended in str$"):
        steps.send("accepted")

    assert texts(rig.server) == [PROBE]


@pytest.mark.parametrize("mode", ["", "FIRST", "never", None, True])
def test_unknown_mode_is_refused_at_construction(mode: Any) -> None:
    with pytest.raises(ValueError, match=r"^preflight is .*, expected one of off, first, ttl, a"):
        Rig(wired(), mode)


@pytest.mark.parametrize("ttl", [0, -1, math.inf, math.nan])
def test_ttl_that_is_no_time_is_refused_at_construction(ttl: float) -> None:
    with pytest.raises(ValueError, match=r"^preflight_ttl is .*, expected seconds above 0$"):
        Rig(wired(), "ttl", ttl=ttl)


@pytest.mark.parametrize("ttl", ["60", None, True])
def test_ttl_of_another_type_is_refused_at_construction(ttl: Any) -> None:
    with pytest.raises(TypeError, match=r"^preflight_ttl is .*, expected seconds$"):
        Rig(wired(), "ttl", ttl=ttl)
