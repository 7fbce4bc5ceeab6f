"""A result in RFC 8785 form, written straight from its parts, without what differs by run.

The form is that of ``AttestationResult.to_dict`` without ``verifier``, and without ``verified_at``
where the run's own clock gave it. Its member names are ASCII, and it holds no fractions and no
large numbers: there msgspec's form with sorted members is the RFC 8785 form, many times faster.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from attest.digests import evidence_sha256, sha256
from attest.replay.layout import NO_PCRS, Pcrs, write_pcrs
from attest.result import SCHEMA, AttestationResult, CheckResult
from attest.tpm.attestation import TpmsAttest

_encode = msgspec.json.Encoder().encode
_encode_into = msgspec.json.Encoder().encode_into
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_VERDICTS = 1024

_NULL = Raw(b"null")
_NOTHING = Raw(b"[]")


class _Aik(Struct, frozen=True, gc=False):
    hierarchy: str | None
    name: str


class _Clock(Struct, frozen=True, gc=False):
    clock: str
    reset_count: int
    restart_count: int
    safe: bool


class _Policy(Struct, frozen=True, gc=False):
    name: str
    serial: int | None
    sha256: str


class _Form(Struct, frozen=True, gc=False):
    """The members of a result, in the order that RFC 8785 demands."""

    aik: _Aik | None
    anchor: Raw
    assurance: str
    baseline: str | None
    checks: Raw
    clock: _Clock | None
    closest_baseline: str | None
    decision: str
    differences: Raw
    evidence_sha256: str | None
    firmware_version: str | None
    payload_id: str | None
    pcrs: Raw
    policy: _Policy | None
    row: int
    schema: int
    source: str
    tier: str | None
    verified_at: datetime | UnsetType | None


class Verdict(Struct, frozen=True, gc=False):
    """What follows from the outcomes of all checks; responses share few of them.

    Attributes:
        accepted: The decision.
        assurance: What was proven.
        refused_by: Ids of the checks that refuse, joined with commas; None where none does.
        outcomes: Outcomes of all checks in their order, joined with commas.
    """

    accepted: bool
    assurance: str
    refused_by: str | None
    outcomes: str


_Key = tuple[str, frozenset[str], bool, bool]
_verdicts: dict[_Key, Verdict] = {}


def _verdict(result: AttestationResult, outcomes: str) -> Verdict:
    """Ask a result for its decision; the answer is kept for the next with the same outcomes."""
    key = (outcomes, result.mandatory, result.nonce_compared, result.anchor is None)
    verdict = _verdicts.get(key)
    if verdict is None:
        verdict = Verdict(
            result.accepted,
            result.assurance.value,
            ",".join([check.id for check in result.refusals]) or None,
            outcomes,
        )
        if len(_verdicts) < _VERDICTS:
            _verdicts[key] = verdict
    return verdict


class Written(Struct, frozen=True, gc=False):
    """What is written of a result once, and kept both in columns and in the hash of the whole.

    Attributes:
        verdict: Decision and assurance.
        checks: JSON of every check.
        anchor: JSON of what anchored the AIK, or None.
        differences: JSON of the PCRs that are not as wanted, or None where all are.
        pcrs: The PCR values of the signed selection.
        aik_name: Name of the AIK in hex, or None.
        clock: The TPM's clock in decimal, or None.
        firmware_version: The firmware's version in decimal, or None.
        evidence_sha256: SHA-256 over the RFC 8785 form of the evidence, in hex, or None.
        result_sha256: SHA-256 over the RFC 8785 form of the result.
    """

    verdict: Verdict
    checks: bytes
    anchor: bytes | None
    differences: bytes | None
    pcrs: Pcrs
    aik_name: str | None
    clock: str | None
    firmware_version: str | None
    evidence_sha256: str | None
    result_sha256: bytes


class Writer:
    """Writes results, one after the other, in one buffer: for one thread at a time.

    Most results say of all checks what the one before them said: that text is written once.
    """

    def __init__(self, *, timed: bool) -> None:
        """Say whether ``verified_at`` belongs to a row, and not to the run."""
        self._timed = timed
        self._buffer = bytearray()
        self._said: tuple[CheckResult, ...] = ()
        self._outcomes = ""
        self._checks = b"[]"

    def write(self, result: AttestationResult, source: str, row: int) -> Written:
        """Write a result.

        Args:
            result: The result.
            source: Where the response came from.
            row: Row in the source.
        """
        if result.checks != self._said:
            self._said = result.checks
            self._outcomes = ",".join([check.outcome for check in result.checks])
            self._checks = _encode(result.checks)
        verdict, checks = _verdict(result, self._outcomes), self._checks
        anchor = None if result.anchor is None else _encode_sorted(result.anchor.to_dict())
        different = result.differences
        differences = _encode_sorted([one.to_dict() for one in different]) if different else None
        pcrs = NO_PCRS if result.pcrs is None else write_pcrs(result.pcrs)
        attest, name, policy = result.attest, result.aik_name, result.policy
        aik = clock = ticks = firmware = None
        if attest is not None:
            clock, ticks, firmware = _stated(attest)
        if name is not None:
            aik = _Aik(result.aik_hierarchy, name.hex())
        judged = evidence_sha256(result.member)
        form = _Form(
            aik,
            _NULL if anchor is None else Raw(anchor),
            verdict.assurance,
            result.baseline,
            Raw(checks),
            clock,
            result.closest_baseline,
            "accepted" if verdict.accepted else "refused",
            _NOTHING if differences is None else Raw(differences),
            judged,
            firmware,
            result.payload_id,
            _NULL if pcrs.values is None else Raw(pcrs.values),
            None if policy is None else _Policy(policy.name, policy.serial, policy.sha256),
            row,
            SCHEMA,
            source,
            result.tier,
            _moment(result.verified_at) if self._timed else UNSET,
        )
        _encode_into(form, self._buffer)
        return Written(
            verdict,
            checks,
            anchor,
            differences,
            pcrs,
            None if aik is None else aik.name,
            ticks,
            firmware,
            judged,
            sha256(self._buffer).digest(),
        )


def _stated(attest: TpmsAttest) -> tuple[_Clock, str, str]:
    """Return what a quote states of clock and firmware, and both numbers as text."""
    info = attest.clock_info
    ticks = str(info.clock)
    clock = _Clock(ticks, info.reset_count, info.restart_count, info.safe)
    return clock, ticks, str(attest.firmware_version)


def _moment(at: datetime | None) -> datetime | None:
    """Return a moment in UTC, which msgspec writes as ``timestamp`` does, many times faster."""
    return at if at is None or at.tzinfo is UTC else at.astimezone(UTC)
