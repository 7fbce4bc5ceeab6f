"""Root files: pinned by digest, anchors told from intermediates, nothing else in them."""

import hashlib

import pytest

from attest.certificates.model import ChainError, ChainFault
from attest.certificates.roots import (
    MAX_STORED,
    join_roots,
    load_pinned_intermediates,
    load_pinned_roots,
    load_roots,
    pem_certificates,
)
from tests.certificates.making import ak, ca, fault, issue

ROOT = issue("root", None, ca())
SECOND = issue("second", None, ca())
MIDDLE = issue("middle", ROOT, ca())
KEY = b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"


def refused(octets: bytes) -> tuple[str, ChainFault, str]:
    with pytest.raises(ChainError) as caught:
        load_roots(octets, "f.pem")
    return fault(caught.value)


def test_what_is_issued_by_itself_is_an_anchor_and_the_rest_is_not() -> None:
    seen = load_roots(MIDDLE.pem + ROOT.pem, "f.pem")

    assert [one.subject for one in seen.anchors] == ["CN=root"]
    assert [one.subject for one in seen.intermediates] == ["CN=middle"]
    assert seen.anchors[0].place == "f.pem[1]"


def test_text_between_the_blocks_is_a_comment() -> None:
    commented = b"# the root\n" + ROOT.pem + b"\nissued:\n" + MIDDLE.pem + b"# end\n"

    assert load_roots(commented, "f.pem").sha256 == load_roots(ROOT.pem + MIDDLE.pem, "g").sha256


def test_a_certificate_counts_once_however_often_it_stands_there() -> None:
    seen = load_roots(ROOT.pem * 3, "f.pem")

    assert (len(seen.anchors), seen.sha256) == (1, load_roots(ROOT.pem, "f.pem").sha256)


def test_root_files_are_joined() -> None:
    parts = [load_roots(ROOT.pem + MIDDLE.pem, "a"), load_roots(SECOND.pem + ROOT.pem, "b")]

    seen = join_roots(parts)

    assert [one.subject for one in seen.anchors] == ["CN=root", "CN=second"]
    assert [one.subject for one in seen.intermediates] == ["CN=middle"]
    assert seen.sha256 == load_roots(MIDDLE.pem + SECOND.pem + ROOT.pem, "c").sha256


def test_the_digest_is_held_against_the_octets_that_are_used() -> None:
    pin = hashlib.sha256(ROOT.pem).digest()

    assert load_pinned_roots(ROOT.pem, pin, "f.pem").anchors

    with pytest.raises(ChainError) as caught:
        load_pinned_roots(SECOND.pem, pin, "f.pem")
    seen = hashlib.sha256(SECOND.pem).hexdigest()
    said = f"SHA-256 is {seen}, pinned is {pin.hex()}"
    assert fault(caught.value) == ("f.pem", ChainFault.MALFORMED, said)


def test_intermediates_are_trusted_for_nothing() -> None:
    both = MIDDLE.pem + ROOT.pem
    pin = hashlib.sha256(both).digest()

    seen = load_pinned_intermediates(both, pin, "f.pem")

    assert (seen.anchors, [one.subject for one in seen.intermediates]) == ((), ["CN=middle"])
    with pytest.raises(ChainError, match="pinned is"):
        load_pinned_intermediates(MIDDLE.pem, pin, "f.pem")


BROKEN = ROOT.pem.replace(b"\nM", b"\n", 1)
REFUSED = [
    (b"", "f.pem", ChainFault.MALFORMED, "holds no PEM"),
    (b"junk", "f.pem", ChainFault.MALFORMED, "holds no PEM"),
    (ROOT.der, "f.pem", ChainFault.MALFORMED, "holds no PEM"),
    (ROOT.pem + KEY, "f.pem", ChainFault.MALFORMED, "block 1 is PRIVATE KEY, expected CERTIFICATE"),
    (BROKEN, "f.pem", ChainFault.MALFORMED, "holds no PEM"),
    (ROOT.pem[:90], "f.pem", ChainFault.MALFORMED, "holds no PEM"),
    (
        MIDDLE.pem,
        "f.pem",
        ChainFault.MALFORMED,
        "holds no root: no CA certificate in it is issued by itself",
    ),
    (
        ROOT.pem + issue("leaf", ROOT, ak()).pem,
        "f.pem[1]",
        ChainFault.NO_CA,
        "is no CA certificate: CN=leaf",
    ),
]


@pytest.mark.parametrize(
    ("octets", "place", "kind", "said"), REFUSED, ids=[str(n) for n in range(len(REFUSED))]
)
def test_refuses_other_files(octets: bytes, place: str, kind: ChainFault, said: str) -> None:
    assert refused(octets) == (place, kind, said)


def test_refuses_too_many() -> None:
    said = f"more than {MAX_STORED} certificates"

    assert refused(ROOT.pem * (MAX_STORED + 1)) == ("f.pem", ChainFault.TOO_MANY, said)


def test_a_full_file_is_taken() -> None:
    assert len(list(pem_certificates(ROOT.pem * MAX_STORED, "f.pem"))) == MAX_STORED
