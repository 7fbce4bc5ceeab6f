"""Arguments of a quote are read strictly, before any TPM and without its stack."""

import pytest

from attest.collect import quote
from attest.collect.wanted import KEYS, read_wanted
from attest.tpm.constants import Alg, Handle
from tests import build

GIVEN = {
    "payload_id": build.PAYLOAD_ID,
    "selection": "sha256:0,7,10",
    "hierarchy": "endorsement",
    "key": "rsa2048",
    "scheme": "rsassa-sha256",
}


def test_nonce_is_that_of_the_wire() -> None:
    assert read_wanted(**GIVEN).nonce == build.nonce_of(build.PAYLOAD_ID)


def test_selection_keeps_the_order_of_banks_and_sorts_pcrs() -> None:
    wanted = read_wanted(**GIVEN | {"selection": "sha384:10,2+sha1:0"})
    assert list(wanted.selection.items()) == [("sha384", (2, 10)), ("sha1", (0,))]
    assert wanted.banks == "sha384:2,10+sha1:0"


def test_hierarchy_and_hash_are_what_their_names_say() -> None:
    wanted = read_wanted(**GIVEN | {"hierarchy": "null-hierarchy", "scheme": "rsapss-sha384"})
    assert (wanted.handle, wanted.hash) == (Handle.NULL, Alg.SHA384)


@pytest.mark.parametrize(
    "selection",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:,",
        "sha256:24",
        "sha256:-1",
        "sha256:07",
        "sha256:0x7",
        "sha256:0,0",
        "sha256:0-7",
        "sha256:all",
        "sha256:0, 7",
        " sha256:0",
        "sha256:0+",
        "sha256:0+sha256:7",
        "SHA256:0",
        "sm3_256:0",
        "0x000b:0",
        "sha256:\u0660",
    ],
)
def test_selection_that_is_none_is_refused(selection: str) -> None:
    with pytest.raises(ValueError, match=r"^selection: expected banks with PCRs 0 to 23, each"):
        read_wanted(**GIVEN | {"selection": selection})


def test_refused_word_is_shown_escaped() -> None:
    with pytest.raises(ValueError, match=r'found "\\x1b\[2J"$'):
        read_wanted(**GIVEN | {"selection": "\x1b[2J"})


@pytest.mark.parametrize(
    ("payload_id", "fault"),
    [("", "is empty"), ("\ud800", "UTF-8 cannot write it")],
)
def test_payload_id_without_a_nonce_is_refused(payload_id: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^payload_id: {fault}$"):
        read_wanted(**GIVEN | {"payload_id": payload_id})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("hierarchy", "null"),
        ("hierarchy", ""),
        ("hierarchy", "e"),
        ("key", "rsa1024"),
        ("key", "ecc256"),
        ("scheme", "rsassa"),
        ("scheme", "rsassa-sha1"),
        ("scheme", "RSASSA-SHA256"),
    ],
)
def test_unknown_word_is_refused_with_those_that_are_known(argument: str, value: str) -> None:
    with pytest.raises(ValueError, match=f'^{argument}: expected one of .*, found "{value}"$'):
        read_wanted(**GIVEN | {argument: value})


@pytest.mark.parametrize(("key", "other"), [("rsa2048", "ecdsa"), ("ecc-nist-p256", "rsapss")])
def test_scheme_of_another_kind_of_key_is_refused(key: str, other: str) -> None:
    with pytest.raises(ValueError, match=f"^scheme of a key {key}: expected one of "):
        read_wanted(**GIVEN | {"key": key, "scheme": f"{other}-sha256"})


@pytest.mark.parametrize("argument", list(GIVEN))
@pytest.mark.parametrize("value", [None, b"sha256:0", 0, ["sha256:0"]])
def test_argument_that_is_no_text_is_refused(argument: str, value: object) -> None:
    wrong: dict[str, object] = {**GIVEN, argument: value}
    with pytest.raises(TypeError, match=f"^{argument}: expected a str, found "):
        read_wanted(**wrong)  # type: ignore[arg-type]  # the lie of this test


def test_wrong_argument_is_refused_before_a_connection_is_made() -> None:
    with pytest.raises(ValueError, match=r"^payload_id: is empty$"):
        quote("", tcti="swtpm:host=127.0.0.1,port=1")


def test_keys_are_those_that_are_documented() -> None:
    assert list(KEYS) == ["rsa2048", "rsa3072", "ecc-nist-p256", "ecc-nist-p384", "ecc-nist-p521"]
