"""Verifies TPM 2.0 attestation in confidential-inference responses against golden values.

A verifier (RFC 9334) in two calls: ``load_policy`` reads an appraisal policy, ``verify`` appraises
the evidence of a response and returns an attestation result.
"""

from attest.errors import AttestError, EvidenceWriteError, MalformedError, PolicyError
from attest.policy.compare import Difference
from attest.policy.loader import load_policy
from attest.policy.model import Policy, PolicySet
from attest.result import Anchor, Assurance, AttestationResult, CheckResult, Outcome
from attest.verify import verify
from attest.version import __version__

__all__ = [
    "Anchor",
    "Assurance",
    "AttestError",
    "AttestationResult",
    "CheckResult",
    "Difference",
    "EvidenceWriteError",
    "MalformedError",
    "Outcome",
    "Policy",
    "PolicyError",
    "PolicySet",
    "__version__",
    "load_policy",
    "verify",
]
