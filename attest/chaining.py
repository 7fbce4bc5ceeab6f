"""The certificate chain of an AIK, or of the AK that certifies it, judged by a policy's roots."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict

from attest import crypto
from attest.certificates import identity
from attest.certificates.extra import MissingExtraError
from attest.certificates.model import Chain, ChainError, Purpose
from attest.certification import Certification
from attest.chained import NOTHING_CHAINED, Chained
from attest.evidence import Evidence
from attest.policy.anchoring import AikRules, Identity, RevokedCertificate, RootFile, Trust
from attest.text import shown

if TYPE_CHECKING:
    from attest.certificates.chains import ChainValidator
    from attest.certificates.roots import Roots

_AIK_CHAIN, _AK_CHAIN = "endorsement.aik_cert_chain_b64", "endorsement.ak_cert_chain_b64"
OTHER_MACHINE = "names no machine of the policy"
"""What a chain that holds is refused by, in the words of its reason."""
_MOST_VALIDATORS = 16
"""Sets of roots that stay read, with the chains that held under them."""


class _Given(Struct, frozen=True, gc=False):
    """A chain that is to be judged.

    Attributes:
        place: Name of its member.
        octets: Its certificates.
        key: The key that its leaf must be about.
        is_aks: Whether it is the AK's.
    """

    place: str
    octets: tuple[bytes, ...]
    key: crypto.VerifyingKey
    is_aks: bool


def chain_of(
    evidence: Evidence, rules: AikRules, certification: Certification, at: datetime | None
) -> Chained:
    """Judge the chains in evidence: where the AIK and the AK have one, both must hold.

    Args:
        evidence: The evidence.
        rules: The policy's roots, intermediates, identities and revocations.
        certification: What ties the AIK to the AK.
        at: The moment at which all certificates must be valid.
    """
    endorsement = evidence.endorsement
    if endorsement is None or not (endorsement.aik_chain or endorsement.ak_chain):
        return NOTHING_CHAINED
    if rules.trust is not Trust.CERTIFIED:
        return Chained(unasked=f"trust: {rules.trust} asks for no certificate chain")
    given: list[_Given] = []
    if endorsement.aik_chain:
        if evidence.key is None:
            return Chained(unasked="there is no AIK that the chain could be about")
        given.append(_Given(_AIK_CHAIN, endorsement.aik_chain, evidence.key, is_aks=False))
    if endorsement.ak_chain and certification.ak_key is not None:
        given.append(_Given(_AK_CHAIN, endorsement.ak_chain, certification.ak_key, is_aks=True))
    if not given:
        return Chained(unasked="no AK certifies the AIK, so that its chain says nothing of it")
    judged = [_judged(one, rules, at) for one in given]
    return next((one for one in judged if one.fault is not None), judged[0])


def _judged(given: _Given, rules: AikRules, at: datetime | None) -> Chained:
    """Validate one chain, and ask which machine it names."""
    if at is None:
        return Chained(
            fault="the time of the evidence is unknown, and certificates have their time"
        )
    try:
        chain = _validated(given, rules, at)
    except (ChainError, MissingExtraError) as error:
        return Chained(fault=str(error))
    for one in rules.identity:
        if _matches(one, chain):
            told = _told(given.place, chain, at)
            return Chained(told=told, chain=chain, identity=one, is_aks=given.is_aks)
    return Chained(fault=f"{given.place}: {OTHER_MACHINE}: {identity.told(chain)}")


def _validated(given: _Given, rules: AikRules, at: datetime) -> Chain:
    """Chain a leaf to a root of the policy, and hold it against its key.

    Raises:
        ChainError: It does not hold, or is about another key.
        MissingExtraError: The extra ``ek`` is not installed.
    """
    from attest.certificates.chains import demand_key  # noqa: PLC0415 - 50 ms, for few policies

    validator = _validator(rules.roots, rules.intermediates, rules.revoked)
    if isinstance(validator, ChainError):
        raise validator.with_traceback(None)
    chain = validator.validate(given.octets, Purpose.AK, at, given.place)
    demand_key(chain, crypto.spki_sha256(given.key), given.place)
    return chain


@lru_cache(maxsize=_MOST_VALIDATORS)
def _validator(
    roots: tuple[RootFile, ...],
    intermediates: tuple[RootFile, ...],
    revoked: tuple[RevokedCertificate, ...],
) -> ChainValidator | ChainError:
    """Read what a policy pins, once; a file that is at fault stays so.

    Raises:
        MissingExtraError: The extra ``ek`` is not installed.
    """
    from attest.certificates.chains import ChainValidator  # noqa: PLC0415 - as above
    from attest.certificates.revocation import Revocation  # noqa: PLC0415
    from attest.certificates.roots import join_roots  # noqa: PLC0415

    try:
        store = join_roots(_stores(roots, intermediates))
    except ChainError as error:
        return error
    return ChainValidator(store, [Revocation(**asdict(one)) for one in revoked])


def _stores(roots: tuple[RootFile, ...], intermediates: tuple[RootFile, ...]) -> list[Roots]:
    """Read the certificates of a policy's files.

    Raises:
        ChainError: A file holds none, or other ones than it should.
    """
    from attest.certificates.roots import (  # noqa: PLC0415 - as above
        load_pinned_intermediates,
        load_pinned_roots,
    )

    stores = [load_pinned_roots(one.octets, one.sha256, shown(one.file)) for one in roots]
    load = load_pinned_intermediates
    return stores + [load(one.octets, one.sha256, shown(one.file)) for one in intermediates]


def _matches(wanted: Identity, chain: Chain) -> bool:
    """Tell whether a chain names this machine."""
    if wanted.leaf_sha256 is not None:
        return identity.is_leaf(chain, wanted.leaf_sha256)
    if wanted.gce is not None:
        return identity.is_gce(chain, *wanted.gce)
    return identity.is_subject(chain, wanted.subject or "")


def _told(place: str, chain: Chain, at: datetime) -> str:
    """Say what a chain says that holds, and at which time it was judged."""
    root = f"root {chain.root_sha256.hex()} ({shown(chain.root_subject)})"
    valid = f"valid {chain.not_before.isoformat()} to {chain.not_after.isoformat()}"
    judged = f"judged at {at.astimezone(UTC).isoformat()}"
    return f"{place}: {identity.told(chain)}, to the {root}; {valid}, {judged}"
