"""What is unwise in a policy that loads (warnings), and what can never be met (errors)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from attest.policy.anchoring import AikRules, Trust
from attest.policy.initial import is_constant
from attest.policy.loader import Loaded, load_documents
from attest.policy.model import Baseline, NonceMode, PcrRule, RuleKind
from attest.policy.origin import NO_DEMANDS, Demands
from attest.policy.section import Document, Place
from attest.policy.worth import RESETTABLE
from attest.text import shown
from attest.tpm.constants import Alg, alg_name


class Finding(Struct, frozen=True):
    """One thing that lint has to say of one place.

    Attributes:
        path: The policy file.
        line: Line, from 1.
        column: Column, from 1.
        severity: ``error`` where the policy asks for what cannot be.
        rule: Id of the lint rule, such as ``pcr.resettable``.
        message: What is found, with the path of the key.
    """

    path: str
    line: int
    column: int
    severity: Literal["warning", "error"]
    rule: str
    message: str

    def __str__(self) -> str:
        """Write the finding as compilers do."""
        place = f"{self.path}:{self.line}:{self.column}"
        return f"{place}: {self.severity}: {self.message} [{self.rule}]"


def lint(
    path: str | os.PathLike[str], at: datetime | None = None, *, demands: Demands = NO_DEMANDS
) -> tuple[Finding, ...]:
    """Look over a policy file or a policy set.

    Args:
        path: File or directory, as for ``load_policy``.
        at: Moment by which baselines expire, with zone; None: now.
        demands: What is demanded of each file; a signed one needs the key that signed it.

    Returns:
        Findings by file, then by line and column.

    Raises:
        PolicyError: The policy does not load.
        ValueError: ``at`` has no zone.
    """
    moment = datetime.now(UTC) if at is None else at
    if moment.utcoffset() is None:
        raise ValueError("at has no time zone")
    return tuple(
        finding for loaded in load_documents(path, demands) for finding in _findings(loaded, moment)
    )


def _findings(loaded: Loaded, at: datetime) -> list[Finding]:
    """Look over one file."""
    policy, page = loaded.policy, _Page(loaded.document)
    if policy.nonce is NonceMode.NONE:
        page.value("nonce", "nonce.none", "none: old quotes pass too, so only for inspection")
    if policy.aik.trust is Trust.UNANCHORED:
        page.value("aik.trust", "aik.unanchored", "unanchored: a key made in software passes too")
    _look_at_certificates(policy.aik, page)
    _look_at_rules(policy.rules, "pcrs", page)
    for index, baseline in enumerate(policy.baselines):
        path = f"baselines[{index}]"
        _look_at_rules(baseline.golden, f"{path}.pcrs", page)
        _look_at_end(baseline, path, at, page)
        if baseline.revoked is None:
            _look_for_contradictions(policy.rules, baseline, f"{path}.pcrs", page)
    return sorted(page.findings, key=lambda finding: (finding.line, finding.column))


class _Page:
    """The findings of one file, each put at its place.

    Attributes:
        findings: In the order in which they were found.
    """

    def __init__(self, document: Document) -> None:
        """Start without findings."""
        self._document = document
        self.findings: list[Finding] = []

    def key(self, path: str, rule: str, fault: str) -> None:
        """Warn of a key."""
        self._add(self._document.keys[path], "warning", rule, f"{path}: {fault}")

    def value(
        self, path: str, rule: str, fault: str, severity: Literal["warning", "error"] = "warning"
    ) -> None:
        """Warn of a value, or call it an error."""
        self._add(self._document.values[path], severity, rule, f"{path}: {fault}")

    def golden(self, path: str, index: int) -> str:
        """Return the path of a golden value, which stands alone or in a list."""
        item = f"{path}[{index}]"
        return item if item in self._document.values else path

    def _add(
        self, place: Place, severity: Literal["warning", "error"], rule: str, message: str
    ) -> None:
        self.findings.append(Finding(self._document.path, *place, severity, rule, message))


def _look_at_rules(rules: tuple[PcrRule, ...], path: str, page: _Page) -> None:
    """Warn of banks, PCRs and golden values that prove little."""
    if any(rule.bank is Alg.SHA1 for rule in rules):
        page.key(f"{path}.sha1", "bank.sha1", "collisions of SHA-1 can be made")
    for rule in rules:
        place = f"{path}.{alg_name(rule.bank)}.{rule.index}"
        if rule.index in RESETTABLE:
            page.key(place, "pcr.resettable", "software can reset this PCR at any time")
        for index, value in enumerate(rule.values):
            if is_constant(value):
                fault = f"all {value[:1].hex().upper()}: nothing was ever measured into this PCR"
                page.value(page.golden(place, index), "golden.constant", fault)


def _look_at_certificates(rules: AikRules, page: _Page) -> None:
    """Call it an error where a file of certificates holds none that a chain could use."""
    if not rules.roots:
        return
    from attest.certificates.model import ChainError  # noqa: PLC0415 - for few policies
    from attest.certificates.roots import (  # noqa: PLC0415 - 50 ms, for few policies
        load_pinned_intermediates,
        load_pinned_roots,
    )

    kinds = (("roots", rules.roots, load_pinned_roots),)
    others = (("intermediates", rules.intermediates, load_pinned_intermediates),)
    for key, listed, load in kinds + others:
        for index, one in enumerate(listed):
            try:
                load(one.octets, one.sha256, shown(one.file))
            except ChainError as error:
                page.value(f"aik.{key}[{index}].file", "aik.certificates", str(error), "error")


def _look_at_end(baseline: Baseline, path: str, at: datetime, page: _Page) -> None:
    """Warn of a baseline whose time is over."""
    end = baseline.valid.end
    if end is None or at < end:
        return
    fault = f"expired {end.isoformat()}"
    if baseline.revoked is not None:
        fault += ", which changes nothing: revoked, it refuses at any date"
    page.value(f"{path}.valid.until", "baseline.expired", fault)


def _look_for_contradictions(
    rules: tuple[PcrRule, ...], baseline: Baseline, path: str, page: _Page
) -> None:
    """Call it an error where no golden value of a PCR satisfies the rule on the same PCR."""
    single = {(rule.bank, rule.index): rule for rule in rules}
    for golden in baseline.golden:
        rule = single.get((golden.bank, golden.index))
        if rule and not any(rule.allows(value) for value in golden.values):
            wanted = "other values" if rule.kind is RuleKind.VALUES else rule.kind
            place = f"{alg_name(golden.bank)}.{golden.index}"
            fault = f"never passes, since pcrs.{place} asks for {wanted}"
            page.value(f"{path}.{place}", "baseline.contradiction", fault, "error")
