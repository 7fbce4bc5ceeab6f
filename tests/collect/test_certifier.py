"""Which key is to certify: read strictly before any TPM is touched."""

from typing import Any

import pytest

from attest.collect.certifier import read_certifier
from attest.endorsement import MAX_CERTIFICATE, MAX_CERTIFICATES
from tests.enrolment.making import ek_certificate

HANDLE = 0x81010002


def test_no_key_certifies_where_none_is_named() -> None:
    assert read_certifier(None, ()) is None


def test_key_and_chain_are_kept_as_they_are() -> None:
    certifier = read_certifier(HANDLE, [ek_certificate()])
    assert certifier is not None
    assert (certifier.handle, certifier.chain) == (HANDLE, (ek_certificate(),))


@pytest.mark.parametrize("handle", [0, 0x80FFFFFF, 0x82000000, 0x40000001, -1])
def test_handle_where_no_key_stays_is_refused(handle: int) -> None:
    with pytest.raises(
        ValueError, match=r"^certify_with: expected a persistent handle, 0x81000000"
    ):
        read_certifier(handle, ())


@pytest.mark.parametrize("handle", ["0x81010002", True, 2164326402.0])
def test_handle_that_is_no_number_is_refused(handle: Any) -> None:
    with pytest.raises(TypeError, match=r"^certify_with: expected an int, found "):
        read_certifier(handle, ())


@pytest.mark.parametrize(
    ("chain", "kind", "fault"),
    [
        (ek_certificate(), TypeError, "ak_chain: expected certificates, found bytes"),
        ("chain.pem", TypeError, "ak_chain: expected certificates, found str"),
        (["chain.pem"], TypeError, "ak_chain[0]: expected bytes, found str"),
        ([b"\x30\x00"] * (MAX_CERTIFICATES + 1), ValueError, "ak_chain: 17 certificates exceed 16"),
        ([bytes(MAX_CERTIFICATE + 1)], ValueError, "ak_chain[0]: 16385 octets exceed 16384"),
        ([b"-----BEGIN"], ValueError, "ak_chain[0]: is no DER certificate"),
        (
            [ek_certificate() + b"\0"],
            ValueError,
            "ak_chain[0]: has octets after the certificate",
        ),
    ],
)
def test_chain_that_no_verifier_reads_is_refused(
    chain: Any, kind: type[Exception], fault: str
) -> None:
    with pytest.raises(kind) as caught:
        read_certifier(HANDLE, chain)
    assert str(caught.value) == fault


def test_chain_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^ak_chain: no key certifies"):
        read_certifier(None, [ek_certificate()])
