"""Octets of a certificate: padding of NVRAM is cut off, all else that follows is refused."""

import pytest

from attest.certificates.der import certificate_octets
from attest.certificates.model import MAX_CERTIFICATE_OCTETS, ChainError, ChainFault
from tests.certificates.making import fault

SHORT = b"\x30\x03abc"
LONG = b"\x30\x82\x01\x00" + bytes(256)


@pytest.mark.parametrize("der", [SHORT, LONG, b"\x30\x00", b"\x30\x81\x03abc"])
@pytest.mark.parametrize("padding", [b"", b"\x00", b"\xff", b"\x00" * 900, b"\xff" * 900])
def test_padding_is_no_part_of_a_certificate(der: bytes, padding: bytes) -> None:
    assert certificate_octets(der + padding, "p") == der


NONE = "is no DER certificate"
REFUSED = [
    (b"", ChainFault.MALFORMED, NONE),
    (b"\x30", ChainFault.MALFORMED, NONE),
    (b"\x31\x00", ChainFault.MALFORMED, NONE),
    (b"\x30\x80abc\x00\x00", ChainFault.MALFORMED, NONE),
    (b"\x30\x82\x01", ChainFault.MALFORMED, NONE),
    (b"\x30\x84\x00\x00\x00\x03abc", ChainFault.MALFORMED, NONE),
    (b"\x30\x04abc", ChainFault.MALFORMED, "cut off: 5 octets, its length says 6"),
    (SHORT + b"\x01", ChainFault.MALFORMED, "1 trailing octets that are no padding"),
    (SHORT + b"\x00\xff", ChainFault.MALFORMED, "2 trailing octets that are no padding"),
    (SHORT + SHORT, ChainFault.MALFORMED, "5 trailing octets that are no padding"),
    (bytes(MAX_CERTIFICATE_OCTETS + 1), ChainFault.TOO_LARGE, "16385 octets exceed 16384"),
]


@pytest.mark.parametrize(("octets", "kind", "said"), REFUSED, ids=[str(n) for n in range(11)])
def test_refuses_what_is_no_single_certificate(octets: bytes, kind: ChainFault, said: str) -> None:
    with pytest.raises(ChainError) as caught:
        certificate_octets(octets, "p")

    assert fault(caught.value) == ("p", kind, said)
    assert str(caught.value) == f"p: {said}"


def test_padding_counts_towards_the_bound() -> None:
    most = SHORT.ljust(MAX_CERTIFICATE_OCTETS, b"\xff")

    assert certificate_octets(most, "p") == SHORT
