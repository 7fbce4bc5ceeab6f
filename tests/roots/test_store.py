"""Stores: CA certificates of an input, each once, in one PEM file that says the same each time."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from attest.certificates.roots import load_pinned_roots
from attest.policy.files import MAX_ROOT_OCTETS
from attest.roots.source import Member, SourceError
from attest.roots.store import Store, build_store
from tests.certificates.making import ak, ca, issue, other

ROOT = issue("root", None, ca(), serial=0xAB)
SECOND = issue("another root", None, ca())
MIDDLE = issue("middle", ROOT, ca())
LEAF = issue("leaf", MIDDLE, ak())


def built(*members: tuple[str, bytes | None], only: tuple[str, ...] = ()) -> Store:
    return build_store((Member(*member) for member in members), only)


def refused(*members: tuple[str, bytes | None], only: tuple[str, ...] = ()) -> str:
    with pytest.raises(SourceError) as caught:
        built(*members, only=only)
    return str(caught.value)


def kept(store: Store) -> list[tuple[str, str, str]]:
    return [(one.kind, one.certificate.subject, one.path) for one in store.entries]


def test_der_and_pem_become_one_file_roots_first() -> None:
    store = built(("m.cer", MIDDLE.der), ("both.pem", ROOT.pem + SECOND.pem))

    assert kept(store) == [
        ("root", "CN=another root", "both.pem"),
        ("root", "CN=root", "both.pem"),
        ("intermediate", "CN=middle", "m.cer"),
    ]
    assert store.bundle == SECOND.pem + ROOT.pem + MIDDLE.pem


def test_the_same_certificates_give_the_same_octets() -> None:
    one = built(("a.cer", ROOT.der), ("b.cer", MIDDLE.der))
    same = built(("x.pem", b"# text\n" + MIDDLE.pem + ROOT.pem + ROOT.pem))

    assert (one.bundle, one.sha256) == (same.bundle, same.sha256)
    assert one.sha256 == hashlib.sha256(one.bundle).hexdigest()


def test_a_policy_loads_what_was_imported() -> None:
    store = built(("a.cer", ROOT.der), ("b.cer", MIDDLE.der))

    loaded = load_pinned_roots(store.bundle, bytes.fromhex(store.sha256), "f.pem")

    assert [one.subject for one in loaded.anchors] == ["CN=root"]
    assert [one.subject for one in loaded.intermediates] == ["CN=middle"]


def test_what_is_left_out_is_said() -> None:
    store = built(("readme.txt", None), ("l.pem", ROOT.pem + LEAF.pem))

    assert store.skipped == (
        ("readme.txt", "no file of certificates, by its name"),
        ("l.pem[1]", "no CA certificate"),
    )


def test_patterns_choose_files() -> None:
    members = (("Intel/a.cer", ROOT.der), ("AMD/b.cer", SECOND.der), ("Intel/r.txt", None))

    store = built(*members, only=("Intel/*",))

    assert kept(store) == [("root", "CN=root", "Intel/a.cer")]
    assert store.skipped == (("Intel/r.txt", "no file of certificates, by its name"),)
    assert len(built(*members, only=("AMD/*", "Intel/*")).entries) == 2


def test_what_patterns_leave_out_is_not_read() -> None:
    assert built(("a.cer", ROOT.der), ("junk.cer", b"junk"), only=("a*",)).entries


JUNK = [
    ((("a.cer", ROOT.der), ("junk.cer", b"junk")), "junk.cer: is no DER certificate"),
    ((("a.cer", ROOT.der + b"x"),), "a.cer: 1 trailing octets that are no padding"),
    ((("a.pem", b"-----BEGIN x"),), "a.pem: holds no PEM"),
    (
        (("a.pem", ROOT.pem + b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----"),),
        None,
    ),
    ((("a.cer", b""),), "a.cer: is no DER certificate"),
    ((("m.cer", MIDDLE.der),), "store: no root among 1 CA certificates, 0 files skipped"),
    ((("l.cer", LEAF.der), ("t", None)), "store: no root among 0 CA certificates, 2 files skipped"),
    ((), "store: no root among 0 CA certificates, 0 files skipped"),
]


@pytest.mark.parametrize(("members", "said"), JUNK, ids=[str(n) for n in range(len(JUNK))])
def test_refuses_junk_by_name(members: Any, said: str | None) -> None:
    key = "a.pem: block 1 is PRIVATE KEY, expected CERTIFICATE"

    assert refused(*members) == (said or key)


def test_refuses_more_than_a_policy_reads() -> None:
    large = other("1.2.3.4", bytes(14_000))
    many = [
        (f"{number}.cer", issue("large", None, [*ca(), (large, False)], serial=number).der)
        for number in range(1, 61)
    ]

    said = refused(*many)

    assert said.startswith("store: 60 certificates in ")
    assert said.endswith(f"a policy reads 2048 in {MAX_ROOT_OCTETS}: choose files with --only")


def test_the_lock_file_says_what_the_store_holds() -> None:
    store = built(("sub/r.cer", ROOT.der), ("readme.txt", None))
    at = datetime(2026, 6, 1, 14, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))

    said = json.loads(store.lock("maker.cab", "maker.pem", at))

    assert said == {
        "schema": 1,
        "source": "maker.cab",
        "imported": datetime(2026, 6, 1, 12, tzinfo=UTC).isoformat(),
        "file": "maker.pem",
        "sha256": store.sha256,
        "certificates": [
            {
                "sha256": hashlib.sha256(ROOT.der).hexdigest(),
                "kind": "root",
                "subject": "CN=root",
                "issuer": "CN=root",
                "serial": "ab",
                "not_before": "2026-01-01T00:00:00+00:00",
                "not_after": "2027-01-01T00:00:00+00:00",
                "path": "sub/r.cer",
            }
        ],
        "skipped": [{"path": "readme.txt", "reason": "no file of certificates, by its name"}],
    }
