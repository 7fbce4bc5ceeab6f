"""The octets of the software signer are those that a second writer makes."""

from __future__ import annotations

import pytest

from client.demo.structures import (
    FIRMWARE,
    Quoted,
    ecdsa_signature,
    public_area,
    quote,
    rsassa_signature,
    sized,
)
from tests import build
from tests.aik import ecc_aik, ecc_signature, rsa_aik, rsa_signature

AIKS = {"ecc": ecc_aik(), "rsa": rsa_aik()}


@pytest.mark.parametrize("kind", AIKS)
def test_public_areas_agree(kind: str) -> None:
    aik = AIKS[kind]

    assert sized(public_area(aik.private.public_key())) == aik.public()


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("kind", AIKS)
def test_quotes_agree(kind: str, safe: bool) -> None:
    aik, values = AIKS[kind], {10: b"c" * 32, 0: b"a" * 32, 23: b"b" * 32}

    octets = quote(aik.qualified_name(), Quoted(b"nonce", values, 77, safe))

    told = build.quote(
        aik,
        {"sha256": values},
        extra_data=b"nonce",
        clock=77,
        reset_count=1,
        restart_count=0,
        safe=int(safe),
        firmware=FIRMWARE,
    )
    assert octets == told


def test_signatures_agree() -> None:
    assert rsassa_signature(b"s" * 256) == rsa_signature(b"s" * 256)
    assert ecdsa_signature(bytes.fromhex("3006020101020102")) == ecc_signature(
        bytes(31) + b"\x01", bytes(31) + b"\x02"
    )
