"""The comparison: what attest made of evidence, and what the second stack makes of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from attest import crypto
from attest.crosscheck import openssl, stack
from attest.crosscheck.reading import (
    ATTEST,
    PUBLIC,
    SIGNATURE,
    Fields,
    attest_fields,
    public_fields,
    signature_fields,
)
from attest.evidence import Evidence
from attest.text import shown
from attest.tpm.attestation import TpmsAttest
from attest.tpm.signature import TpmtSignature

_EXTRA = "cross_check needs: pip install 'tpm-attest[tpm]'"
_COMMAND = f"cross_check needs the command {openssl.COMMAND}"


class Opinion(Struct, frozen=True):
    """What a second stack makes of evidence.

    Attributes:
        compared: Members that both stacks read, and signatures that both verified.
        differences: What they see differently, one text each.
    """

    compared: tuple[str, ...]
    differences: tuple[str, ...]


class _Statement(Struct, frozen=True):
    """A signed structure with its signature and its key, as attest read them.

    Attributes:
        members: Names of the members: structure, signature, key.
        texts: The members, base64.
        parts: What attest read, in the same order; None where it could not.
        key: The key, ready to verify.
    """

    members: tuple[str, str, str]
    texts: Mapping[str, Any]
    parts: tuple[Any, Any, Any]
    key: crypto.VerifyingKey | None


_KINDS = (ATTEST, SIGNATURE, PUBLIC)
_FIELDS: tuple[Callable[[Any], Fields], ...] = (attest_fields, signature_fields, public_fields)


def require() -> None:
    """Make sure that there is a second stack to ask.

    Raises:
        ValueError: The extra ``tpm``, libtss2 or OpenSSL's command is missing.
    """
    try:
        stack.load()
    except ModuleNotFoundError as error:
        raise ValueError(_EXTRA) from error
    except ImportError as error:
        raise ValueError(f"{_EXTRA} ({error})") from error
    if openssl.found() is None:
        raise ValueError(_COMMAND)


def second_opinion(evidence: Evidence) -> Opinion:
    """Have everything that attest could read be read, and every signature be verified, again."""
    compared: list[str] = []
    differences: list[str] = []
    for statement in _statements(evidence):
        readings = list(_readings(statement, compared, differences))
        _compare_signatures(statement, readings, compared, differences)
    return Opinion(tuple(compared), tuple(differences))


def _statements(evidence: Evidence) -> Iterator[_Statement]:
    """Yield the quote and, where there is one, the certification."""
    member = evidence.member or {}
    members = ("quote_b64", "signature_b64", "aik_pubkey_b64")
    parts = (evidence.attest, evidence.signature, evidence.public)
    yield _Statement(members, member, parts, evidence.key)
    endorsement = evidence.endorsement
    if endorsement is not None:
        members = ("certify_b64", "certify_signature_b64", "ak_pubkey_b64")
        parts = (endorsement.certify, endorsement.signature, endorsement.ak_public)
        yield _Statement(members, member["endorsement"], parts, endorsement.ak_key)


def _readings(
    statement: _Statement, compared: list[str], differences: list[str]
) -> Iterator[stack.Reading | None]:
    """Read each structure again, and note where the readings differ."""
    for name, part, kind, fields in zip(
        statement.members, statement.parts, _KINDS, _FIELDS, strict=True
    ):
        if part is None:
            yield None
            continue
        theirs = stack.read(kind, base64.b64decode(statement.texts[name], validate=True))
        compared.append(name)
        differences += (f"{name}: {told}" for told in _differences(fields(part), theirs))
        yield theirs


def _differences(ours: Fields, theirs: stack.Reading) -> Iterator[str]:
    """Say what two readings of one structure see differently."""
    if theirs.fault is not None:
        yield f"attest reads it, libtss2 refuses it ({shown(theirs.fault)})"
        return
    if theirs.left:
        yield f"attest reads it whole, libtss2 leaves {theirs.left} octets"
    for name in sorted({*ours, *theirs.fields}):
        mine, other = ours.get(name), theirs.fields.get(name)
        if mine != other:
            yield f"{name}: attest sees {_written(mine)}, libtss2 sees {_written(other)}"


def _written(value: object) -> str:
    """Write a value of a field."""
    return shown(value.hex() or "empty" if isinstance(value, bytes) else str(value))


def _compare_signatures(
    statement: _Statement,
    readings: list[stack.Reading | None],
    compared: list[str],
    differences: list[str],
) -> None:
    """Verify a signature twice, where both stacks read all that it takes."""
    attest, signature, _ = statement.parts
    _, their_signature, their_public = readings
    if attest is None or their_signature is None or their_public is None or statement.key is None:
        return
    if their_signature.fault is not None or their_public.fault is not None:
        return
    ours = _our_fault(statement.key, signature, attest)
    theirs = openssl.fault(their_public.fields, their_signature.fields, attest.signed)
    compared.append(f"the signature over {statement.members[0]}")
    if (ours is None) is not (theirs is None):
        mine, other = ours or "it verifies", theirs or "it verifies"
        told = f"attest says: {mine}; OpenSSL says: {other}"
        differences.append(f"the signature over {statement.members[0]}: {told}")


def _our_fault(
    key: crypto.VerifyingKey, signature: TpmtSignature, attest: TpmsAttest
) -> str | None:
    """Verify as attest does."""
    return crypto.signature_fault(key, signature, attest.signed, "key")
