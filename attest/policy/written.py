"""A policy back to data and to YAML: each member by its name, and read again as it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import yaml
from msgspec.structs import asdict

from attest.policy.anchoring import AikRules, Identity, RevokedCertificate, RootFile, Trust
from attest.policy.model import ALWAYS, CURVES, SCHEMES, PcrRule, Policy, RuleKind, Validity
from attest.policy.origin import Provenance
from attest.tpm.constants import alg_name

Members = dict[str, Any]
"""Members in the order of the contract: texts, integers, octets, and lists and mappings of them."""


def policy_members(policy: Policy) -> Members:
    """Return everything that a policy says, also where it is the default."""
    members = {
        "schema": 1,
        "name": policy.name,
        "description": policy.description,
        "serial": policy.serial,
        "provenance": _provenance(policy.provenance),
        "valid": _validity(policy.valid),
        "applies_to": {"security_tier": list(policy.tiers)} if policy.tiers else None,
        "tpm": "required" if policy.tpm_required else "optional",
        "nonce": str(policy.nonce),
        "signature": {
            "schemes": [name for name, pair in SCHEMES.items() if pair in policy.schemes],
            "min_rsa_bits": policy.min_rsa_bits,
            "curves": [name for name in CURVES if name in policy.curves],
        },
        "aik": _aik(policy.aik),
        "clock": {"safe": "required" if policy.clock_safe_required else "any"},
        "pcrs": _banks(policy.rules) or None,
        "baselines": [
            _present(
                name=baseline.name,
                provenance=_provenance(baseline.provenance),
                valid=_validity(baseline.valid),
                revoked=baseline.revoked,
                pcrs=_banks(baseline.golden),
            )
            for baseline in policy.baselines
        ]
        or None,
    }
    return _present(**members)


def policy_text(policy: Policy) -> str:
    """Write a policy as a YAML file; what is the default is left out.

    Hex is quoted as the loader demands. What the loader reads of it is the policy again, but for
    its digest and path.
    """
    usual = policy_members(Policy("", AikRules(Trust.UNANCHORED)))
    said = policy_members(policy)
    kept = {
        key: value
        for key, value in said.items()
        if key in ("schema", "aik") or usual.get(key) != value
    }
    return yaml_text(kept)


def yaml_text(members: Members) -> str:
    """Write members as YAML, octets as quoted hex."""
    text: str = yaml.dump(members, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20)
    return text


class _Dumper(yaml.SafeDumper):
    """Writes no anchors, and octets as quoted hex."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's
        """Write each value where it stands."""
        return True


def _hex(dumper: yaml.SafeDumper, octets: bytes) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", octets.hex(), style='"')


class _Quoted(str):
    """Text that stands in quotes, whatever it looks like."""

    __slots__ = ()


def _quoted(dumper: yaml.SafeDumper, text: _Quoted) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


_Dumper.add_representer(bytes, _hex)
_Dumper.add_representer(_Quoted, _quoted)


def _present(**members: Any) -> Members:
    return {key: value for key, value in members.items() if value is not None}


def _banks(rules: Iterable[PcrRule]) -> Members:
    banks: Members = {}
    for rule in rules:
        wanted: Any = str(rule.kind)
        if rule.kind is RuleKind.VALUES:
            wanted = list(rule.values) if len(rule.values) > 1 else rule.values[0]
        banks.setdefault(alg_name(rule.bank), {})[rule.index] = wanted
    return banks


def _time(moment: datetime | None) -> str | None:
    """Write a moment in UTC (RFC 3339)."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _validity(span: Validity) -> Members | None:
    if span == ALWAYS:
        return None
    return _present(
        **{
            "from": _time(span.start),
            "until": _time(span.end),
        }
    )


def _provenance(origin: Provenance | None) -> Members | None:
    if origin is None:
        return None
    return _present(
        source=origin.source,
        sha256=origin.sha256,
        date=_time(origin.date),
        tool=origin.tool,
        assurance=origin.assurance,
    )


def _aik(rules: AikRules) -> Members:
    return _present(
        trust=str(rules.trust),
        names=sorted(rules.names) or None,
        spki_sha256=sorted(rules.spki_sha256) or None,
        roots=_files(rules.roots),
        identity=[_identity(one) for one in rules.identity] or None,
        intermediates=_files(rules.intermediates),
        revoked_certificates=[_revoked(one) for one in rules.revoked] or None,
        hierarchy=None if rules.hierarchies is None else list(rules.hierarchies),
    )


def _identity(one: Identity) -> Members:
    gce = None if one.gce is None else {"project": one.gce[0], "instance": one.gce[1]}
    return _present(leaf_sha256=one.leaf_sha256, gce=gce, subject=one.subject)


def _files(files: tuple[RootFile, ...]) -> list[Members] | None:
    return [{"file": one.file, "sha256": one.sha256} for one in files] or None


def _revoked(one: RevokedCertificate) -> Members:
    """Write a revoked certificate; its serial number as octets are, in quotes."""
    members = asdict(one)
    if one.serial is not None:
        members["serial"] = _Quoted(f"{one.serial:x}")
    return _present(**members)
