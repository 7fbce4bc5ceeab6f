"""``report.inspection``: every structure decoded, each field with its meaning, nothing judged."""

import hashlib
from typing import Unpack

import pytest

from attest.evidence import read_evidence
from attest.report.inspection import inspect_evidence, to_dict
from tests import aik, build
from tests.judging import Told, attestation, octets_of

KEY = aik.rsa_aik()
Document = dict[str, dict[str, dict[str, str]]]
ECC = aik.ecc_aik("nist-p384", "sha384")


def inspected(key: aik.Aik = KEY, **told: Unpack[Told]) -> Document:
    return decoded(octets_of(build.response(key, **told)))


def decoded(response: bytes) -> Document:
    sections = to_dict(inspect_evidence(read_evidence(response)))
    return {
        section: {
            field["name"]: {"value": field["value"], "meaning": field["meaning"]}
            for field in fields
        }
        for section, fields in sections.items()
    }


def values_of(fields: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: field["value"] for name, field in fields.items()}


def meaning(document: Document, section: str, field: str) -> str:
    return document[section][field]["meaning"]


def test_sections_follow_the_structures() -> None:
    sections = ["response", "quote", "signature", "aik", "pcr_values sha256"]
    assert list(inspected()) == sections


def test_response_shows_what_the_server_claims() -> None:
    assert inspected()["response"] == {
        "payload_id": {
            "value": build.PAYLOAD_ID,
            "meaning": "stamped by the client that saved it",
        },
        "expected nonce": {
            "value": build.nonce_of(build.PAYLOAD_ID).hex(),
            "meaning": "SHA-256(payload_id), first 16 octets",
        },
        "security_tier": {"value": "maximum", "meaning": "as the server claims"},
        "processed_at": {
            "value": "1795500001",
            "meaning": "2026-11-24T06:00:01+00:00, as the server claims",
        },
        "TPM evidence": {"value": "present", "meaning": ""},
        "pcr_banks": {"value": "sha256:0,7,10", "meaning": "as the server claims, unsigned"},
    }


@pytest.mark.parametrize(
    ("claimed", "value", "written"),
    [
        (None, "None", "no time"),
        (0, "0", "1970-01-01T00:00:00+00:00, as the server claims"),
        (10**18, str(10**18), "no time"),
        (-(10**18), str(-(10**18)), "no time"),
        (1.5, "None", "no time"),
        ("1795500001", "None", "no time"),
        (True, "None", "no time"),
    ],
)
def test_response_shows_a_claimed_time_only_where_it_is_one(
    claimed: object, value: str, written: str
) -> None:
    field = inspected(metadata={"processed_at": claimed})["response"]["processed_at"]
    assert field == {"value": value, "meaning": written}


@pytest.mark.parametrize(
    ("payload_id", "shown"),
    [
        (None, "None"),
        ("", ""),
        (7, "7"),
        ("\x1b\u202e", r"\x1b\u202e"),
        ("i" * 201, "i" * 200 + "..."),
    ],
)
def test_response_escapes_and_cuts_the_payload_id(payload_id: object, shown: str) -> None:
    document = inspected(metadata={"payload_id": payload_id})
    assert document["response"]["payload_id"]["value"] == shown


@pytest.mark.parametrize("payload_id", [None, "", 7])
def test_response_expects_no_nonce_of_an_id_that_is_none(payload_id: object) -> None:
    assert "expected nonce" not in inspected(metadata={"payload_id": payload_id})["response"]


def test_quote_shows_every_field() -> None:
    assert values_of(inspected()["quote"]) == {
        "magic": "0xff544347",
        "type": "0x8018",
        "qualifiedSigner": KEY.qualified_name().hex(),
        "extraData": build.nonce_of(build.PAYLOAD_ID).hex(),
        "clock": "123456",
        "resetCount": "7",
        "restartCount": "2",
        "safe": "1",
        "firmwareVersion": "0x2023000100000000",
        "pcrSelect sha256": "0,7,10",
        "pcrDigest": build.pcr_digest("sha256", build.VALUES).hex(),
    }


@pytest.mark.parametrize(
    ("told", "field", "written"),
    [
        ({"magic": 1}, "magic", "NOT TPM_GENERATED"),
        ({"type": 0x8014}, "type", "TPM_ST_ATTEST_NV"),
        ({"type": 0x9999}, "type", "unknown"),
        ({"extra_data": b"abc"}, "extraData", "nonce, 3 octets"),
        ({"clock": 86_400_000 * 3 // 2}, "clock", "milliseconds powered, 1.5 days"),
        ({"safe": 0}, "safe", "a later clock may have been reported"),
        ({"safe": 1}, "safe", "clock never reported later"),
        (
            {"signer": KEY.qualified_name("owner")},
            "qualifiedSigner",
            "this AIK, as a primary of owner",
        ),
        (
            {"signer": KEY.qualified_name(b"\0")},
            "qualifiedSigner",
            "not this AIK as a primary: under another parent, or another key",
        ),
    ],
)
def test_quote_says_what_a_field_means(told: build.QuoteLies, field: str, written: str) -> None:
    assert meaning(inspected(quoted=told), "quote", field) == written


def test_quote_without_a_key_names_no_hierarchy() -> None:
    document = inspected(public=b"")
    assert meaning(document, "quote", "qualifiedSigner") == "qualified Name of the signing key"


def test_quote_shows_every_selection() -> None:
    selection: build.Selection = [("sha1", []), ("sha256", [0, 23]), (0x0099, [31])]
    selection = [*selection[:2], (0x0099, build.bitmap([31], 4))]
    fields = inspected(quoted={"selection": selection})["quote"]
    seen = [fields[f"pcrSelect {bank}"]["value"] for bank in ("sha1", "sha256", "0x0099")]
    assert seen == ["none", "0,23", "31"]


def test_certification_shows_both_names() -> None:
    fields = values_of(inspected(quote=build.other("certify", KEY))["quote"])
    names = (fields["certified name"], fields["certified qualifiedName"])
    assert names == (KEY.name.hex(), KEY.qualified_name().hex())


def test_other_attestations_show_their_body() -> None:
    fields = inspected(quoted={"type": 0x8014, "body": b"\1\2"})["quote"]
    assert fields["attested"] == {
        "value": "0102",
        "meaning": "body of another type, not decoded",
    }


def test_rsa_signature_shows_its_octets() -> None:
    signature = aik.rsa_signature(bytes(range(256)))
    assert inspected(signature=signature)["signature"] == {
        "sigAlg": {"value": "rsassa", "meaning": ""},
        "hash": {"value": "sha256", "meaning": ""},
        "sig": {"value": bytes(range(256)).hex(), "meaning": "256 octets"},
    }


def test_ecc_signature_shows_both_parts() -> None:
    signature = aik.ecc_signature(b"\1", b"\2", hash_alg="sha384")
    assert values_of(inspected(ECC, signature=signature)["signature"]) == {
        "sigAlg": "ecdsa",
        "hash": "sha384",
        "signatureR": "01",
        "signatureS": "02",
    }


def test_signature_of_another_scheme_shows_its_name() -> None:
    fields = values_of(inspected(signature=aik.rsa_signature(b"", scheme="ecdaa"))["signature"])
    assert fields == {"sigAlg": "ecdaa", "hash": "not read"}


def test_rsa_key_shows_every_field() -> None:
    modulus = KEY.public()[-256:].hex()
    assert values_of(inspected()["aik"]) == {
        "name": KEY.name.hex(),
        "SPKI SHA-256": hashlib.sha256(KEY.spki).hexdigest(),
        "nameAlg": "sha256",
        "objectAttributes": "0x00050072",
        "authPolicy": "none",
        "scheme": "rsassa-sha256",
        "keyBits": "2048",
        "exponent": "65537",
        "modulus": modulus,
    }


def test_ecc_key_shows_every_field() -> None:
    point = ECC.public()[-100:]
    assert values_of(inspected(ECC)["aik"]) == {
        "name": ECC.name.hex(),
        "SPKI SHA-256": hashlib.sha256(ECC.spki).hexdigest(),
        "nameAlg": "sha256",
        "objectAttributes": "0x00050072",
        "authPolicy": "none",
        "scheme": "ecdsa-sha384",
        "curveID": "0x0004",
        "x": point[2:50].hex(),
        "y": point[52:].hex(),
    }


@pytest.mark.parametrize(
    ("claims", "field", "value"),
    [
        ({"auth_policy": bytes(32)}, "authPolicy", "00" * 32),
        ({"scheme": "null"}, "scheme", "null"),
        ({"exponent": 65539}, "exponent", "65539"),
        ({"key_bits": 1}, "keyBits", "1"),
        ({"name_alg": "sha384"}, "nameAlg", "sha384"),
    ],
)
def test_key_shows_what_it_claims(claims: aik.Claims, field: str, value: str) -> None:
    assert values_of(inspected(KEY.claiming(**claims))["aik"])[field] == value


@pytest.mark.parametrize(
    ("attributes", "written"),
    [
        (0, ""),
        (aik.RESTRICTED | aik.SIGN, "restricted, sign"),
        (aik.FIXED_TPM, "fixed_tpm"),
    ],
)
def test_key_names_its_attributes(attributes: int, written: str) -> None:
    document = inspected(KEY.claiming(attributes=attributes))
    assert meaning(document, "aik", "objectAttributes") == written


def test_key_names_reserved_attributes() -> None:
    document = inspected(KEY.claiming(attributes=aik.SIGN | 1 << 31))
    named = meaning(document, "aik", "objectAttributes").lower()
    assert named == "sign, reserved 0x80000000"


def test_key_that_cannot_be_built_shows_no_spki() -> None:
    assert "SPKI SHA-256" not in inspected(ECC.claiming(curve=0x0010))["aik"]


def test_key_on_a_curve_that_nobody_knows_is_shown() -> None:
    field = inspected(ECC.claiming(curve=0x9999))["aik"]["curveID"]
    assert field == {"value": "0x9999", "meaning": "unknown"}


def test_pcrs_show_their_values_and_which_are_initial() -> None:
    values = {"sha256": {"7": "00" * 32, "17": "ff" * 32, "0": "11" * 32, "1": "zz"}}
    assert inspected(pcr_values=values)["pcr_values sha256"] == {
        "0": {"value": "11" * 32, "meaning": ""},
        "1": {"value": "unreadable", "meaning": ""},
        "7": {"value": "00" * 32, "meaning": "initial: nothing was measured"},
        "17": {"value": "ff" * 32, "meaning": "initial: nothing was measured"},
    }


def test_faults_stand_under_their_numbers() -> None:
    faults = values_of(inspected(quote=b"", signature=b"")["faults"])
    assert [faults["1"].split(":")[0], faults["2"].split(":")[0]] == ["quote_b64", "signature_b64"]


def test_absent_evidence_is_said() -> None:
    response = attestation({"is_available": False})
    document = decoded(response)
    assert (list(document), document["response"]["TPM evidence"]["value"]) == (
        ["response"],
        "absent",
    )


def test_json_has_as_many_fields_as_were_decoded() -> None:
    selection: build.Selection = [("sha256", [0]), ("sha256", [7])]
    response = octets_of(build.response(quoted={"selection": selection}))
    sections = inspect_evidence(read_evidence(response))
    fields = sum(len(section.fields) for section in sections)
    assert sum(map(len, to_dict(sections).values())) == fields
