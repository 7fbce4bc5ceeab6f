"""The appraisal: evidence, policy and request in; every check asked once; a result out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from attest.checks import CHECKS, CHECKS_WITHOUT_EVIDENCE, Judge
from attest.context import Context, Request, gather
from attest.evidence import Evidence, read_evidence
from attest.policy.anchoring import AikRules, Trust
from attest.policy.compare import NOTHING_COMPARED
from attest.policy.model import MANDATORY_WITHOUT_TPM, TIERS, NonceMode, Policy, PolicySet
from attest.result import AttestationResult, CheckResult, Outcome, failed
from attest.text import shown, unexpected

MAX_NONCE = 64
"""Octets of a nonce that TPM2B_DATA can carry with any TPM."""

_SIGNATURE, _DIGEST = map(list(CHECKS).index, ("quote.signature", "quote.digest"))
_PASS = Outcome.PASS
_GIVEN = NonceMode.GIVEN
_NONE = NonceMode.NONE
_NOT_VOUCHED = "; nothing vouches for the reported values"


def verify(  # noqa: PLR0913 - the public call: each expectation is the caller's to state
    response: object,
    policy: Policy | PolicySet,
    *,
    payload_id: str | None = None,
    nonce: bytes | None = None,
    security_tier: str | None = None,
    at: datetime | None = None,
    cross_check: bool = False,
) -> AttestationResult:
    """Appraise the TPM evidence of one response.

    Pure: no network, no file, no clock but the default of ``at``. Whatever the response holds, the
    answer is a result; only the caller's own mistakes raise.

    Args:
        response: JSON octets of a response (the fast path), or the dict decoded from them.
        policy: What ``load_policy`` returned.
        payload_id: Id that the caller sent. It wins over the saved one, which must not differ.
        nonce: Expected extraData, 1 to 64 octets; only with ``nonce: given``, and needed there.
        security_tier: Tier that the caller asked for: standard, high or maximum.
        at: Moment, with time zone, by which every validity is decided; now by default.
        cross_check: Have libtss2 and OpenSSL's command judge structures and signatures too, which
            takes the extra ``tpm`` and temporary files; where they see anything else, the response
            is refused.

    Returns:
        The result; ``accepted`` is its decision.

    Raises:
        ValueError: A naive ``at``, an unknown tier, a nonce that is missing, unwanted or too
            long, a cross-check without what it needs.
        TypeError: A policy or a nonce that is none.
    """
    if at is None:
        at = datetime.now(UTC)
    else:
        check_moment(at)
    request = Request(payload_id, nonce, security_tier, at, cross_check)
    check_request(policy, request)
    return appraise(read_evidence(response), policy, request)


def appraise(evidence: Evidence, policy: Policy | PolicySet, request: Request) -> AttestationResult:
    """Judge evidence that was read before, for a request whose moment may be unknown."""
    chosen, context = _gathered(evidence, policy, request)
    return _result(evidence, context, chosen, _judge_all(evidence, context))


def appraise_together(
    asked: Sequence[tuple[Evidence, Request]], policy: Policy | PolicySet
) -> list[AttestationResult]:
    """Judge several as ``appraise`` does each, check by check: the same results, sooner.

    A processor that asks one check of many keeps its code at hand, where the arithmetic of each
    signature would push out that of all the others.

    Args:
        asked: Evidence, each with its request.
        policy: What ``load_policy`` returned.

    Returns:
        The results, in their order.
    """
    cases = [(evidence, *_gathered(evidence, policy, request)) for evidence, request in asked]
    usual = [(evidence, context) for evidence, _, context in cases if evidence.present]
    try:
        columns = [[judge(*one) for one in usual] for judge in CHECKS.values()]
    except Exception:  # noqa: BLE001 - found out row by row
        usual, columns = [], []
    judged = zip(*columns, strict=True)
    return [
        _result(
            evidence,
            context,
            chosen,
            _vouched(next(judged)) if usual and evidence.present else _judge_all(evidence, context),
        )
        for evidence, chosen, context in cases
    ]


def _gathered(
    evidence: Evidence, policy: Policy | PolicySet, request: Request
) -> tuple[Policy | None, Context]:
    """Find the policy that applies, if any, and what the checks judge by."""
    chosen, scope_fault = _choose(policy, evidence, request)
    return chosen, gather(evidence, chosen or _asking_nothing(request), scope_fault, request)


def _result(
    evidence: Evidence, context: Context, chosen: Policy | None, checks: tuple[CheckResult, ...]
) -> AttestationResult:
    """Put what the checks said beside what they judged."""
    judged = context.policy
    does_without = evidence.declined and not judged.tpm_required
    return AttestationResult(
        checks=checks,
        mandatory=MANDATORY_WITHOUT_TPM if does_without else judged.mandatory,
        nonce_compared=judged.nonce is not _NONE,
        payload_id=context.payload_id,
        tier=evidence.tier,
        anchor=context.anchor,
        comparison=context.comparison or NOTHING_COMPARED,
        pcrs=context.quoted,
        aik_name=evidence.name,
        aik_hierarchy=context.hierarchy,
        attest=evidence.attest,
        policy=chosen,
        member=evidence.member,
        verified_at=context.request.at,
    )


def _judge_all(evidence: Evidence, context: Context) -> tuple[CheckResult, ...]:
    """Ask every check, and say of PCR comparisons where nothing vouches for the values."""
    judges = CHECKS.values() if evidence.present else CHECKS_WITHOUT_EVIDENCE.values()
    try:
        results = [judge(evidence, context) for judge in judges]
    except Exception:  # noqa: BLE001 - found out below, check by check
        results = [
            _guarded(*check, evidence, context) for check in zip(CHECKS, judges, strict=True)
        ]
    return _vouched(tuple(results))


def _vouched(results: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
    """Say of PCR comparisons where nothing vouches for the values."""
    if results[_SIGNATURE].outcome is _PASS and results[_DIGEST].outcome is _PASS:
        return results
    return tuple(_unvouched(result) for result in results)


def _guarded(check: str, judge: Judge, evidence: Evidence, context: Context) -> CheckResult:
    """Ask one check; an exception on the way counts against the response."""
    try:
        return judge(evidence, context)
    except Exception as error:  # noqa: BLE001 - whatever it is, it refuses
        return failed(check, unexpected(error))


def _unvouched(result: CheckResult) -> CheckResult:
    """Say of a judgement on PCR values that nothing vouches for them."""
    if not result.id.startswith("pcr.") or result.outcome is Outcome.SKIP:
        return result
    return CheckResult(result.id, result.outcome, result.reason + _NOT_VOUCHED)


def _choose(
    policy: Policy | PolicySet, evidence: Evidence, request: Request
) -> tuple[Policy | None, str | None]:
    """Find the one policy that applies; the tier asked for wins over the reported one."""
    tier = request.security_tier or evidence.tier
    if isinstance(policy, Policy):
        if policy.applies(tier):
            return policy, None
        wanted = ", ".join(policy.tiers or ())
        return policy, f"the policy applies to tier {wanted}, the response has {_tier(tier)}"
    applying = policy.applying(tier, request.at)
    if len(applying) == 1:
        return applying[0], None
    if not applying:
        return None, f"no policy of the set applies to tier {_tier(tier)} at this time"
    names = ", ".join(one.name for one in applying)
    return None, f"{len(applying)} policies of the set apply to tier {_tier(tier)}: {names}"


def _tier(tier: str | None) -> str:
    return "none" if tier is None else f'"{shown(tier)}"'


def _asking_nothing(request: Request) -> Policy:
    """Return what the other checks judge by where no policy of a set applies."""
    nonce = NonceMode.PAYLOAD_ID if request.nonce is None else NonceMode.GIVEN
    return Policy(name="", aik=AikRules(Trust.UNANCHORED), nonce=nonce)


def check_moment(at: datetime) -> None:
    """Raise ValueError for a moment that has no time zone, or none in UTC."""
    if at.utcoffset() is None:
        raise ValueError("at has no time zone")
    try:
        at.astimezone(UTC)
    except OverflowError:
        raise ValueError("at lies outside the calendar in UTC") from None


def check_request(policy: Policy | PolicySet, request: Request) -> None:
    """Raise for what is the caller's own mistake, whatever the response holds.

    Raises:
        ValueError: An unknown tier, a nonce that is missing, unwanted or too long, a cross-check
            without what it needs.
        TypeError: A policy or a nonce that is none.
    """
    tier, nonce = request.security_tier, request.nonce
    if tier is not None and tier not in TIERS:
        raise ValueError(f"security_tier is {tier!r}, expected one of {', '.join(TIERS)}")
    if request.cross_check:
        from attest.crosscheck.opinion import require  # noqa: PLC0415 - an extra, and heavy

        require()
    if isinstance(policy, Policy):
        if nonce is not None or policy.nonce is _GIVEN:
            _check_nonce((policy,), nonce)
    elif isinstance(policy, PolicySet):
        _check_nonce(policy.policies, nonce)
    else:
        raise TypeError(f"policy is {type(policy).__name__}, expected what load_policy returns")


def _check_nonce(policies: tuple[Policy, ...], nonce: bytes | None) -> None:
    """Raise where a nonce is given and not asked for, or the other way round."""
    asked = [one.nonce is _GIVEN for one in policies]
    if nonce is None:
        if all(asked):
            raise ValueError("the policy says nonce: given, and no nonce was given")
        return
    if not isinstance(nonce, bytes):
        raise TypeError(f"nonce is {type(nonce).__name__}, expected bytes")
    if not any(asked):
        raise ValueError("a nonce was given, and the policy does not say nonce: given")
    if not 1 <= len(nonce) <= MAX_NONCE:
        raise ValueError(f"nonce has {len(nonce)} octets, expected 1 to {MAX_NONCE}")
