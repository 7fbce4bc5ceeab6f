"""Google's extension: decoded strictly, and only what production issued names a machine."""

from typing import Any

import pytest
from asn1crypto import core

from attest.certificates.gce import read_gce_instance
from attest.certificates.model import GceInstance

UTF8, INTEGER = core.UTF8String, core.Integer
FIELDS = (UTF8("zone"), INTEGER(12), UTF8("project"), INTEGER(34), UTF8("name"))
PRODUCTION = bytes.fromhex("a020301ea003020100a1030101ffa203010100a303010100a403010100a503010100")
TESTING = PRODUCTION.replace(b"\xa1\x03\x01\x01\xff", b"\xa1\x03\x01\x01\x00")


def extension(*fields: Any, rest: bytes = PRODUCTION) -> bytes:
    body = b"".join(field.dump() for field in fields or FIELDS) + rest
    octets: bytes = core.Sequence(contents=body).dump()
    return octets


@pytest.mark.parametrize(
    ("rest", "production"),
    [(PRODUCTION, True), (TESTING, False), (b"", False), (b"\xa0\x02\x30\x00", False)],
)
def test_reads_an_instance(rest: bytes, production: bool) -> None:
    seen = read_gce_instance(extension(rest=rest))

    assert seen == GceInstance("zone", 12, "project", 34, "name", production)


def changed(index: int, value: Any) -> bytes:
    return extension(*FIELDS[:index], value, *FIELDS[index + 1 :])


LIES = [
    (b"", "Insufficient data|cannot|empty"),
    (extension() + b"\x00", "extra|trailing"),
    (extension(*FIELDS[:4], rest=b""), "instance_name|missing|Field"),
    (extension(rest=PRODUCTION + b"\x05\x00"), "is no DER"),
    (extension(rest=b"\xa1\x02\x30\x00"), "."),
    (changed(0, UTF8("")), "zone is no name"),
    (changed(2, UTF8("a\nb")), "project_id is no name"),
    (changed(4, UTF8("a" * 257)), "instance_name is no name"),
    (changed(1, INTEGER(0)), "project_number is no number"),
    (changed(3, INTEGER(-1)), "instance_id is no number"),
    (changed(3, INTEGER(1 << 64)), "instance_id is no number"),
    (changed(0, core.PrintableString("zone")), "."),
    (b"\x30\x81" + extension()[1:], "is no DER"),
    (extension(rest=PRODUCTION.replace(b"\x01\x01\xff", b"\x01\x01\x01")), "is no DER"),
]


@pytest.mark.parametrize(("octets", "said"), LIES, ids=[str(n) for n in range(len(LIES))])
def test_refuses_other_structures(octets: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_gce_instance(octets)
