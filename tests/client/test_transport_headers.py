"""API keys and tiers through the transports: the caller's, the request's, the transport's own."""

from __future__ import annotations

import pytest

from tests.client.gating import wired
from tests.client.reaching import plaintexts
from tests.client.transporting import ASKED, KINDS, Caller, error_of


@pytest.fixture(params=KINDS)
def caller(request: pytest.FixtureRequest) -> Caller:
    """A caller by each kind of client."""
    return Caller(request.param)


@pytest.fixture
def usual() -> Caller:
    """A caller by the usual kind, for what all four have in common."""
    return Caller("httpx")


def test_key_of_the_caller_is_sent_where_the_transport_has_none(caller: Caller) -> None:
    server = wired()

    caller.ask(server, ASKED, headers={"Authorization": "Bearer of-the-caller"})

    assert server.posts[0].headers["authorization"] == "Bearer of-the-caller"


def test_key_of_the_transport_wins(caller: Caller) -> None:
    server = wired()

    caller.ask(
        server, ASKED, api_key="of-the-transport", headers={"Authorization": "Bearer of-the-caller"}
    )

    assert server.posts[0].headers["authorization"] == "Bearer of-the-transport"
    assert not any("of-the-caller" in said for said in server.posts[0].headers.values())


@pytest.mark.parametrize("said", [{}, {"Authorization": "Basic dTpw"}])
def test_no_key_is_made_of_another_authorization(usual: Caller, said: dict[str, str]) -> None:
    server = wired()

    assert usual.ask(server, ASKED, headers=said).status_code == 200

    assert "authorization" not in server.posts[0].headers


@pytest.mark.parametrize("name", ["Bearer", "bearer", "BEARER"])
def test_key_is_read_in_any_case_of_its_scheme(usual: Caller, name: str) -> None:
    server = wired()

    usual.ask(server, ASKED, headers={"Authorization": f"{name}  k "})

    assert server.posts[0].headers["authorization"] == "Bearer k"


def test_key_that_no_header_can_hold_is_refused_without_repeating_it(usual: Caller) -> None:
    server = wired()

    response = usual.ask(server, ASKED, headers={"Authorization": "Bearer of two"})

    assert response.status_code == 400
    assert error_of(response)["message"] == "api_key: expected printable ASCII without spaces"
    assert server.posts == []


@pytest.mark.parametrize(
    ("member", "header", "sent"),
    [
        ({}, None, None),
        ({}, "high", "high"),
        ({"security_tier": "high"}, None, "high"),
        ({"security_tier": "high"}, "high", "high"),
    ],
)
def test_tier_comes_from_the_body_or_a_header(
    usual: Caller, member: dict[str, str], header: str | None, sent: str | None
) -> None:
    server = wired()
    headers = {} if header is None else {"X-Security-Tier": header}

    assert usual.ask(server, ASKED | member, headers=headers).status_code == 200

    assert server.posts[0].headers.get("x-security-tier") == sent
    assert "security_tier" not in plaintexts(server)[0]


def test_tier_of_the_transport_is_that_of_requests_that_name_none(caller: Caller) -> None:
    server = wired()

    caller.ask(server, ASKED, security_tier="high")

    assert server.posts[0].headers["x-security-tier"] == "high"


@pytest.mark.parametrize("header", [True, False])
def test_tier_of_a_request_wins(usual: Caller, header: bool) -> None:
    server = wired()
    member = {} if header else {"security_tier": "high"}
    headers = {"X-Security-Tier": "high"} if header else {}

    usual.ask(server, ASKED | member, headers=headers, security_tier="maximum")

    assert server.posts[0].headers["x-security-tier"] == "high"


def test_unknown_tier_is_refused_at_construction(usual: Caller) -> None:
    with pytest.raises(ValueError, match=r"^security_tier is 'none', expected one of"):
        usual.ask(wired(), ASKED, security_tier="none")


def test_two_tiers_are_refused(usual: Caller) -> None:
    server = wired()
    told = {**ASKED, "security_tier": "maximum"}

    response = usual.ask(server, told, headers={"X-Security-Tier": "standard"})

    assert response.status_code == 400
    assert error_of(response)["message"] == "security_tier: body and header ask for two"
    assert server.posts == []
