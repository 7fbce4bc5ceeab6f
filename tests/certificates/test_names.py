"""Names as RFC 4514 text: as cryptography writes them too, where both may."""

from typing import Any

import pytest
from asn1crypto import core, x509
from cryptography import x509 as other
from cryptography.x509.oid import NameOID

from attest.certificates.names import name_text, name_values


def named(*relatives: list[tuple[str, Any]]) -> x509.Name:
    """Make a name of relative names of dotted types and encoded values."""
    octets = b""
    for relative in relatives:
        pairs = b""
        for dotted, value in relative:
            encoded = value if isinstance(value, bytes) else core.UTF8String(value).dump()
            body = core.ObjectIdentifier(dotted).dump() + encoded
            pairs += core.Sequence(contents=body).dump()
        octets += core.Set(contents=pairs).dump()
    return x509.Name.load(core.Sequence(contents=octets).dump())


CN, ORG, MAIL, SERIAL = "2.5.4.3", "2.5.4.10", "1.2.840.113549.1.9.1", "2.5.4.5"
TEXTS = [
    ([], ""),
    ([[(ORG, "b")], [(CN, "a")]], "CN=a,O=b"),
    ([[(CN, "a"), (ORG, "b")]], "CN=a+O=b"),
    ([[(CN, 'a,b+c"d\\e<f>g;h')]], 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h'),
    ([[(CN, " a b ")]], "CN=\\ a b\\ "),
    ([[(CN, "#a#")]], "CN=\\#a#"),
    ([[(CN, "a\nb\u202e")]], "CN=a\\0ab\\e2\\80\\ae"),
    ([[(CN, "Zürich")]], "CN=Zürich"),
    ([[(CN, core.PrintableString("a").dump())]], "CN=a"),
    ([[(CN, core.Integer(1).dump())]], "CN=#020101"),
    ([[(SERIAL, "a")]], "2.5.4.5=#0c0161"),
    ([[(MAIL, core.IA5String("a@b").dump())]], "1.2.840.113549.1.9.1=#1603614062"),
]


@pytest.mark.parametrize(("relatives", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_a_name_has_one_text(relatives: list[list[tuple[str, Any]]], text: str) -> None:
    assert name_text(named(*relatives)) == text


@pytest.mark.parametrize("value", ["a", "a, b", "#x", " x ", 'q"\\', "ü", "<a>;=b"])
def test_names_of_short_types_are_written_as_elsewhere(value: str) -> None:
    attributes = [
        other.NameAttribute(NameOID.COUNTRY_NAME, "CH"),
        other.NameAttribute(NameOID.COMMON_NAME, value),
    ]
    theirs = other.Name(attributes)

    assert name_text(x509.Name.load(theirs.public_bytes())) == theirs.rfc4514_string()


def test_values_that_are_texts_are_yielded_whatever_their_encoding() -> None:
    name = named(
        [(CN, core.PrintableString("a").dump())], [(ORG, core.Integer(1).dump()), (ORG, "b")]
    )

    assert list(name_values(name)) == [(CN, "a"), (ORG, "b")]


def test_refuses_a_text_that_is_none() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        name_text(named([(CN, b"\x0c\x01\xff")]))
