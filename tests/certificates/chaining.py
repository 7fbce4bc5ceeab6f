"""A chain of three, and what a validator says of it with one lie."""

from datetime import datetime, timedelta

import pytest

from attest.certificates.chains import ChainValidator
from attest.certificates.model import Chain, ChainError, ChainFault, Purpose
from attest.certificates.revocation import Revocation
from attest.certificates.roots import Roots, load_roots
from tests.certificates.making import (
    AIK,
    AT,
    EK,
    FOREVER,
    START,
    Issued,
    ak,
    ca,
    fault,
    issue,
    tpm_name,
    usages,
)

ROOT = issue("root", None, ca(), valid=(START - timedelta(days=365), FOREVER))
MIDDLE = issue("middle", ROOT, [*ca(0), (usages(AIK, EK), False)])
LEAF = issue("leaf", MIDDLE, ak((tpm_name(), True)))
SECOND = timedelta(seconds=1)


def roots(*issued: Issued) -> Roots:
    return load_roots(b"".join(one.pem for one in issued), "roots.pem")


def validator(*anchors: Issued, revoked: tuple[Revocation, ...] = ()) -> ChainValidator:
    return ChainValidator(roots(*(anchors or (ROOT,))), revoked)


def validated(*chain: Issued, at: datetime = AT, by: ChainValidator | None = None) -> Chain:
    octets = [one.der for one in chain]
    return (by or validator()).validate(octets, Purpose.AK, at, "c")


def refused(*chain: bytes, **given: object) -> tuple[str, ChainFault, str]:
    by, at = given.get("by", validator()), given.get("at", AT)
    purpose = given.get("purpose", Purpose.AK)
    assert isinstance(by, ChainValidator)
    assert isinstance(at, datetime)
    assert isinstance(purpose, Purpose)
    with pytest.raises(ChainError) as caught:
        by.validate(chain, purpose, at, "c")
    assert not by.kept()
    return fault(caught.value)
