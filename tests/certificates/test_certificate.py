"""One certificate read whole: what it says, and what cannot be read."""

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier

from attest.certificates.certificate import Certificate, parse_certificate
from attest.certificates.keys import read_key
from attest.certificates.model import ChainError, ChainFault, TpmPart, TpmSpecification
from tests.certificates.making import (
    AIK,
    EK,
    END,
    FOREVER,
    GCE,
    START,
    TPM,
    ak,
    issue,
    key,
    odd_tpm_name,
    other,
    rsa_key,
    tpm_name,
    usages,
)
from tests.certificates.test_gce import extension


def read(octets: bytes) -> Certificate:
    return parse_certificate(octets, "p")


def refused(octets: bytes) -> str:
    with pytest.raises(ChainError) as caught:
        read(octets)
    assert (caught.value.place, caught.value.kind) == ("p", ChainFault.MALFORMED)
    return caught.value.fault


def test_a_certificate_is_read_whole() -> None:
    issued = issue("leaf", None, ak((tpm_name(), True)), serial=0xABC)

    seen = read(issued.der)

    assert (seen.subject, seen.issuer, seen.self_issued) == ("CN=leaf", "CN=leaf", True)
    assert (seen.serial, seen.not_before, seen.not_after) == (0xABC, START, END)
    assert (seen.ca, seen.usages) == (False, (AIK,))
    assert sorted(seen.key_usage or ()) == ["digital_signature"]
    assert seen.critical == {"2.5.29.19", "2.5.29.15", "2.5.29.17"}
    assert (seen.signature, seen.key.kind, seen.key.weakness) == (("ecdsa", "sha256"), "ec", None)
    assert seen.tpm == TpmPart("id:494E5443", "INTC", "Intel", "model", "id:00010002")
    assert (seen.der, seen.sha256) == (issued.der, hashlib.sha256(issued.der).digest())


def test_padding_does_not_change_the_fingerprint() -> None:
    issued = issue("leaf", None, ak())

    assert read(issued.der + b"\xff" * 700).sha256 == read(issued.der).sha256


def test_a_certificate_may_have_no_end() -> None:
    assert read(issue("leaf", None, ak(), valid=(START, FOREVER)).der).not_after == FOREVER


def test_serial_numbers_may_be_negative() -> None:
    certificate = asn1.Certificate.load(issue("leaf", None, ak()).der)
    certificate["tbs_certificate"]["serial_number"] = -5

    assert read(certificate.dump(force=True)).serial == -5


def test_a_certificate_without_extensions_says_nothing() -> None:
    seen = read(issue("leaf", None, []).der)

    assert (seen.ca, seen.key_usage, seen.usages, seen.tpm, seen.gce) == (None,) * 5


def test_the_tpm_may_stand_in_one_relative_name_and_in_another_encoding() -> None:
    seen = read(issue("leaf", None, ak((odd_tpm_name(), False))).der)

    assert seen.tpm == TpmPart("id:494E5443", "INTC", "Intel", "model", "id:00010002")


def test_a_tpm_of_an_unknown_maker_has_no_vendor() -> None:
    name = tpm_name(("2.23.133.2.1", "id:00001014"), *TPM[1:])

    seen = read(issue("leaf", None, ak((name, False))).der)

    assert seen.tpm == TpmPart("id:00001014", None, None, "model", "id:00010002")


def test_a_tpm_is_named_whole_or_not_at_all() -> None:
    assert read(issue("leaf", None, ak((tpm_name(*TPM[:2]), False))).der).tpm is None


def test_a_dns_name_names_no_tpm() -> None:
    name = x509.SubjectAlternativeName([x509.DNSName("a")])

    assert read(issue("leaf", None, ak((name, False))).der).tpm is None


def test_refuses_a_tpm_named_twice() -> None:
    said = refused(issue("leaf", None, ak((tpm_name(*TPM, TPM[0]), False))).der)

    assert said == "cannot be read: subjectAltName names 2.23.133.2.1 twice"


def attributes(*encoded: bytes) -> x509.UnrecognizedExtension:
    return other("2.5.29.9", core.Sequence(contents=b"".join(encoded)).dump())


def attribute(dotted: str, *values: bytes) -> bytes:
    body = core.ObjectIdentifier(dotted).dump() + core.Set(contents=b"".join(values)).dump()
    octets: bytes = core.Sequence(contents=body).dump()
    return octets


SPECIFICATION = bytes.fromhex("300c0c03322e3002010002020092")


def test_the_specification_of_the_tpm_is_read() -> None:
    strange = attribute("2.23.133.2.18", b"\xa7\x03\x02\x01\x01")
    said = attributes(strange, attribute("2.23.133.2.16", SPECIFICATION))

    seen = read(issue("leaf", None, ak((said, False))).der)

    assert seen.specification == TpmSpecification("2.0", 0, 146)


@pytest.mark.parametrize("values", [(), (b"\x05\x00",), (SPECIFICATION[:-1],)])
def test_refuses_a_specification_that_is_none(values: tuple[bytes, ...]) -> None:
    said = attributes(attribute("2.23.133.2.16", *values))

    assert refused(issue("leaf", None, ak((said, False))).der).startswith("cannot be read: ")


def test_attributes_without_a_specification_say_none() -> None:
    said = attributes(attribute("2.5.4.3", core.UTF8String("a").dump()))

    assert read(issue("leaf", None, ak((said, False))).der).specification is None


def test_refuses_googles_extension_where_it_is_not_googles() -> None:
    assert refused(issue("leaf", None, ak((other(GCE, b"\x30\x00"), False))).der)


def test_googles_extension_is_read() -> None:
    seen = read(issue("leaf", None, ak((other(GCE, extension()), False))).der)

    assert seen.gce is not None
    assert seen.gce.project_id == "project"


def test_an_unknown_extension_is_left_alone() -> None:
    seen = read(issue("leaf", None, ak((other("1.2.3.4", b"\xa0junk"), True))).der)

    assert "1.2.3.4" in seen.critical


def test_refuses_an_extension_twice() -> None:
    certificate = asn1.Certificate.load(issue("leaf", None, ak()).der)
    extensions = certificate["tbs_certificate"]["extensions"]
    extensions.append(extensions[0])

    assert refused(certificate.dump(force=True)) == (
        "cannot be read: extension 2.5.29.19 stands there twice"
    )


def test_refuses_two_signature_algorithms() -> None:
    certificate = asn1.Certificate.load(issue("leaf", None, ak()).der)
    certificate["signature_algorithm"] = {"algorithm": "sha384_ecdsa"}

    assert refused(certificate.dump(force=True)) == "cannot be read: names two signature algorithms"


def test_a_signature_that_nobody_knows_has_no_hash() -> None:
    certificate = asn1.Certificate.load(issue("leaf", None, ak()).der)
    for owner in (certificate, certificate["tbs_certificate"]):
        owner["signature" if owner is not certificate else "signature_algorithm"] = {
            "algorithm": "1.2.3.4"
        }

    assert read(certificate.dump(force=True)).signature == ("1.2.3.4", "")


def test_refuses_a_name_without_end() -> None:
    attribute = x509.NameAttribute(NameOID.COMMON_NAME, "a" * 64)
    name = x509.Name([attribute] * 30)

    lies: list[dict[str, Any]] = [{"subject": name}, {"issuer": name}]
    for lie in lies:
        assert refused(issue("leaf", None, ak(), **lie).der) == (
            "cannot be read: a name has 2254 octets, 2048 at most"
        )


def test_refuses_a_judged_extension_without_end() -> None:
    many = x509.SubjectAlternativeName([x509.DNSName("a" * 200)] * 21)

    said = refused(issue("leaf", None, ak((many, False))).der)

    assert said == "cannot be read: extension 2.5.29.17 has 4267 octets, 4096 at most"


def test_refuses_another_writing_around_what_is_signed() -> None:
    octets = issue("leaf", None, ak()).der
    certificate = asn1.Certificate.load(octets)
    body = b"".join(
        certificate[part].dump()
        for part in ("tbs_certificate", "signature_algorithm", "signature_value")
    )
    long = b"\x30\x83" + len(body).to_bytes(3, "big") + body
    more = core.Sequence(contents=body + b"\x05\x00").dump()

    for lie in (long, more):
        assert refused(lie) == "cannot be read: is no DER where its signature does not cover it"


BROKEN = [
    b"\x30\x00",
    b"\x30\x03\x02\x01\x01",
    issue("leaf", None, ak((other("2.5.29.14", b"\x02\x01\x01"), False))).der,
    issue("leaf", None, ak((other("2.5.29.17", b"\x30\x02\xa4\x05"), False))).der,
    issue("leaf", None, ak((other("2.5.29.35", b"junk"), False))).der,
]


@pytest.mark.parametrize("octets", BROKEN, ids=["empty", "integer", "ski", "san", "aki"])
def test_refuses_what_cannot_be_read(octets: bytes) -> None:
    assert refused(octets).startswith("cannot be read: ")


def test_every_truncation_is_refused() -> None:
    octets = issue("leaf", None, ak((tpm_name(), True), (other(GCE, extension()), False))).der

    assert all(refused(octets[:end]) for end in range(len(octets)))


def test_no_changed_octet_raises_anything_else() -> None:
    octets = issue("leaf", None, ak((tpm_name(), True), (other(GCE, extension()), False))).der

    for at in range(len(octets)):
        for value in (0x80, octets[at] ^ 1):
            changed = octets[:at] + bytes([value]) + octets[at + 1 :]
            with suppress(ChainError):
                assert read(changed).der


def test_a_date_without_reading_is_refused() -> None:
    octets = issue("leaf", None, ak()).der
    date = START.strftime("%y%m%d%H%M%SZ").encode()

    assert refused(octets.replace(date, b"991399999999Z")).startswith("cannot be read: ")


def test_a_year_that_no_calendar_has_is_refused() -> None:
    octets = issue("leaf", None, ak(), valid=(START, datetime(2050, 1, 1, tzinfo=UTC))).der

    assert refused(octets.replace(b"20500101000000Z", b"00000101000000Z")) == (
        "cannot be read: validity is no date"
    )


def spki(public: object) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return] # any key


def info(octets: bytes) -> asn1.PublicKeyInfo:
    return asn1.PublicKeyInfo.load(octets)


def test_keys_have_the_digest_of_their_plain_form() -> None:
    for private, kind in ((rsa_key(), "rsa"), (key("a"), "ec")):
        plain = spki(private.public_key())
        seen = read_key(info(plain))
        digest = hashlib.sha256(plain).digest()
        assert (seen.kind, seen.spki_sha256, seen.weakness) == (kind, digest, None)


@pytest.mark.parametrize("scheme", ["1.2.840.113549.1.1.7", "1.2.840.113549.1.1.10"])
def test_an_rsa_key_that_is_named_by_its_scheme_is_the_same_key(scheme: str) -> None:
    plain = spki(rsa_key().public_key())
    named = core.Sequence(contents=core.ObjectIdentifier(scheme).dump()).dump()
    bits = info(plain)["public_key"].dump()

    seen = read_key(info(core.Sequence(contents=named + bits).dump()))

    assert (seen.kind, seen.spki_sha256) == ("rsa", hashlib.sha256(plain).digest())


def test_a_compressed_point_is_the_same_key() -> None:
    plain = spki(key("a").public_key())
    point = key("a").public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    changed = info(plain)
    changed["public_key"] = point

    assert read_key(info(changed.dump(force=True))).spki_sha256 == hashlib.sha256(plain).digest()


def product(bits: int) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(65537, (1 << bits - 1) + 1).public_key()


WEAK = [
    (spki(product(1024)), "has 1024 bits, expected 2048 to 8192"),
    (spki(product(8200)), "has 8200 bits, expected 2048 to 8192"),
    (spki(ed25519.Ed25519PrivateKey.generate().public_key()), "is neither RSA nor ECC"),
    (spki(dsa.generate_private_key(2048).public_key()), "is neither RSA nor ECC"),
    (
        spki(ec.generate_private_key(ec.SECP256K1()).public_key()),
        "lies on none of NIST's curves P-256, P-384 and P-521",
    ),
    (
        spki(key("a").public_key())[:-1] + b"\x00",
        "is none that can be computed with",
    ),
]


@pytest.mark.parametrize(("octets", "said"), WEAK, ids=[said for _, said in WEAK])
def test_weak_keys_are_told(octets: bytes, said: str) -> None:
    seen = read_key(info(octets))

    assert (seen.kind, seen.weakness) == ("other", said)


def roca_modulus() -> int:
    """Make a number of 2048 bits that is one modulo every prime of the fingerprint."""
    primes = [n for n in range(3, 168, 2) if all(n % d for d in range(3, n, 2))]
    step = 2
    for prime in primes:
        step *= prime
    return ((1 << 2047) // step + 1) * step + 1


def test_a_roca_key_is_told() -> None:
    key_ = rsa.RSAPublicNumbers(65537, roca_modulus()).public_key()

    seen = read_key(info(spki(key_)))

    assert (seen.kind, seen.weakness) == ("rsa", "bears the ROCA fingerprint (CVE-2017-15361)")


def test_usages_are_read_in_order() -> None:
    both = x509.ExtendedKeyUsage([ObjectIdentifier(EK), ObjectIdentifier(AIK)])

    assert read(issue("leaf", None, [(both, False)]).der).usages == (EK, AIK)
    assert read(issue("leaf", None, [(usages(EK), True)]).der).critical == {"2.5.29.37"}
